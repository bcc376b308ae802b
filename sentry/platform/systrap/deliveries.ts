/**
 * Which host thread carries out an answer. A guest thread that slept has its host thread asleep,
 * too, and waking that one costs 5 to 50 µs. But often whoever woke it is about to sleep itself
 * (a hand-over by futex, pthread_join): so the wake-up of a thread whose siblings run is held back for
 * a few µs, and when a sibling parks meanwhile, the sibling's host thread, which is awake,
 * goes on with it. The two exchange what they hold.
 */
import { allocateMemory, hostCall3 } from "../../../native/ffi/syscall-unsafe.ts";
import type { Carrier } from "./carrier.ts";
import type { SystrapThread } from "./thread.ts";
import { SCHED_OTHER, TurnTaking } from "./turn-taking.ts";

const SYS_sched_setscheduler = 144;
const SYS_sched_getscheduler = 145;

/** Host threads without a guest thread that a process keeps. */
const IDLE_MAX = 8;

export class Deliveries {
  /** Answered guest threads whose host thread has not been told yet. */
  readonly #held: SystrapThread[] = [];
  /** How many rounds of the loop a wake-up is held back at most. */
  holdRounds = 0;
  #rounds = 0;
  /** Brings a host thread's CPUs up to date before it is woken. */
  readonly #place: (carrier: Carrier) => void;

  readonly turns: TurnTaking<Carrier>;

  constructor(place: (carrier: Carrier) => void) {
    this.#place = place;
    const parameters = allocateMemory(4096);
    // Guests have the sentry's policy, unless the caller has chosen one that is not to be touched.
    const mayChange = hostCall3(SYS_sched_getscheduler, 0, 0, 0) === SCHED_OTHER;
    this.turns = new TurnTaking((carrier, policy) => {
      if (mayChange && carrier.hostTid > 0) hostCall3(SYS_sched_setscheduler, carrier.hostTid, policy, parameters.address);
    });
  }

  /** Some answers wait for a wake-up, or for a state that is still being saved. */
  get areHeld(): boolean {
    return this.#held.length > 0;
  }

  /** Some wake-up is held back for a few rounds more. */
  get isHolding(): boolean {
    return this.#held.length > 0 && this.#rounds < this.holdRounds;
  }

  /** True when `carrier` has the thread's state, or it can be loaded. */
  #canRun(carrier: Carrier, thread: SystrapThread): boolean {
    return carrier.frame === thread || thread.isSaved;
  }

  #run(carrier: Carrier, thread: SystrapThread): void {
    const isAsleep = carrier.isAsleep;
    if (isAsleep || carrier.boundTo !== thread.cpus) this.#place(carrier);
    if (isAsleep) this.turns.woke(carrier);
    carrier.run(thread);
    if (thread.owesInterrupt) thread.interrupt();
  }

  /** The answer of `thread` stands in its slot. */
  deliver(thread: SystrapThread): void {
    const { carrier, process } = thread;
    thread.isQuiet = false;
    const isAsleep = carrier.isAsleep;
    if (isAsleep) thread.wakesSinceLook++;
    if (!isAsleep && this.#canRun(carrier, thread)) {
      this.#run(carrier, thread);
      return;
    }
    const idle = process.idle[process.idle.length - 1];
    if (idle !== undefined && !idle.isAsleep && thread.isSaved) {
      process.idle.pop();
      this.#giveUp(carrier);
      this.#assign(idle, thread);
      this.#run(idle, thread);
    } else if (process.activeThreads > 1 || !this.#canRun(carrier, thread)) {
      if (this.#held.length === 0) this.#rounds = 0;
      this.#held.push(thread);
      thread.isQuiet = true;
    } else this.#run(carrier, thread);
  }

  #assign(carrier: Carrier, thread: SystrapThread): void {
    carrier.thread = thread;
    thread.carrier = carrier;
  }

  #take(thread: SystrapThread): void {
    const index = this.#held.indexOf(thread);
    if (index < 0) return;
    this.#held.splice(index, 1);
    thread.isQuiet = false;
  }

  /** One of the same process that an awake `carrier` could run now. */
  #heldFor(carrier: Carrier): SystrapThread | null {
    if (this.#held.length === 0 || carrier.isAsleep) return null;
    for (const thread of this.#held) if (thread.process === carrier.process && this.#canRun(carrier, thread)) return thread;
    return null;
  }

  /** The call of `thread` sleeps: its host thread goes on with someone else, or sleeps, too. */
  park(thread: SystrapThread): void {
    const { carrier, process } = thread;
    thread.isQuiet = true;
    const next = this.#heldFor(carrier);
    if (next === null) {
      carrier.park(process.threads.size > 1);
      this.turns.parked(carrier);
      return;
    }
    this.#take(next);
    next.carrier.frame = null;
    this.#assign(next.carrier, thread);
    this.#assign(carrier, next);
    this.#run(carrier, next);
  }

  /** `thread` is gone: its host thread goes on with someone else, or waits for another. */
  release(thread: SystrapThread): void {
    const { carrier } = thread;
    this.forget(thread);
    const next = this.#heldFor(carrier);
    if (next === null) {
      this.#giveUp(carrier);
      return;
    }
    this.#take(next);
    this.#giveUp(next.carrier);
    carrier.frame = null;
    this.#assign(carrier, next);
    this.#run(carrier, next);
  }

  /** A carrier without guest thread. One that sleeps need not be told: it is when it is woken. */
  #giveUp(carrier: Carrier): void {
    const { idle } = carrier.process;
    if (idle.length >= IDLE_MAX && !carrier.isLeader) carrier.quit();
    else if (carrier.isAsleep) {
      carrier.forget();
      idle.unshift(carrier);
    } else {
      carrier.release();
      idle.push(carrier);
    }
  }

  forget(thread: SystrapThread): void {
    this.#take(thread);
    thread.isQuiet = false;
  }

  /** Before `thread` is interrupted: its host thread is the one that runs it. False: not yet, it is done later. */
  settle(thread: SystrapThread): boolean {
    if (!this.#held.includes(thread)) return true;
    if (!this.#canRun(thread.carrier, thread)) return false;
    this.#take(thread);
    this.#run(thread.carrier, thread);
    return true;
  }

  /** A round of the loop has passed: wakes those that were held back long enough. */
  age(): void {
    if (++this.#rounds < this.holdRounds) return;
    this.flush();
  }

  /** Nobody is held back any longer, but for those whose state is not saved yet. */
  flush(): void {
    for (const thread of [...this.#held]) {
      if (!this.#canRun(thread.carrier, thread)) continue;
      this.#take(thread);
      this.#run(thread.carrier, thread);
    }
  }
}
