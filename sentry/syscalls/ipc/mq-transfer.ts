import { EAGAIN, EBADF, EFAULT, EINVAL, EMSGSIZE, ERESTARTSYS, ETIMEDOUT, isErrno } from "../../abi/errno.ts";
import { type PosixMessage, PosixQueueFile } from "../../ipc/posix-queue.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { readTimespec } from "../poll/timeout.ts";

/** MQ_PRIO_MAX */
const PRIORITY_MAX = 32768;

/** A CLOCK_REALTIME time as a deadline on CLOCK_MONOTONIC; NULL: never. EINVAL or EFAULT are negative. */
const readDeadline = (task: Task, addr: UserAddr): number => {
  const absoluteNs = readTimespec(task, addr);
  if (absoluteNs < 0 || absoluteNs === Number.POSITIVE_INFINITY) return absoluteNs;
  const { clock } = task.kernel;
  return Math.max(0, clock.monotonicNs() + (absoluteNs - clock.realtimeNs()));
};

abstract class QueueOp extends BlockingOp {
  protected readonly file: PosixQueueFile;

  constructor(file: PosixQueueFile, deadlineNs: number) {
    super();
    this.file = file.take();
    this.deadlineNs = deadlineNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.file.mq.queue);
  }

  protected finish(result: number): number {
    this.file.put();
    return result;
  }

  override interrupted(_task: Task): number {
    return this.finish(ERESTARTSYS);
  }

  override timedOut(_task: Task): number {
    return this.finish(ETIMEDOUT);
  }
}

class SendOp extends QueueOp {
  readonly #message: PosixMessage;

  constructor(file: PosixQueueFile, message: PosixMessage, deadlineNs: number) {
    super(file, deadlineNs);
    this.#message = message;
  }

  step(task: Task): number {
    const result = this.file.mq.send(task, this.#message);
    return result === EAGAIN ? BLOCKED : this.finish(result);
  }

  describe(): string {
    return "wq_sleep";
  }
}

/** mq_timedsend(3) */
export const sys_mq_timedsend = implement("mq_timedsend", { level: "full" }, (task, fd, dataAddr, length, priority, timeoutAddr) => {
  const deadlineNs = readDeadline(task, timeoutAddr);
  if (deadlineNs < 0) return deadlineNs;
  if (priority >= PRIORITY_MAX) return EINVAL;
  const file = task.file(fd);
  if (isErrno(file) || !(file instanceof PosixQueueFile) || !file.canWrite) return EBADF;
  const tooLong = file.checkLength(length);
  if (tooLong < 0) return tooLong;
  const data = task.memory.copyIn(dataAddr, length);
  if (isErrno(data)) return EFAULT;
  const message = { priority, data };
  const result = file.mq.send(task, message);
  return result !== EAGAIN || file.isNonblocking ? result : task.block(new SendOp(file, message, deadlineNs));
});

const receive = (task: Task, file: PosixQueueFile, dataAddr: UserAddr, priorityAddr: UserAddr): number => {
  const message = file.mq.receive();
  if (message === null) return EAGAIN;
  const { data, priority } = message;
  if (priorityAddr !== 0 && task.memory.storeU32(priorityAddr, priority) < 0) return EFAULT;
  return task.memory.copyOut(dataAddr, data) < 0 ? EFAULT : data.length;
};

class ReceiveOp extends QueueOp {
  readonly #dataAddr: UserAddr;
  readonly #priorityAddr: UserAddr;

  constructor(file: PosixQueueFile, dataAddr: UserAddr, priorityAddr: UserAddr, deadlineNs: number) {
    super(file, deadlineNs);
    this.#dataAddr = dataAddr;
    this.#priorityAddr = priorityAddr;
    file.mq.receivers++;
  }

  step(task: Task): number {
    const n = receive(task, this.file, this.#dataAddr, this.#priorityAddr);
    return n === EAGAIN ? BLOCKED : this.finish(n);
  }

  protected override finish(result: number): number {
    this.file.mq.receivers--;
    return super.finish(result);
  }

  describe(): string {
    return "wq_sleep";
  }
}

/** mq_timedreceive(3) */
export const sys_mq_timedreceive = implement(
  "mq_timedreceive",
  { level: "full" },
  (task, fd, dataAddr, length, priorityAddr, timeoutAddr) => {
    const deadlineNs = readDeadline(task, timeoutAddr);
    if (deadlineNs < 0) return deadlineNs;
    const file = task.file(fd);
    if (isErrno(file) || !(file instanceof PosixQueueFile) || !file.canRead) return EBADF;
    if (length < file.mq.maxBytes) return EMSGSIZE;
    const n = receive(task, file, dataAddr, priorityAddr);
    return n !== EAGAIN || file.isNonblocking ? n : task.block(new ReceiveOp(file, dataAddr, priorityAddr, deadlineNs));
  },
);
