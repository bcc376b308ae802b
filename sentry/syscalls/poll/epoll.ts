import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLWAKEUP,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
} from "../../../syscall-tables/flags/poll.ts";
import { EBADF, EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import { EPOLL_EVENT_SIZE, EpollFile } from "../../fs/epoll/epoll-file.ts";
import type { Task } from "../../task/task.ts";

import { implement } from "../implement.ts";

/** EPOLLEXCLUSIVE_OK_BITS */
const EXCLUSIVE_ALLOWED = (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE) >>> 0;

const event = new Uint8Array(EPOLL_EVENT_SIZE);
const eventView = new DataView(event.buffer);

const createEpoll = (task: Task, flags: number): number => {
  const error = task.files.canInstall();
  if (error < 0) return error;
  return task.files.install(new EpollFile(task.kernel), (flags & EPOLL_CLOEXEC) !== 0);
};

/** epoll_create(2) */
export const sys_epoll_create = implement("epoll_create", { level: "full" }, (task, size) => (size <= 0 ? EINVAL : createEpoll(task, 0)));

/** epoll_create1(2) */
export const sys_epoll_create1 = implement("epoll_create1", { level: "full" }, (task, flags) =>
  (flags & ~EPOLL_CLOEXEC) !== 0 ? EINVAL : createEpoll(task, flags),
);

/** epoll_ctl(2). EPOLLEXCLUSIVE wakes every waiter, which the man page allows ("one or more"). */
export const sys_epoll_ctl = implement("epoll_ctl", { level: "full" }, (task, epfd, op, fd, eventAddr) => {
  if (op !== EPOLL_CTL_DEL && task.memory.readInto(eventAddr, event, 0, EPOLL_EVENT_SIZE) !== EPOLL_EVENT_SIZE) return EFAULT;
  const epoll = task.file(epfd);
  if (isErrno(epoll)) return EBADF;
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  if (file.waitQueueFor(task) === null) return EPERM;
  if (file === epoll || !(epoll instanceof EpollFile)) return EINVAL;
  const events = eventView.getUint32(0, true);
  const dataLo = eventView.getUint32(4, true);
  const dataHi = eventView.getUint32(8, true);
  if (op !== EPOLL_CTL_DEL && (events & EPOLLEXCLUSIVE) !== 0) {
    if (op === EPOLL_CTL_MOD || file instanceof EpollFile || (events & ~EXCLUSIVE_ALLOWED) !== 0) return EINVAL;
  }
  switch (op) {
    case EPOLL_CTL_ADD:
      return epoll.add(task, file, fd, events, dataLo, dataHi);
    case EPOLL_CTL_DEL:
      return epoll.delete(file, fd);
    case EPOLL_CTL_MOD:
      return epoll.modify(file, fd, events, dataLo, dataHi);
    default:
      return EINVAL;
  }
});
