import { IPC_NOWAIT, MSG_COPY, MSG_EXCEPT, MSG_NOERROR } from "../../../syscall-tables/flags/ipc.ts";
import { E2BIG, EAGAIN, EFAULT, EIDRM, EINVAL, ENOMSG, ERESTARTNOHAND, isErrno } from "../../abi/errno.ts";
import { ipcNamespaceOf, ipcTime } from "../../ipc/ipc-namespace.ts";
import { IPC_READ, IPC_WRITE, IpcPermission } from "../../ipc/ipc-permission.ts";
import { type Message, type MessageChoice, MessageQueue } from "../../ipc/message-queue.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { R_R10 } from "../../platform/registers.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** The long in front of a struct msgbuf's text. */
const TYPE_SIZE = 8;

/** msgget(2) */
export const sys_msgget = implement("msgget", { level: "full" }, (task, key, flags) =>
  ipcNamespaceOf(task).messages.obtain(
    task,
    key,
    flags,
    () => 0,
    () => new MessageQueue(new IpcPermission(task, key, flags), ipcNamespaceOf(task).limits.msgmnb, ipcTime(task)),
  ),
);

abstract class QueueOp extends BlockingOp {
  protected readonly mq: MessageQueue;

  constructor(mq: MessageQueue) {
    super();
    this.mq = mq;
  }

  subscribe(task: Task): void {
    task.waitOn(this.mq.queue);
  }

  // signal(7): not restarted after a handler.
  override interrupted(_task: Task): number {
    return ERESTARTNOHAND;
  }
}

class SendOp extends QueueOp {
  readonly #message: Message;

  constructor(mq: MessageQueue, message: Message) {
    super(mq);
    this.#message = message;
  }

  step(task: Task): number {
    if (this.mq.isRemoved) return EIDRM;
    if (!this.mq.fits(this.#message.data.length)) return BLOCKED;
    this.mq.send(this.#message, task.process.pid, ipcTime(task));
    return 0;
  }

  describe(): string {
    return "do_msgsnd";
  }
}

/** msgsnd(2) */
export const sys_msgsnd = implement("msgsnd", { level: "full" }, (task, id, messageAddr, length, flags) => {
  const head = task.memory.viewIn(messageAddr, TYPE_SIZE);
  if (typeof head === "number") return EFAULT;
  const typeHigh = head.getInt32(4, true);
  const typeLow = head.getUint32(0, true);
  if (length > ipcNamespaceOf(task).limits.msgmax || id < 0 || typeHigh < 0 || (typeHigh | typeLow) === 0) return EINVAL;
  const data = task.memory.copyIn(messageAddr + TYPE_SIZE, length);
  if (isErrno(data)) return EFAULT;
  const mq = ipcNamespaceOf(task).messages.get(id);
  if (isErrno(mq)) return mq;
  const error = mq.permission.check(task, IPC_WRITE);
  if (error < 0) return error;
  const op = new SendOp(mq, { typeHigh, typeLow, data });
  const result = op.step(task);
  if (result !== BLOCKED) return result;
  return (flags & IPC_NOWAIT) !== 0 ? EAGAIN : task.block(op);
});

class ReceiveOp extends QueueOp {
  readonly #messageAddr: UserAddr;
  readonly #length: number;
  readonly #choice: MessageChoice;
  readonly #isTruncating: boolean;

  constructor(mq: MessageQueue, messageAddr: UserAddr, length: number, choice: MessageChoice, isTruncating: boolean) {
    super(mq);
    this.#messageAddr = messageAddr;
    this.#length = length;
    this.#choice = choice;
    this.#isTruncating = isTruncating;
  }

  step(task: Task): number {
    const { mq } = this;
    if (mq.isRemoved) return EIDRM;
    const index = mq.find(this.#choice);
    if (index < 0) return BLOCKED;
    const found = mq.messages[index];
    if (found.data.length > this.#length && !this.#isTruncating) return E2BIG;
    if (this.#choice.kind !== "index") mq.take(index, task.process.pid, ipcTime(task));
    const length = Math.min(this.#length, found.data.length);
    const { memory } = task;
    if (memory.storeU32(this.#messageAddr, found.typeLow) < 0 || memory.storeU32(this.#messageAddr + 4, found.typeHigh >>> 0) < 0)
      return EFAULT;
    return memory.writeFrom(this.#messageAddr + TYPE_SIZE, found.data, 0, length) === length ? length : EFAULT;
  }

  describe(): string {
    return "do_msgrcv";
  }
}

/** convert_mode() */
const choose = (typeHigh: number, typeLow: number, flags: number): MessageChoice => {
  if ((flags & MSG_COPY) !== 0) return { kind: "index", typeHigh, typeLow };
  if ((typeHigh | typeLow) === 0) return { kind: "any", typeHigh, typeLow };
  if (typeHigh >= 0) return { kind: (flags & MSG_EXCEPT) !== 0 ? "not" : "equal", typeHigh, typeLow };
  // LONG_MIN has no opposite: LONG_MAX takes its place.
  if ((typeHigh & 0x7fff_ffff) === 0 && typeLow === 0) return { kind: "lowest", typeHigh: 0x7fff_ffff, typeLow: 0xffff_ffff };
  return { kind: "lowest", typeHigh: (~typeHigh + (typeLow === 0 ? 1 : 0)) | 0, typeLow: -typeLow >>> 0 };
};

/** msgrcv(2) */
export const sys_msgrcv = implement("msgrcv", { level: "full" }, (task, id, messageAddr, length, _type, flags) => {
  if (id < 0 || length >= 2 ** 63) return EINVAL;
  if ((flags & MSG_COPY) !== 0 && ((flags & MSG_EXCEPT) !== 0 || (flags & IPC_NOWAIT) === 0)) return EINVAL;
  const mq = ipcNamespaceOf(task).messages.get(id);
  if (isErrno(mq)) return mq;
  const error = mq.permission.check(task, IPC_READ);
  if (error < 0) return error;
  // All 64 bits of the type count, which no double holds.
  const { regs } = task.thread;
  const wanted = choose(regs.getHi(R_R10) | 0, regs.getLo(R_R10), flags);
  const op = new ReceiveOp(mq, messageAddr, length, wanted, (flags & MSG_NOERROR) !== 0);
  const result = op.step(task);
  if (result !== BLOCKED) return result;
  return (flags & IPC_NOWAIT) !== 0 ? ENOMSG : task.block(op);
});
