/** timerfd_create(2). As in fs/timerfd.c the kernel's timer fires once; the periods that passed meanwhile are counted when somebody looks. */
import { O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { POLLIN, POLLRDNORM } from "../../../syscall-tables/flags/poll.ts";
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
} from "../../../syscall-tables/flags/time.ts";
import { EAGAIN, ECANCELED, EFAULT, EINVAL, ENOTTY, EPERM } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { Timer } from "../../loop/timers.ts";
import { WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";

const word = new Uint8Array(8);
const wordView = new DataView(word.buffer);

/** Absolute CLOCK_REALTIME timers, which follow the clock when it is set. */
const realtimeTimers = new Set<TimerFile>();

export class TimerFile extends OpenFile implements Timer {
  deadlineNs = Number.POSITIVE_INFINITY;
  readonly #kernel: Kernel;
  readonly clock: number;
  readonly #queue = new WaitQueue();
  #intervalNs = 0;
  /** Expirations not read yet. */
  #ticks = 0;
  #isArmed = false;
  /** It fired and runs again only after the next look. */
  #hasExpired = false;
  #settimeFlags = 0;
  /** TFD_TIMER_CANCEL_ON_SET, and what came of it. */
  #isCancelable = false;
  #wasCanceled = false;

  constructor(kernel: Kernel, clock: number, flags: number) {
    super(anonInode(kernel, 0o600), null, O_RDWR | flags);
    this.#kernel = kernel;
    this.clock = clock;
  }

  get #isRealtime(): boolean {
    return this.clock === CLOCK_REALTIME || this.clock === CLOCK_REALTIME_ALARM;
  }

  /** timerfd_settime(2); `valueNs` 0 disarms. ECANCELED where the clock was set under a CANCEL_ON_SET timer. */
  set(flags: number, valueNs: number, intervalNs: number): number {
    const { timers, clock } = this.#kernel;
    timers.cancel(this);
    this.#settimeFlags = flags;
    this.#hasExpired = false;
    this.#ticks = 0;
    this.#intervalNs = intervalNs;
    this.#isArmed = valueNs > 0;
    const followsClock = this.#isRealtime && (flags & TFD_TIMER_ABSTIME) !== 0;
    if (followsClock) realtimeTimers.add(this);
    else realtimeTimers.delete(this);
    this.#isCancelable = followsClock && (flags & TFD_TIMER_CANCEL_ON_SET) !== 0;
    if (this.#isArmed) {
      const now = clock.monotonicNs();
      if ((flags & TFD_TIMER_ABSTIME) === 0) this.deadlineNs = now + valueNs;
      else if (this.#isRealtime) this.deadlineNs = now + (valueNs - clock.realtimeNs());
      else this.deadlineNs = this.clock === CLOCK_MONOTONIC ? valueNs : valueNs - clock.bootOffsetNs;
      if (this.deadlineNs !== Number.POSITIVE_INFINITY) timers.arm(this);
    }
    const canceled = this.#wasCanceled && this.#isCancelable;
    this.#wasCanceled = false;
    return canceled ? ECANCELED : 0;
  }

  fire(): void {
    this.#hasExpired = true;
    this.#ticks++;
    this.#queue.notify(POLLIN | POLLRDNORM);
  }

  /** CLOCK_REALTIME jumped by `deltaNs`. */
  clockWasSet(deltaNs: number): void {
    if (this.#isCancelable) {
      this.#wasCanceled = true;
      this.#ticks++;
      this.#queue.notify(POLLIN | POLLRDNORM);
    }
    if (!this.#isArmed || this.#hasExpired) return;
    this.deadlineNs -= deltaNs;
    this.#kernel.timers.arm(this);
  }

  /** hrtimer_forward_now() and restart: counts the periods since it fired. */
  #catchUp(): void {
    if (!this.#hasExpired || this.#intervalNs === 0) return;
    this.#hasExpired = false;
    const periods = Math.floor((this.#kernel.clock.monotonicNs() - this.deadlineNs) / this.#intervalNs) + 1;
    this.#ticks += Math.max(0, periods - 1);
    this.deadlineNs += Math.max(1, periods) * this.#intervalNs;
    this.#kernel.timers.arm(this);
  }

  get intervalNs(): number {
    return this.#intervalNs;
  }

  /** timerfd_gettime(2): ns until the next expiration; 0: disarmed. */
  remainingNs(): number {
    this.#catchUp();
    if (!this.#isArmed || this.#hasExpired) return 0;
    // An armed timer never shows zero, which would read as disarmed.
    return Math.max(1, Math.floor(this.deadlineNs - this.#kernel.clock.monotonicNs()));
  }

  /** noop_llseek() */
  override seek(): number {
    return this.position;
  }

  override read(io: Io, _task: Task): number {
    if (io.remaining < 8) return EINVAL;
    if (this.#wasCanceled) {
      this.#wasCanceled = false;
      this.#ticks = 0;
      this.#hasExpired = false;
      return ECANCELED;
    }
    if (this.#ticks === 0) return EAGAIN;
    this.#catchUp();
    const ticks = this.#ticks;
    this.#ticks = 0;
    wordView.setUint32(0, ticks % 2 ** 32, true);
    wordView.setUint32(4, Math.floor(ticks / 2 ** 32), true);
    return io.put(word, 0, 8) === 8 ? 8 : EFAULT;
  }

  override readiness(): number {
    return this.#ticks > 0 ? POLLIN | POLLRDNORM : 0;
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    // TFD_IOC_SET_TICKS is for checkpointing (CONFIG_CHECKPOINT_RESTORE).
    if (command !== 0x4008_5400) return ENOTTY;
    const ticks = task.memory.loadU64(argument);
    if (ticks < 0) return EFAULT;
    if (ticks === 0) return EINVAL;
    if (this.#wasCanceled) return EPERM;
    this.#ticks = ticks;
    this.#queue.notify(POLLIN | POLLRDNORM);
    return 0;
  }

  protected override release(): void {
    this.#kernel.timers.cancel(this);
    realtimeTimers.delete(this);
  }

  override get anonymousName(): string {
    return "anon_inode:[timerfd]";
  }

  override fdInfo(): string {
    const pair = (ns: number): string => `(${Math.floor(ns / 1e9)}, ${Math.floor(ns % 1e9)})`;
    const ticks = this.#ticks;
    const flags = this.#settimeFlags.toString(8).padStart(2, "0");
    const remaining = !this.#isArmed || this.#hasExpired ? 0 : Math.max(0, this.deadlineNs - this.#kernel.clock.monotonicNs());
    return `clockid: ${this.clock}\nticks: ${ticks}\nsettime flags: ${flags}\nit_value: ${pair(remaining)}\nit_interval: ${pair(this.#intervalNs)}\n`;
  }
}

/** clock_settime(2) moved CLOCK_REALTIME by `deltaNs`: absolute timers follow it. */
export const realtimeWasSet = (deltaNs: number): void => {
  for (const file of realtimeTimers) file.clockWasSet(deltaNs);
};
