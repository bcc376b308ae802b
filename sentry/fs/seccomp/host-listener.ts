/**
 * A filter's listener that is an agent on the host (SCMP_ACT_NOTIFY, docs/adr/0017-seccomp-agents.md). The process that serves
 * the agent's file (native/launcher/listener.h) is a client of the control socket, and is told and tells by messages.
 */
import { hostClose } from "../../../native/ffi/syscall-unsafe.ts";
import {
  ANSWER_ADDED,
  ANSWER_NOTIFICATION,
  ANSWER_UNUSED,
  ANSWER_WITHDRAWN,
  CONTROL_NOTIFY_ADD,
  CONTROL_NOTIFY_ANSWER,
  CONTROL_NOTIFY_READ,
} from "../../../runtime/sandbox/control-protocol.ts";
import { O_CLOEXEC } from "../../../syscall-tables/flags/open.ts";
import { MAX_ERRNO } from "../../../syscall-tables/limits.ts";
import { EBADF, EINVAL, ENOENT, ENOSYS, isErrno } from "../../abi/errno.ts";
import { CALL_GOES_ON } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { openHostFd } from "../tty/host-file.ts";
import {
  ADDFD_FLAG_SEND,
  ADDFD_FLAG_SETFD,
  addFile,
  answer,
  type CallListener,
  FLAG_CONTINUE,
  hasUsers,
  type Notification,
  NotifyOp,
  newNotification,
} from "./notification.ts";

type Say = (kind: number, argument: number, text: string) => void;

export class HostListener implements CallListener {
  readonly isKillableOnly: boolean;
  #say: Say | null = null;
  readonly #notifications = new Map<number, Notification>();

  constructor(isKillableOnly: boolean) {
    this.isKillableOnly = isKillableOnly;
  }

  /** The agent is there. */
  attach(say: Say): void {
    this.#say = say;
  }

  ask(task: Task, data: Uint8Array): number | null {
    // Its first execve(2) is the runtime's own.
    if (task.mm.argStart === 0) return null;
    if (this.#say === null) return ENOSYS;
    const notification = newNotification(task, data);
    this.#notifications.set(notification.id, notification);
    this.#say(ANSWER_NOTIFICATION, 0, `${notification.id} ${task.thread.process.hostPid} ${Buffer.from(data).toString("hex")}`);
    return task.block(new NotifyOp(this, notification));
  }

  withdraw(notification: Notification): void {
    if (this.#notifications.delete(notification.id)) this.#say?.(ANSWER_WITHDRAWN, 0, String(notification.id));
  }

  taskGone(task: Task): void {
    if (this.#say !== null && !hasUsers(task.kernel, this)) this.#say(ANSWER_UNUSED, 0, "");
  }

  /** The agent has closed its file. */
  close(): void {
    this.#say = null;
    for (const notification of [...this.#notifications.values()]) this.#answer(notification, ENOSYS);
  }

  #answer(notification: Notification, result: number): void {
    this.#notifications.delete(notification.id);
    answer(notification, result);
  }

  /** A message of the agent's; what is not understood is passed over. */
  handle(request: number, text: string, fds: readonly number[]): void {
    const numbers = /^-?\d{1,19}(?: -?\d{1,19})*$/.test(text) ? text.split(" ").map(Number) : [];
    const [fd = -1, ...others] = fds;
    for (const other of others) hostClose(other);
    if (request === CONTROL_NOTIFY_ADD && numbers.length === 5) this.#say?.(ANSWER_ADDED, this.#add(numbers, fd), String(numbers[0]));
    else if (fd >= 0) hostClose(fd);
    const notification = this.#notifications.get(numbers[0]);
    if (notification === undefined) return;
    if (request === CONTROL_NOTIFY_READ) notification.state = "read";
    if (request === CONTROL_NOTIFY_ANSWER && numbers.length === 4) {
      const [, value, error, flags] = numbers;
      this.#answer(notification, resultOf(value, error, flags));
    }
  }

  /** The new fd, or an errno. */
  #add([, id, flags, target, newFlags]: readonly number[], hostFd: number): number {
    if (hostFd < 0) return EBADF;
    const notification = this.#notifications.get(id);
    const isKnown = (flags & ~(ADDFD_FLAG_SETFD | ADDFD_FLAG_SEND)) === 0 && (newFlags & ~O_CLOEXEC) === 0;
    if (notification === undefined || !isKnown) {
      hostClose(hostFd);
      return notification === undefined ? ENOENT : EINVAL;
    }
    const file = openHostFd(notification.task.kernel, hostFd, "hidden", true);
    if (isErrno(file)) {
      hostClose(hostFd);
      return file;
    }
    const fd = addFile(notification.task, file, flags, target, newFlags !== 0);
    if (fd >= 0 && (flags & ADDFD_FLAG_SEND) !== 0) this.#answer(notification, fd);
    return fd;
  }
}

/** As the call returns it: seccomp_do_user_notification puts error or value into the register, unchecked. */
const resultOf = (value: number, error: number, flags: number): number => {
  if ((flags & FLAG_CONTINUE) !== 0) return CALL_GOES_ON;
  const result = error !== 0 ? error : value;
  // What is beyond is no number that this kernel's calls return.
  return result < -MAX_ERRNO ? ENOSYS : result;
};

const listeners = new Map<string, HostListener>();

/** By the token that the runtime gave to the program's filter and to its agent. */
export const hostListener = (token: string, isKillableOnly = false): HostListener => {
  let listener = listeners.get(token);
  if (listener === undefined) {
    listener = new HostListener(isKillableOnly);
    listeners.set(token, listener);
  }
  return listener;
};
