import { POLLERR, POLLHUP, POLLNVAL } from "../../../syscall-tables/flags/poll.ts";
import { EFAULT, EINVAL, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { implement } from "../implement.ts";
import { RemainingTime } from "./remaining-time.ts";
import { deadlineAfter, readTimespec, useTemporaryMask } from "./timeout.ts";

const POLLFD_SIZE = 8;

// The array of the call at hand; it only grows. A sleeping call keeps a copy.
let polled = new Uint8Array(64 * POLLFD_SIZE);
let polledView = new DataView(polled.buffer);

const scan = (task: Task, view: DataView, count: number, files: readonly (OpenFile | null)[] | null): number => {
  let ready = 0;
  for (let i = 0; i < count; i++) {
    const at = i * POLLFD_SIZE;
    const fd = view.getInt32(at, true);
    let events = 0;
    if (fd >= 0) {
      const file = files === null ? task.file(fd) : files[i];
      if (file === null || isErrno(file)) events = POLLNVAL;
      else events = file.readiness(task) & (view.getUint16(at + 4, true) | POLLERR | POLLHUP);
    }
    view.setUint16(at + 6, events, true);
    if (events !== 0) ready++;
  }
  return ready;
};

const copyOut = (task: Task, addr: UserAddr, bytes: Uint8Array, count: number, ready: number): number => {
  const length = count * POLLFD_SIZE;
  return task.memory.writeFrom(addr, bytes, 0, length) === length ? ready : EFAULT;
};

class PollOp extends BlockingOp {
  readonly #addr: UserAddr;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #count: number;
  readonly #files: (OpenFile | null)[] = [];
  readonly #remaining: RemainingTime | null;

  constructor(task: Task, addr: UserAddr, count: number, deadlineNs: number, remaining: RemainingTime | null) {
    super();
    this.#addr = addr;
    this.#count = count;
    this.#bytes = polled.slice(0, count * POLLFD_SIZE);
    this.#view = new DataView(this.#bytes.buffer);
    this.deadlineNs = deadlineNs;
    this.#remaining = remaining;
    for (let i = 0; i < count; i++) {
      const file = task.file(this.#view.getInt32(i * POLLFD_SIZE, true));
      this.#files.push(isErrno(file) ? null : file.take());
    }
  }

  subscribe(task: Task): void {
    for (const file of this.#files) {
      const queue = file === null ? null : file.waitQueueFor(task);
      if (queue !== null) task.waitOn(queue);
    }
  }

  step(task: Task): number {
    const ready = scan(task, this.#view, this.#count, this.#files);
    return ready === 0 ? BLOCKED : this.#finish(task, copyOut(task, this.#addr, this.#bytes, this.#count, ready));
  }

  override interrupted(task: Task): number {
    if (this.#remaining !== null) return this.#finish(task, ERESTARTNOHAND);
    const { deadlineNs } = this;
    const addr = this.#addr;
    const count = this.#count;
    // do_restart_poll(): the same array until the same deadline.
    task.restartBlock = { restart: (restarted) => pollUntil(restarted, addr, count, deadlineNs) };
    return this.#finish(task, ERESTART_RESTARTBLOCK);
  }

  override timedOut(task: Task): number {
    const ready = scan(task, this.#view, this.#count, this.#files);
    return this.#finish(task, copyOut(task, this.#addr, this.#bytes, this.#count, ready));
  }

  #finish(task: Task, result: number): number {
    for (const file of this.#files) file?.put();
    return this.#remaining === null ? result : this.#remaining.store(task, result);
  }

  describe(): string {
    return "do_sys_poll";
  }
}

/** Copies the array in and looks at it once: the number of ready files, EINVAL or EFAULT. */
const look = (task: Task, addr: UserAddr, count: number): number => {
  if (count > task.files.limit) return EINVAL;
  const length = count * POLLFD_SIZE;
  if (polled.length < length) {
    polled = new Uint8Array(length * 2);
    polledView = new DataView(polled.buffer);
  }
  if (count > 0 && task.memory.readInto(addr, polled, 0, length) !== length) return EFAULT;
  return scan(task, polledView, count, null);
};

const pollUntil = (task: Task, addr: UserAddr, count: number, deadlineNs: number): number => {
  const ready = look(task, addr, count);
  if (ready !== 0) return ready < 0 ? ready : copyOut(task, addr, polled, count, ready);
  return task.block(new PollOp(task, addr, count, deadlineNs, null));
};

const poll = (task: Task, addr: UserAddr, count: number, timeoutNs: number, remaining: RemainingTime | null): number => {
  const ready = look(task, addr, count);
  // A signal counts even for a look that does not wait (do_poll).
  const isCut = ready === 0 && timeoutNs === 0 && task.hasSignal;
  if (isCut || ready !== 0 || timeoutNs === 0) {
    const result = isCut ? ERESTARTNOHAND : ready < 0 || count === 0 ? ready : copyOut(task, addr, polled, count, ready);
    return remaining === null ? result : remaining.store(task, result);
  }
  return task.block(new PollOp(task, addr, count, deadlineAfter(task, timeoutNs), remaining));
};

/** poll(2) */
export const sys_poll = implement("poll", { level: "full" }, (task, fdsAddr, nfds, timeout) =>
  poll(task, fdsAddr, nfds, timeout < 0 ? Number.POSITIVE_INFINITY : timeout * 1e6, null),
);

/** ppoll(2) */
export const sys_ppoll = implement("ppoll", { level: "full" }, (task, fdsAddr, nfds, timeoutAddr, maskAddr, maskSize) => {
  const timeoutNs = readTimespec(task, timeoutAddr);
  if (timeoutNs < 0) return timeoutNs;
  const error = useTemporaryMask(task, maskAddr, maskSize);
  if (error < 0) return error;
  return poll(task, fdsAddr, nfds, timeoutNs, new RemainingTime(task, timeoutAddr, timeoutNs, 1));
});
