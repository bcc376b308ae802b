/** The wait queue of a host socket: the host is asked to tell of it from the first waiter on. */
import type { HostPoller } from "../../loop/host-poller.ts";
import { type Waiter, WaitQueue } from "../../task/blocking.ts";

export class HostQueue extends WaitQueue {
  readonly #poller: HostPoller;
  readonly #hostFd: number;
  #isWatched = false;
  /** Hears of every event, before the waiters do. */
  onEvents: ((events: number) => void) | null = null;

  constructor(poller: HostPoller, hostFd: number) {
    super();
    this.#poller = poller;
    this.#hostFd = hostFd;
  }

  /** Tells at once of what is there already (epoll_ctl(2), EPOLLET). */
  watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#poller.watch(this.#hostFd, this);
    this.#poller.socketCount++;
    // What is told of now must not come after the waiter's next look, as a second edge.
    this.#poller.expect();
  }

  unwatch(): void {
    if (!this.#isWatched) return;
    this.#poller.unwatch(this.#hostFd);
    this.#poller.socketCount--;
    this.#isWatched = false;
  }

  override add(waiter: Waiter): void {
    super.add(waiter);
    this.watch();
  }

  override notify(events?: number): void {
    this.onEvents?.(events ?? 0);
    super.notify(events);
  }
}
