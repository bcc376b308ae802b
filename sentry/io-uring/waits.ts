/** Requests that no system call stands for: polls and timeouts. */
import { POLLERR, POLLHUP } from "../../syscall-tables/flags/poll.ts";
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME } from "../../syscall-tables/flags/time.ts";
import { ECANCELED, EFAULT, EINVAL, ETIME, isErrno } from "../abi/errno.ts";
import { toMonotonicNs } from "../task/clocks.ts";
import type { Task } from "../task/task.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { PENDING, type RingRequest, type RingWait } from "./request.ts";

const POLL_ADD_MULTI = 1;
const TIMEOUT_ABS = 1;
const TIMEOUT_BOOTTIME = 4;
const TIMEOUT_REALTIME = 8;
const TIMEOUT_ETIME_SUCCESS = 32;
const TIMEOUT_MULTISHOT = 64;
const TIMEOUT_KNOWN = TIMEOUT_ABS | TIMEOUT_BOOTTIME | TIMEOUT_REALTIME | TIMEOUT_ETIME_SUCCESS | TIMEOUT_MULTISHOT;
/** EPOLLONESHOT and what only the kernel says are no events to wait for. */
const EVENTS = 0xffff;

class PollWait implements RingWait {
  deadlineNs = Number.POSITIVE_INFINITY;
  readonly #file: OpenFile;
  readonly #events: number;
  readonly #isMulti: boolean;

  constructor(file: OpenFile, events: number, isMulti: boolean) {
    this.#file = file.take();
    this.#events = (events & EVENTS) | POLLERR | POLLHUP;
    this.#isMulti = isMulti;
  }

  step(request: RingRequest): number {
    const ready = this.#file.readiness(request.task) & this.#events;
    if (ready === 0) return PENDING;
    if (!this.#isMulti) return ready;
    return request.postMore(ready) ? PENDING : ready;
  }

  timedOut(): number {
    return PENDING;
  }

  end(): void {
    this.#file.put();
  }
}

export const startPoll = (request: RingRequest, file: OpenFile): number => {
  const { len, task } = request;
  if ((len & ~POLL_ADD_MULTI) !== 0 || request.ioprio !== 0) return EINVAL;
  const isMulti = (len & POLL_ADD_MULTI) !== 0;
  const wait = new PollWait(file, request.opFlags, isMulti);
  request.wait = wait;
  const queue = file.waitQueueFor(task);
  if (queue !== null) request.waitOn(queue);
  return wait.step(request);
};

/** The deadline of the struct __kernel_timespec at `addr`, or an errno. */
const readDeadline = (task: Task, addr: number, flags: number): number => {
  const view = task.memory.viewIn(addr, 16);
  if (isErrno(view)) return EFAULT;
  const sec = view.getInt32(4, true) * 2 ** 32 + view.getUint32(0, true);
  const nsec = view.getInt32(12, true) * 2 ** 32 + view.getUint32(8, true);
  if (sec < 0 || nsec < 0) return EINVAL;
  const ns = sec * 1e9 + nsec;
  if ((flags & TIMEOUT_ABS) === 0) return task.kernel.clock.monotonicNs() + ns;
  const clock = (flags & TIMEOUT_REALTIME) !== 0 ? CLOCK_REALTIME : (flags & TIMEOUT_BOOTTIME) !== 0 ? CLOCK_BOOTTIME : CLOCK_MONOTONIC;
  return toMonotonicNs(task, clock, ns);
};

class TimeoutWait implements RingWait {
  deadlineNs: number;
  readonly untilCompleted: number;
  readonly #intervalNs: number;
  #repeats: number;
  readonly #target: RingRequest | null;

  constructor(deadlineNs: number, untilCompleted: number, intervalNs: number, repeats: number, target: RingRequest | null) {
    this.deadlineNs = deadlineNs;
    this.untilCompleted = untilCompleted;
    this.#intervalNs = intervalNs;
    this.#repeats = repeats;
    this.#target = target;
  }

  step(): number {
    return PENDING;
  }

  timedOut(request: RingRequest): number {
    if (this.#target !== null) {
      this.#target.linkedTimeout = null;
      this.#target.cancel(ECANCELED);
      return ETIME;
    }
    if (this.#intervalNs > 0 && this.#repeats-- > 1) {
      this.deadlineNs += this.#intervalNs;
      return request.postMore(ETIME) ? PENDING : ETIME;
    }
    return ETIME;
  }

  end(): void {}
}

export const startTimeout = (request: RingRequest, target: RingRequest | null): number => {
  const flags = request.opFlags;
  if ((flags & ~TIMEOUT_KNOWN) !== 0 || request.len !== 1 || request.ioprio !== 0 || request.bufferIndex !== 0) return EINVAL;
  const clocks = flags & (TIMEOUT_BOOTTIME | TIMEOUT_REALTIME);
  if (clocks === (TIMEOUT_BOOTTIME | TIMEOUT_REALTIME)) return EINVAL;
  const isMulti = (flags & TIMEOUT_MULTISHOT) !== 0;
  if (isMulti && (flags & TIMEOUT_ABS) !== 0) return EINVAL;
  const deadlineNs = readDeadline(request.task, request.addr, flags);
  if (deadlineNs < 0) return deadlineNs;
  const { ring, off } = request;
  const intervalNs = isMulti ? Math.max(1, deadlineNs - ring.kernel.clock.monotonicNs()) : 0;
  const until = isMulti || off === 0 ? 0 : ring.completed + off;
  request.wait = new TimeoutWait(deadlineNs, until, intervalNs, off === 0 ? Number.POSITIVE_INFINITY : off, target);
  request.deadlineNs = deadlineNs;
  if (until > 0) ring.counting.add(request);
  return PENDING;
};

/** IORING_TIMEOUT_UPDATE */
export const updateTimeout = (request: RingRequest, found: RingRequest): number => {
  const deadlineNs = readDeadline(request.task, request.off, request.opFlags);
  if (deadlineNs < 0) return deadlineNs;
  if (found.wait !== null) found.wait.deadlineNs = deadlineNs;
  found.rearm();
  return 0;
};
