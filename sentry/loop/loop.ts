/**
 * The sentry's one loop: guest requests, tasks that were woken, timers, host readiness; and
 * when there is nothing, the decision how to wait (hand-over.ts).
 */
import { awaitRequest } from "../platform/systrap/await-request.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import { stepOp } from "../task/run.ts";
import type { Task } from "../task/task.ts";
import type { Clock } from "./clock.ts";
import { Demand } from "./demand.ts";
import type { HandOver } from "./hand-over.ts";
import type { HostPoller } from "./host-poller.ts";
import type { TimerWheel } from "./timers.ts";

/** Rounds of the busy loop between two looks at the clock, and between two looks at the host. */
const ROUNDS_PER_CLOCK = 64;
const HOST_POLL_NS = 50_000;
const SOCKET_ROUNDS = 16;
const SOCKET_POLL_NS = 8_000;
/** How long a sleep lasts at most while some answer waits for a state that a stub is saving. */
const HELD_NS = 1_000_000;
/** A round that found nothing, in looks for a request. */
const ROUND_LOOKS = 50;

export class Loop {
  readonly #platform: SystrapPlatform;
  readonly #clock: Clock;
  readonly #timers: TimerWheel;
  readonly #poller: HostPoller;
  readonly #handOver: HandOver;
  readonly #demand = new Demand();
  #ready: Task[] = [];
  readonly #queued = new Set<Task>();
  isOver = false;

  constructor(platform: SystrapPlatform, clock: Clock, timers: TimerWheel, poller: HostPoller, handOver: HandOver) {
    this.#platform = platform;
    this.#clock = clock;
    this.#timers = timers;
    this.#poller = poller;
    this.#handOver = handOver;
    platform.lookAtClock = () => platform.service.look(clock.monotonicNs());
  }

  /** The task's op is stepped (again) in this round or the next. */
  schedule(task: Task): void {
    if (this.#queued.has(task)) return;
    this.#queued.add(task);
    this.#ready.push(task);
  }

  /** Steps whoever was woken; those woken meanwhile wait for the next round, so that nobody starves. */
  #runReady(): number {
    const ready = this.#ready;
    const count = ready.length;
    if (count === 0) return 0;
    this.#ready = [];
    for (let i = 0; i < count; i++) {
      const task = ready[i];
      this.#queued.delete(task);
      stepOp(task);
    }
    return count;
  }

  /** Runs until `isOver`. */
  run(): void {
    const platform = this.#platform;
    const handOver = this.#handOver;
    const poller = this.#poller;
    const { service } = platform;
    let rounds = 0;
    let nowNs = this.#clock.monotonicNs();
    let hostPolledNs = nowNs;
    while (!this.isOver) {
      const requests = platform.poll();
      const done = requests + this.#runReady();
      if (platform.deliveries.areHeld) platform.deliveries.age();
      const hasSockets = poller.socketCount > 0;
      if (++rounds >= (hasSockets ? SOCKET_ROUNDS : ROUNDS_PER_CLOCK)) {
        rounds = 0;
        nowNs = this.#clock.monotonicNs();
        service.look(nowNs);
        this.#demand.look(nowNs);
        platform.deliveries.turns.look(nowNs);
        if (nowNs >= this.#timers.nextNs) this.#timers.run(nowNs);
        if (nowNs - hostPolledNs > (hasSockets ? SOCKET_POLL_NS : HOST_POLL_NS)) {
          hostPolledNs = nowNs;
          poller.wait(0);
        }
      }
      if (poller.isExpectant) {
        poller.isExpectant = false;
        poller.wait(0);
      }
      if (done > 0) {
        this.#demand.note(requests);
        handOver.worked(requests, platform.running.length);
        continue;
      }
      service.lookedInVain(ROUND_LOOKS);
      if (this.#ready.length > 0 || platform.deliveries.isHolding || platform.prepare()) continue;
      const nextNs = Math.min(this.#timers.nextNs, hostPolledNs + (hasSockets ? SOCKET_POLL_NS : HOST_POLL_NS));
      const found = this.#spin(nextNs);
      if (found === "request") continue;
      if (found === "due") rounds = ROUNDS_PER_CLOCK;
      else {
        nowNs = this.#sleep();
        hostPolledNs = nowNs;
        rounds = 0;
      }
    }
  }

  /**
   * Looks for requests until one is there, something else is due at `nextNs`, or it is not worth it any longer. What spins is to be small:
   * V8 optimises what runs most, on the CPUs that sentry and guest need, and 50 ms of the first 300 went into `run` and all that it calls.
   */
  #spin(nextNs: number): "request" | "due" | "nothing" {
    const platform = this.#platform;
    const handOver = this.#handOver;
    const { service, deliveries } = platform;
    for (;;) {
      const looks = handOver.looks(platform.running);
      if (looks === 0) return "nothing";
      const looked = deliveries.areHeld ? 0 : awaitRequest(platform.running, looks);
      service.lookedInVain(looked);
      if (looked < looks && !deliveries.areHeld) return "request";
      const nowNs = this.#clock.monotonicNs();
      if (!handOver.maySpin(looked, nowNs)) return "nothing";
      if (nowNs >= nextNs || deliveries.areHeld) return "due";
    }
  }

  /** Sleeps until a stub rings, a host fd is ready or a timer is due. Returns the time after. */
  #sleep(): number {
    const platform = this.#platform;
    let nowNs = this.#clock.monotonicNs();
    platform.service.look(nowNs);
    platform.deliveries.turns.look(nowNs);
    if (nowNs >= this.#timers.nextNs) {
      this.#timers.run(nowNs);
      return nowNs;
    }
    platform.sentrySleeps = true;
    // A request posted before the flag was seen did not ring.
    if (!platform.hasRequests()) {
      const sleepNs = Math.min(this.#timers.nextNs - nowNs, this.#handOver.beforeSleep(platform.running, nowNs));
      this.#poller.wait(platform.deliveries.areHeld ? Math.min(HELD_NS, sleepNs) : sleepNs);
    }
    platform.sentrySleeps = false;
    nowNs = this.#clock.monotonicNs();
    platform.service.begin(nowNs);
    if (nowNs >= this.#timers.nextNs) this.#timers.run(nowNs);
    this.#handOver.afterSleep();
    return nowNs;
  }
}
