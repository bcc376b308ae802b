import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from "../../../syscall-tables/flags/poll.ts";
import { EBADF, EFAULT, EINVAL, ERESTARTNOHAND, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { implement } from "../implement.ts";
import { RemainingTime } from "./remaining-time.ts";
import { deadlineAfter, readTimespec, readTimeval, useTemporaryMask } from "./timeout.ts";

/** POLLIN_SET, POLLOUT_SET and POLLEX_SET of fs/select.c, in the order of the arguments. */
const EVENTS_OF_SET = [POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR, POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR, POLLPRI];

/** The first fd that the process's table has no room for: select(2) ignores the sets from there on (fdt->max_fds). */
const tableSize = (task: Task): number => {
  const { end } = task.files;
  if (end <= 64) return 64;
  let size = 128;
  while (size < end) size *= 2;
  return size;
};

const isSet = (set: Uint8Array, fd: number): boolean => (set[fd >> 3] & (1 << (fd & 7))) !== 0;

class SelectOp extends BlockingOp {
  readonly #addrs: readonly UserAddr[];
  readonly #remaining: RemainingTime;
  readonly #bytes: number;
  readonly #fds: number[] = [];
  readonly #files: OpenFile[] = [];
  readonly #wanted: Uint8Array[] = [];
  readonly #results: Uint8Array[];

  constructor(addrs: readonly UserAddr[], fdCount: number, deadlineNs: number, remaining: RemainingTime) {
    super();
    this.#addrs = addrs;
    this.#bytes = Math.ceil(fdCount / 64) * 8;
    this.deadlineNs = deadlineNs;
    this.#remaining = remaining;
    this.#results = addrs.map(() => new Uint8Array(this.#bytes));
  }

  /** Reads the sets and pins their files: 0, EFAULT or EBADF. */
  prepare(task: Task, fdCount: number): number {
    for (const addr of this.#addrs) {
      const set = addr === 0 ? new Uint8Array(this.#bytes) : task.memory.copyIn(addr, this.#bytes);
      if (isErrno(set)) return set;
      this.#wanted.push(set);
    }
    const [readSet, writeSet, exceptSet] = this.#wanted;
    for (let fd = 0; fd < fdCount; fd++) {
      const at = fd >> 3;
      if ((readSet[at] | writeSet[at] | exceptSet[at]) === 0) {
        fd |= 7;
        continue;
      }
      if (!isSet(readSet, fd) && !isSet(writeSet, fd) && !isSet(exceptSet, fd)) continue;
      const file = task.file(fd);
      if (isErrno(file)) return this.#release(EBADF);
      this.#fds.push(fd);
      this.#files.push(file.take());
    }
    return 0;
  }

  subscribe(task: Task): void {
    for (const file of this.#files) {
      const queue = file.waitQueueFor(task);
      if (queue !== null) task.waitOn(queue);
    }
  }

  #scan(task: Task): number {
    let count = 0;
    for (let i = 0; i < this.#fds.length; i++) {
      const fd = this.#fds[i];
      const events = this.#files[i].readiness(task);
      for (let set = 0; set < 3; set++) {
        if ((events & EVENTS_OF_SET[set]) === 0 || !isSet(this.#wanted[set], fd)) continue;
        this.#results[set][fd >> 3] |= 1 << (fd & 7);
        count++;
      }
    }
    return count;
  }

  step(task: Task): number {
    const count = this.#scan(task);
    return count === 0 ? BLOCKED : this.#finish(task, count);
  }

  override interrupted(task: Task): number {
    return this.#remaining.store(task, this.#release(ERESTARTNOHAND));
  }

  override timedOut(task: Task): number {
    const count = this.#scan(task);
    // core_sys_select: a signal counts even when the time is over.
    return count === 0 && task.hasSignal ? this.interrupted(task) : this.#finish(task, count);
  }

  #finish(task: Task, count: number): number {
    let result = count;
    for (let set = 0; set < 3; set++) {
      const addr = this.#addrs[set];
      if (addr !== 0 && this.#bytes > 0 && task.memory.copyOut(addr, this.#results[set]) < 0) result = EFAULT;
    }
    return this.#remaining.store(task, this.#release(result));
  }

  #release(result: number): number {
    for (const file of this.#files) file.put();
    return result;
  }

  describe(): string {
    return "do_select";
  }
}

const select = (task: Task, nfds: number, addrs: readonly UserAddr[], timeoutNs: number, remaining: RemainingTime): number => {
  if (nfds < 0) return remaining.store(task, EINVAL);
  const fdCount = Math.min(nfds, tableSize(task));
  const op = new SelectOp(addrs, fdCount, deadlineAfter(task, timeoutNs), remaining);
  const error = op.prepare(task, fdCount);
  if (error < 0) return remaining.store(task, error);
  const result = timeoutNs === 0 ? op.timedOut(task) : op.step(task);
  return result === BLOCKED ? task.block(op) : result;
};

/** select(2) */
export const sys_select = implement("select", { level: "full" }, (task, nfds, readAddr, writeAddr, exceptAddr, timeoutAddr) => {
  const timeoutNs = readTimeval(task, timeoutAddr);
  if (timeoutNs < 0) return timeoutNs;
  return select(task, nfds, [readAddr, writeAddr, exceptAddr], timeoutNs, new RemainingTime(task, timeoutAddr, timeoutNs, 1000));
});

/** pselect(2): the last argument points at the mask's address and size. */
export const sys_pselect6 = implement(
  "pselect6",
  { level: "full" },
  (task, nfds, readAddr, writeAddr, exceptAddr, timeoutAddr, sigAddr) => {
    let maskAddr = 0;
    let maskSize = 0;
    if (sigAddr !== 0) {
      maskAddr = task.memory.loadU64(sigAddr);
      maskSize = task.memory.loadU64(sigAddr + 8);
      if (maskAddr < 0 || maskSize < 0) return EFAULT;
    }
    const timeoutNs = readTimespec(task, timeoutAddr);
    if (timeoutNs < 0) return timeoutNs;
    const error = useTemporaryMask(task, maskAddr, maskSize);
    if (error < 0) return error;
    return select(task, nfds, [readAddr, writeAddr, exceptAddr], timeoutNs, new RemainingTime(task, timeoutAddr, timeoutNs, 1));
  },
);
