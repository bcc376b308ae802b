import {
  CAP_SYSLOG,
  SYSLOG_ACTION_CLEAR,
  SYSLOG_ACTION_CLOSE,
  SYSLOG_ACTION_CONSOLE_LEVEL,
  SYSLOG_ACTION_CONSOLE_OFF,
  SYSLOG_ACTION_CONSOLE_ON,
  SYSLOG_ACTION_OPEN,
  SYSLOG_ACTION_READ,
  SYSLOG_ACTION_READ_ALL,
  SYSLOG_ACTION_READ_CLEAR,
  SYSLOG_ACTION_SIZE_BUFFER,
  SYSLOG_ACTION_SIZE_UNREAD,
} from "../../../syscall-tables/flags/system.ts";
import { EFAULT, EINVAL, EPERM, ERESTARTSYS } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import { clearLog, logQueue, readLast, readNext, unreadLength } from "../../task/kernel-log.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const BUFFER_SIZE = 1 << 17;

const copyNext = (task: Task, addr: UserAddr, length: number): number => {
  const bytes = readNext(length);
  return task.memory.copyOut(addr, bytes) < 0 ? EFAULT : bytes.length;
};

/** A reader that has read it all waits for what programs write to /dev/kmsg. */
class SyslogOp extends BlockingOp {
  readonly #addr: UserAddr;
  readonly #length: number;

  constructor(addr: UserAddr, length: number) {
    super();
    this.#addr = addr;
    this.#length = length;
  }

  override subscribe(task: Task): void {
    task.waitOn(logQueue);
  }

  override step(task: Task): number {
    return unreadLength() === 0 ? BLOCKED : copyNext(task, this.#addr, this.#length);
  }

  override interrupted(): number {
    return ERESTARTSYS;
  }

  override describe(): string {
    return "syslog";
  }
}

const read = (task: Task, type: number, addr: UserAddr, length: number): number => {
  if (addr === 0 || length < 0) return EINVAL;
  if (length === 0) return 0;
  if (type === SYSLOG_ACTION_READ) return unreadLength() === 0 ? task.block(new SyslogOp(addr, length)) : copyNext(task, addr, length);
  const bytes = readLast(length);
  if (type === SYSLOG_ACTION_READ_CLEAR) clearLog();
  return task.memory.copyOut(addr, bytes) < 0 ? EFAULT : bytes.length;
};

/** syslog(2), guarded as with dmesg_restrict. */
export const sys_syslog = implement("syslog", { level: "full" }, (task, type, addr, length) => {
  if (!task.creds.has(CAP_SYSLOG)) return EPERM;
  switch (type) {
    case SYSLOG_ACTION_READ:
    case SYSLOG_ACTION_READ_ALL:
    case SYSLOG_ACTION_READ_CLEAR:
      return read(task, type, addr, length);
    case SYSLOG_ACTION_CONSOLE_LEVEL:
      return length < 1 || length > 8 ? EINVAL : 0;
    case SYSLOG_ACTION_CLEAR:
      clearLog();
      return 0;
    case SYSLOG_ACTION_CLOSE:
    case SYSLOG_ACTION_OPEN:
    case SYSLOG_ACTION_CONSOLE_OFF:
    case SYSLOG_ACTION_CONSOLE_ON:
      return 0;
    case SYSLOG_ACTION_SIZE_UNREAD:
      return unreadLength();
    case SYSLOG_ACTION_SIZE_BUFFER:
      return BUFFER_SIZE;
    default:
      return EINVAL;
  }
});
