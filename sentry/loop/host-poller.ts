/** Readiness of host fds in the loop's epoll: edge events are forwarded, state is asked by poll. */
import type { WaitQueue } from "../task/blocking.ts";

export interface HostPoller {
  /** Notifies `queue` with POLL* bits whenever the host fd becomes ready (edge-triggered). */
  watch(hostFd: number, queue: WaitQueue): void;
  unwatch(hostFd: number): void;
  /** The host fd's POLL* bits right now (a poll(2) with timeout 0). */
  readiness(hostFd: number): number;
}
