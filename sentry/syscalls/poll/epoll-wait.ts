import { EBADF, EFAULT, EINTR, EINVAL, isErrno } from "../../abi/errno.ts";
import { EPOLL_EVENT_SIZE, EpollFile } from "../../fs/epoll/epoll-file.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { deadlineAfter, readTimespec, useTemporaryMask } from "./timeout.ts";

/** EP_MAX_EVENTS */
const MAX_EVENTS = Math.floor(0x7fff_ffff / EPOLL_EVENT_SIZE);

class EpollWaitOp extends BlockingOp {
  readonly #epoll: EpollFile;
  readonly #eventsAddr: UserAddr;
  readonly #limit: number;

  constructor(epoll: EpollFile, eventsAddr: UserAddr, limit: number, deadlineNs: number) {
    super();
    this.#epoll = epoll.take();
    this.#eventsAddr = eventsAddr;
    this.#limit = limit;
    this.deadlineNs = deadlineNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#epoll.waitQueue);
  }

  step(task: Task): number {
    const n = this.#epoll.collect(task, this.#eventsAddr, this.#limit);
    return n === 0 ? BLOCKED : this.#finish(n);
  }

  // signal(7): never restarted.
  override interrupted(_task: Task): number {
    return this.#finish(EINTR);
  }

  override timedOut(task: Task): number {
    return this.#finish(this.#epoll.collect(task, this.#eventsAddr, this.#limit));
  }

  #finish(result: number): number {
    this.#epoll.put();
    return result;
  }

  describe(): string {
    return "ep_poll";
  }
}

const checkedEpoll = (task: Task, epfd: number, eventsAddr: UserAddr, limit: number): EpollFile | number => {
  const file = task.file(epfd);
  if (isErrno(file)) return EBADF;
  if (limit <= 0 || limit > MAX_EVENTS) return EINVAL;
  if (eventsAddr + limit * EPOLL_EVENT_SIZE > USER_ADDR_LIMIT) return EFAULT;
  return file instanceof EpollFile ? file : EINVAL;
};

const wait = (task: Task, epfd: number, eventsAddr: UserAddr, limit: number, timeoutNs: number): number => {
  const epoll = checkedEpoll(task, epfd, eventsAddr, limit);
  if (typeof epoll === "number") return epoll;
  const n = epoll.collect(task, eventsAddr, limit);
  if (n !== 0 || timeoutNs === 0) return n;
  return task.block(new EpollWaitOp(epoll, eventsAddr, limit, deadlineAfter(task, timeoutNs)));
};

const msToNs = (timeoutMs: number): number => (timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs * 1e6);

/** epoll_wait(2) */
export const sys_epoll_wait = implement("epoll_wait", { level: "full" }, (task, epfd, eventsAddr, maxevents, timeout) =>
  wait(task, epfd, eventsAddr, maxevents, msToNs(timeout)),
);

/** epoll_pwait(2) */
export const sys_epoll_pwait = implement(
  "epoll_pwait",
  { level: "full" },
  (task, epfd, eventsAddr, maxevents, timeout, maskAddr, maskSize) =>
    useTemporaryMask(task, maskAddr, maskSize) || wait(task, epfd, eventsAddr, maxevents, msToNs(timeout)),
);

/** epoll_pwait2(2) */
export const sys_epoll_pwait2 = implement(
  "epoll_pwait2",
  { level: "full" },
  (task, epfd, eventsAddr, maxevents, timeoutAddr, maskAddr, maskSize) => {
    const timeoutNs = readTimespec(task, timeoutAddr);
    if (timeoutNs < 0) return timeoutNs;
    return useTemporaryMask(task, maskAddr, maskSize) || wait(task, epfd, eventsAddr, maxevents, timeoutNs);
  },
);
