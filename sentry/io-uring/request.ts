/**
 * One request of a ring. What an opcode does is the ordinary system call of that name, called for the task with the
 * guest's memory as it is outside a call; where that call would sleep, its op sleeps here instead
 * (task.ts: a borrower), and is stepped when one of its queues fires.
 *
 *   begin ──▶ running ──▶ asleep ◀──┐ woken: a timer runs it from the loop, not from inside the notifier
 *                │           │──────┘
 *                └──────▶ finished: completion posted, the next of the chain begins
 */
import { ECANCELED, isErrno } from "../abi/errno.ts";
import type { Timer } from "../loop/timers.ts";
import { BLOCKED, type BlockingOp, type Waiter, type WaitQueue } from "../task/blocking.ts";
import type { CallBorrower, Task } from "../task/task.ts";
import { IORING_CQE_F_MORE, type RingFile } from "./ring-file.ts";

const IOSQE_FIXED_FILE = 1;
const IOSQE_IO_DRAIN = 2;
const IOSQE_IO_LINK = 4;
const IOSQE_IO_HARDLINK = 8;
const IOSQE_CQE_SKIP_SUCCESS = 64;

/** The result of an operation that goes on. */
export const PENDING = BLOCKED;

/** An operation that no system call stands for (polls, timeouts): told of wake-ups, deadlines and its end. */
export interface RingWait {
  /** A result, or PENDING. */
  step(request: RingRequest): number;
  deadlineNs: number;
  timedOut(request: RingRequest): number;
  /** It ends before its time. */
  end(): void;
  /** Ends when so many completions have been posted. */
  readonly untilCompleted?: number;
}

export type Operation = (request: RingRequest) => number;

export class RingRequest implements Waiter, CallBorrower, Timer {
  readonly ring: RingFile;
  readonly task: Task;
  readonly sqe: DataView;
  readonly #operation: Operation;
  /** The next of a chain. */
  next: RingRequest | null = null;
  /** A timeout that is linked to this one. */
  linkedTimeout: RingRequest | null = null;
  wait: RingWait | null = null;
  deadlineNs = Number.POSITIVE_INFINITY;
  #op: BlockingOp | null = null;
  readonly #queues: WaitQueue[] = [];
  #isDone = false;
  /** Every success is one completion, and it begins anew. */
  isMultishot = false;
  /** Of a linked timeout: what it watches. */
  target: RingRequest | null = null;
  #hasSlept = false;

  constructor(ring: RingFile, task: Task, sqe: Uint8Array, operation: Operation) {
    this.ring = ring;
    this.task = task;
    this.sqe = new DataView(sqe.buffer, sqe.byteOffset, sqe.length);
    this.#operation = operation;
  }

  // ---- the submission entry (struct io_uring_sqe)

  get opcode(): number {
    return this.sqe.getUint8(0);
  }
  get flags(): number {
    return this.sqe.getUint8(1);
  }
  get ioprio(): number {
    return this.sqe.getUint16(2, true);
  }
  get fd(): number {
    return this.sqe.getInt32(4, true);
  }
  get off(): number {
    return this.#u64(8);
  }
  get addr(): number {
    return this.#u64(16);
  }
  get len(): number {
    return this.sqe.getUint32(24, true);
  }
  get opFlags(): number {
    return this.sqe.getUint32(28, true);
  }
  get dataLo(): number {
    return this.sqe.getUint32(32, true);
  }
  get dataHi(): number {
    return this.sqe.getUint32(36, true);
  }
  get bufferIndex(): number {
    return this.sqe.getUint16(40, true);
  }
  get spliceFd(): number {
    return this.sqe.getInt32(44, true);
  }
  get isFixedFile(): boolean {
    return (this.flags & IOSQE_FIXED_FILE) !== 0;
  }
  get isDrain(): boolean {
    return (this.flags & IOSQE_IO_DRAIN) !== 0;
  }
  get isLinked(): boolean {
    return (this.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)) !== 0;
  }

  #u64(at: number): number {
    return this.sqe.getUint32(at, true) + this.sqe.getUint32(at + 4, true) * 2 ** 32;
  }

  hasData(lo: number, hi: number): boolean {
    return this.dataLo === lo && this.dataHi === hi;
  }

  // ---- its life

  begin(): void {
    this.ring.pending.add(this);
    this.#settle(this.#borrowed(() => this.#operation(this)));
    if (!this.#isDone) this.linkedTimeout?.begin();
  }

  #settle(first: number): void {
    let result = first;
    while (this.isMultishot && result >= 0 && !this.#isDone) {
      if (!this.postMore(result)) break;
      this.#leave();
      result = this.#borrowed(() => this.#operation(this));
    }
    if (this.#isDone) return;
    if (result === PENDING) {
      this.#hasSlept = true;
      this.#arm();
    } else this.finish(result);
  }

  /** Runs `work` as the task's, wherever the task is. */
  #borrowed(work: () => number): number {
    const { task } = this;
    const before = task.borrower;
    task.borrower = this;
    const result = work();
    task.borrower = before;
    return result;
  }

  /** A call that would sleep (Task.block): its op sleeps here. */
  adopt(op: BlockingOp): number {
    this.#op = op;
    op.subscribe(this.task);
    const result = op.step(this.task);
    if (result !== BLOCKED) this.#leave();
    else this.deadlineNs = op.deadlineNs;
    return result;
  }

  waitOn(queue: WaitQueue): void {
    queue.add(this);
    this.#queues.push(queue);
  }

  #leave(): void {
    this.#op = null;
    for (const queue of this.#queues) queue.remove(this);
    this.#queues.length = 0;
    this.ring.kernel.timers.cancel(this);
    this.ring.kernel.timers.cancel(this.#wakeUp);
  }

  wake(): void {
    if (!this.#isDone) this.ring.kernel.timers.arm(this.#wakeUp);
  }

  readonly #wakeUp: Timer = { deadlineNs: 0, fire: () => this.#go(true) };

  #arm(): void {
    const { timers } = this.ring.kernel;
    timers.cancel(this);
    if (this.deadlineNs !== Number.POSITIVE_INFINITY) timers.arm(this);
  }

  fire(): void {
    this.#go(false);
  }

  /** It was woken, or its time has come. */
  #go(wasWoken: boolean): void {
    if (this.#isDone) return;
    this.ring.take();
    this.#step(wasWoken);
    this.ring.put();
  }

  #step(wasWoken: boolean): void {
    const op = this.#op;
    const { wait } = this;
    let result = PENDING;
    if (op !== null) {
      result = this.#borrowed(() => (wasWoken ? op.step(this.task) : op.timedOut(this.task)));
      this.deadlineNs = op.deadlineNs;
    } else if (wait !== null) {
      result = wasWoken ? wait.step(this) : wait.timedOut(this);
      this.deadlineNs = wait.deadlineNs;
    }
    if (op !== null && result !== PENDING) this.#leave();
    this.#settle(result);
  }

  /** The wait has become another one: its deadline counts anew. */
  rearm(): void {
    if (this.wait !== null) this.deadlineNs = this.wait.deadlineNs;
    this.#arm();
  }

  /** One more completion of a request that goes on (multishot); false: there is no room, it has to end (io_req_post_cqe). */
  postMore(result: number): boolean {
    if (this.ring.isFull) return false;
    this.ring.post(this.dataLo, this.dataHi, result, IORING_CQE_F_MORE, true);
    return true;
  }

  cancel(error: number): void {
    if (this.#isDone) return;
    const op = this.#op;
    // The op gives back what it holds.
    if (op !== null) this.#borrowed(() => op.interrupted(this.task));
    this.finish(error);
  }

  /** The end. `result` is what the completion says. */
  finish(result: number): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#leave();
    this.wait?.end();
    const { ring, next, linkedTimeout } = this;
    const isHard = (this.flags & IOSQE_IO_HARDLINK) !== 0;
    const hasFailed = isErrno(result) || this.isShort(result);
    if (isErrno(result) || (this.flags & IOSQE_CQE_SKIP_SUCCESS) === 0) ring.post(this.dataLo, this.dataHi, result, 0, this.#hasSlept);
    if (linkedTimeout !== null) {
      this.linkedTimeout = null;
      linkedTimeout.finish(ECANCELED);
    }
    if (next !== null) {
      this.next = null;
      if (hasFailed && !isHard) next.abandon();
      else ring.start(next);
    }
    ring.ended(this);
  }

  /** Less was moved than asked for: that breaks a chain. */
  isShort(result: number): boolean {
    return this.isTransfer && result < this.len;
  }

  /** READ, WRITE and their like, whose `len` is in bytes. */
  isTransfer = false;

  /** Together with what follows it in its chain. */
  cancelChain(error: number): void {
    const { next } = this;
    this.next = null;
    this.cancel(error);
    next?.abandon();
  }

  /** The chain broke before it came to this one. A chain is as long as the ring: no recursion. */
  abandon(): void {
    for (let one: RingRequest | null = this; one !== null; ) {
      const { next, linkedTimeout }: RingRequest = one;
      one.next = null;
      one.linkedTimeout = null;
      one.finish(ECANCELED);
      linkedTimeout?.finish(ECANCELED);
      one = next;
    }
  }
}
