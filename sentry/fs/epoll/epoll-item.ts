/** One registration of an open file in an epoll set (struct epitem). */
import { EPOLLET, EPOLLONESHOT, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import type { Waiter, WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { EpollLink, OpenFile } from "../../vfs/open-file.ts";
import type { EpollFile } from "./epoll-file.ts";

/** What can become ready, as opposed to how it is told (EP_PRIVATE_BITS). */
const EVENT_BITS = 0x0fff_ffff;

export class EpollItem implements Waiter, EpollLink {
  readonly epoll: EpollFile;
  readonly file: OpenFile;
  readonly fd: number;
  /** Whose signals a signalfd shows: who added it. */
  readonly task: Task;
  readonly queue: WaitQueue;
  /** The mask as given, with EPOLLERR and EPOLLHUP, which nobody can mask. */
  events = 0;
  dataLo = 0;
  dataHi = 0;
  /** Links of the epoll's ready list. */
  isListed = false;
  previous: EpollItem | null = null;
  next: EpollItem | null = null;

  constructor(epoll: EpollFile, file: OpenFile, fd: number, task: Task, queue: WaitQueue) {
    this.epoll = epoll;
    this.file = file;
    this.fd = fd;
    this.task = task;
    this.queue = queue;
  }

  setEvents(events: number, dataLo: number, dataHi: number): void {
    this.events = (events | POLLERR | POLLHUP) >>> 0;
    this.dataLo = dataLo;
    this.dataHi = dataHi;
  }

  get isEdgeTriggered(): boolean {
    return this.events >= EPOLLET;
  }

  get isOneShot(): boolean {
    return (this.events & EPOLLONESHOT) !== 0;
  }

  /** EPOLLONESHOT has told its event: silent until EPOLL_CTL_MOD. */
  disable(): void {
    this.events = (this.events & ~EVENT_BITS) >>> 0;
  }

  /** The wanted events that hold now. */
  ready(): number {
    const wanted = this.events & EVENT_BITS;
    return wanted === 0 ? 0 : this.file.readiness(this.task) & wanted;
  }

  /** ep_poll_callback() */
  wake(events: number, _queue: WaitQueue): void {
    let changed = events;
    if ((changed & (POLLIN | POLLRDNORM)) !== 0) changed |= POLLIN | POLLRDNORM;
    if ((changed & (POLLOUT | POLLWRNORM)) !== 0) changed |= POLLOUT | POLLWRNORM;
    if ((changed & this.events & EVENT_BITS) === 0) return;
    this.epoll.markReady(this);
  }

  fileReleased(): void {
    this.epoll.remove(this);
  }
}
