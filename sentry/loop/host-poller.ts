/** The loop's epoll: the doorbell, the supervisor, and the host fds that guests wait for. */

import { allocateMemory, hostCall3, hostCall6 } from "../../native/ffi/syscall-unsafe.ts";
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLET, EPOLLRDHUP } from "../../syscall-tables/flags/poll.ts";
import type { WaitQueue } from "../task/blocking.ts";

const SYS_poll = 7;
const SYS_epoll_ctl = 233;
const SYS_epoll_pwait2 = 441;
const SYS_epoll_create1 = 291;
const POLLIN_OUT_PRI = 0x7;
const EVENT_SIZE = 12;
const EVENTS_MAX = 64;
const TIMEOUT_AT = 1024;
const CTL_AT = 1056;
const POLL_AT = 1088;
const EPERM = 1;
const SECOND = 1e9;

export class HostPoller {
  readonly #memory = allocateMemory(4096);
  readonly #epollFd: number;
  readonly #queues = new Map<number, Set<WaitQueue>>();
  /** See `expect`; the loop clears it. */
  isExpectant = false;
  /** Sockets of the host's network among what is watched: their peers may be as fast as a guest, so the loop looks more often. */
  socketCount = 0;
  readonly #callbacks = new Map<number, (events: number) => void>();

  constructor() {
    this.#epollFd = hostCall3(SYS_epoll_create1, 0x80000);
    if (this.#epollFd < 0) throw new Error(`epoll_create1: errno ${-this.#epollFd}`);
  }

  #control(operation: number, hostFd: number, events: number): number {
    const { u32, address } = this.#memory;
    u32[CTL_AT / 4] = events;
    u32[CTL_AT / 4 + 1] = hostFd;
    u32[CTL_AT / 4 + 2] = 0;
    return hostCall6(SYS_epoll_ctl, this.#epollFd, operation, hostFd, address + CTL_AT);
  }

  /** Something that was just done (a packet sent on lo) may make another host fd ready: the loop looks before it serves the next call. */
  expect(): void {
    this.isExpectant = this.#queues.size > 0;
  }

  /** Calls `callback` on the loop at every edge of `events` (EPOLL* bits) of a host fd. */
  onEdge(hostFd: number, events: number, callback: (events: number) => void): void {
    this.#callbacks.set(hostFd, callback);
    this.#control(EPOLL_CTL_ADD, hostFd, (events | EPOLLET) >>> 0);
  }

  /** Notifies `queue` with POLL* bits whenever the host fd becomes ready (edge-triggered). */
  watch(hostFd: number, queue: WaitQueue): void {
    const known = this.#queues.get(hostFd);
    if (known) {
      known.add(queue);
      return;
    }
    this.#queues.set(hostFd, new Set([queue]));
    // Regular files cannot be watched (EPERM) and need not: they are always ready.
    const result = this.#control(EPOLL_CTL_ADD, hostFd, (POLLIN_OUT_PRI | EPOLLRDHUP | EPOLLET) >>> 0);
    if (result < 0 && result !== -EPERM) this.#queues.delete(hostFd);
  }

  unwatch(hostFd: number): void {
    if (this.#queues.delete(hostFd)) this.#control(EPOLL_CTL_DEL, hostFd, 0);
  }

  /** The host fd's POLL* bits right now (a poll(2) with timeout 0). */
  readiness(hostFd: number): number {
    const { i32, u32, address } = this.#memory;
    i32[POLL_AT / 4] = hostFd;
    u32[POLL_AT / 4 + 1] = POLLIN_OUT_PRI | EPOLLRDHUP;
    const result = hostCall3(SYS_poll, address + POLL_AT, 1, 0);
    return result > 0 ? u32[POLL_AT / 4 + 1] >>> 16 : 0;
  }

  /** Sleeps for at most `timeoutNs` (0: only looks, Infinity: for ever) and tells whoever is concerned. Returns the number of events. */
  wait(timeoutNs: number): number {
    const { u32, address } = this.#memory;
    let timeout = 0;
    if (timeoutNs !== Number.POSITIVE_INFINITY) {
      const seconds = Math.floor(timeoutNs / SECOND);
      u32[TIMEOUT_AT / 4] = seconds;
      u32[TIMEOUT_AT / 4 + 1] = 0;
      u32[TIMEOUT_AT / 4 + 2] = timeoutNs - seconds * SECOND;
      u32[TIMEOUT_AT / 4 + 3] = 0;
      timeout = address + TIMEOUT_AT;
    }
    const count = hostCall6(SYS_epoll_pwait2, this.#epollFd, address, EVENTS_MAX, timeout, 0, 8);
    for (let i = 0; i < count; i++) {
      const at = (i * EVENT_SIZE) / 4;
      const events = u32[at];
      const hostFd = u32[at + 1];
      this.#callbacks.get(hostFd)?.(events);
      const queues = this.#queues.get(hostFd);
      if (queues) for (const queue of queues) queue.notify(events & 0xffff);
    }
    return count;
  }
}
