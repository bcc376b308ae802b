/** One guest thread: its slot, and the answers that the sentry gives through it. A carrier runs it (carrier.ts). */

import { type HostMemory, hostCall3 } from "../../../native/ffi/syscall-unsafe.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import type { Errno } from "../../abi/errno.ts";
import { WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { CloneRequest, GuestThread, SignalContext, SignalFrame } from "../platform.ts";
import { R_RAX } from "../registers.ts";
import type { Carrier } from "./carrier.ts";
import type { SystrapProcess } from "./guest-process.ts";
import { pokeThread, readThreadFpu, settleThread, writeThreadFpu } from "./inspection.ts";
import {
  ANSWER_FPU_RESTORE,
  ANSWER_FPU_SAVE,
  ANSWER_REGS,
  ANSWER_REPORT,
  ANSWER_RESUME,
  FPU_ADDRS_MAX,
  INTERRUPT_SIGNAL,
  SLOT_ANSWER,
  SLOT_FPU,
  SLOT_FPU_ADDR,
  SLOT_FPU_ADDRS,
  SLOT_FPU_COUNT,
  SLOT_KIND,
  SLOT_OP_COUNT,
  SLOT_PREFETCH_COUNT,
  SLOT_RESULT,
  SLOT_RETURN_RIP,
  SLOT_SAVED,
  SLOT_SIZE,
  SLOT_STATE,
  SLOT_WAKES,
  SLOTS_PER_REGION,
} from "./layout.generated.ts";
import { noteOwnGs } from "./patch-repair.ts";
import { readSignalFrame, writeSignalFrame } from "./signal-frame.ts";
import { SlotMemory } from "./slot-memory.ts";
import { SlotOps } from "./slot-ops.ts";
import { SlotRegisters } from "./slot-registers.ts";
import { startOver } from "./start-over.ts";
import type { SystrapPlatform } from "./systrap.ts";

const SYS_tgkill = 234;
/** About 100 µs. */
const HALT_SPINS = 10_000;

export class SystrapThread implements GuestThread {
  readonly platform: SystrapPlatform;
  readonly process: SystrapProcess;
  readonly index: number;
  task: Task | null = null;
  readonly memory: SlotMemory;
  readonly regs: SlotRegisters;
  readonly ops: SlotOps;
  /** The host thread that runs it, or will. */
  carrier!: Carrier;
  /** To be interrupted as soon as it runs. */
  owesInterrupt = false;
  /** Its next answer holds a fork, whose child this carrier runs. */
  forkedCarrier: Carrier | null = null;
  /** Stopped in the sentry: an answer is owed. */
  isStopped = false;
  /** Position in the platform's list of threads to poll, or -1. */
  runIndex = -1;
  /** What to do when the operations of the answer under way are done; null: an ordinary answer. */
  onReport: ((failed: Errno | 0) => void) | null = null;
  isGone = false;
  /** Takes back the operations that change this call's site, in case the call sleeps. */
  withdraw: (() => void) | null = null;
  /** The CPUs that it may run on, a bit for each; null: any. */
  cpus: Uint32Array | null = null;
  cpuNs = 0;
  kernelNs = 0;
  hasRun = true;
  /** Since its host thread was woken last. */
  hasCalled = false;
  /** What the sentry has worked for it, and the part during which its host thread slept (service-time.ts). */
  serviceNs = 0;
  asleepServiceNs = 0;
  callsSinceLook = 0;
  /** Answers since then that found its host thread asleep. */
  wakesSinceLook = 0;

  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly #u8: Uint8Array;
  /** Index of the slot's first word. */
  readonly word: number;
  /** The state word of the request that was taken last. */
  taken = 0;
  #isQuiet = false;
  #flags = 0;
  #afterOps: (() => void) | null = null;

  constructor(platform: SystrapPlatform, process: SystrapProcess, index: number) {
    this.platform = platform;
    this.process = process;
    this.index = index;
    const region = process.regions[Math.floor(index / SLOTS_PER_REGION)];
    if (!region) throw new Error(`no region for thread ${index}`);
    const memory: HostMemory = region.memory;
    const offset = region.offset + (index % SLOTS_PER_REGION) * SLOT_SIZE;
    this.i32 = memory.i32;
    this.u32 = memory.u32;
    this.#u8 = memory.u8;
    this.word = offset / 4;
    this.memory = new SlotMemory(this, memory.u8, offset, memory.address + offset, process.memory);
    this.regs = new SlotRegisters(memory.u32, this.word);
    this.ops = new SlotOps(memory.u32, this.word, process, index);
    process.threads.add(this);
  }

  /** True when the stub has posted a request that nobody has taken yet. */
  get hasRequest(): boolean {
    return Atomics.load(this.i32, this.word + SLOT_STATE / 4) !== this.taken;
  }

  get isRunning(): boolean {
    return !this.isStopped && !this.isGone;
  }

  /** Sleeps in a call, or waits for its wake-up: counted for the process. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  set isQuiet(value: boolean) {
    if (value === this.#isQuiet) return;
    this.#isQuiet = value;
    this.process.quietThreads += value ? 1 : -1;
  }

  /** sched_setaffinity(2). Its host thread is there when this returns. */
  setCpus(cpus: Uint32Array | null): void {
    this.cpus = cpus;
    if (this.carrier?.thread === this) this.platform.place(this.carrier);
  }

  /** Its state stands in the slot: any carrier can go on with it. */
  get isSaved(): boolean {
    return Atomics.load(this.i32, this.word + SLOT_SAVED / 4) !== 0;
  }

  get cpu(): number {
    return this.carrier.cpu;
  }

  /** Takes the request with this state word: the thread is stopped now. Returns its kind (guest-controlled). */
  stop(state: number): number {
    this.taken = state;
    this.isStopped = true;
    this.hasCalled = true;
    this.platform.removeRunning(this);
    if (!this.#afterOps) {
      // What was set before operations in the middle of a call stays set.
      if (!this.onReport) {
        this.regs.isTouched = false;
        this.regs.isRaxTouched = false;
      }
      this.memory.open();
    }
    return this.u32[this.word + SLOT_KIND / 4];
  }

  /** The call sleeps: its host thread need not spin. */
  park(): void {
    if (!this.isStopped) return;
    this.withdraw?.();
    this.withdraw = null;
    this.platform.deliveries.park(this);
  }

  resume(result: number): void {
    if (!this.isStopped) return;
    this.platform.onResume?.(this, result);
    if (this.regs.isTouched && !this.regs.isRaxTouched) this.regs.set(R_RAX, result);
    if (this.regs.isTouched) noteOwnGs(this);
    const word = this.word + SLOT_RESULT / 4;
    this.u32[word] = result;
    this.u32[word + 1] = Math.floor(result / TWO_32);
    this.#answer(ANSWER_RESUME | this.#flags | (this.regs.isTouched ? ANSWER_REGS : 0));
  }

  #answer(flags: number): void {
    if (!this.ops.isEmpty) {
      if (this.ops.overflows) {
        this.#continueAfterOps(flags);
        return;
      }
      this.ops.publish();
    }
    this.#flags = 0;
    this.memory.close();
    this.#post(flags);
  }

  /** More operations than one answer holds: send a first part and go on when it is done. */
  #continueAfterOps(flags: number): void {
    this.ops.publish();
    this.memory.hold();
    this.#afterOps = () => this.#answer(flags);
    this.#post(ANSWER_REPORT);
  }

  /** Publishes the slot and lets the stub run. */
  #post(flags: number): void {
    this.u32[this.word + SLOT_ANSWER / 4] = flags;
    this.isStopped = false;
    this.withdraw = null;
    this.hasRun = true;
    this.platform.addRunning(this);
    this.platform.deliveries.deliver(this);
  }

  /** Runs the queued operations and stops again; `done` is called with 0 or the failed operation's errno. */
  runOps(done: (failed: Errno | 0) => void): void {
    this.onReport = done;
    this.ops.publish();
    this.memory.close();
    const flags = this.#flags;
    this.#flags = 0;
    this.#post(ANSWER_REPORT | flags);
  }

  /** The next answer saves or restores FPU state. */
  get owesFpu(): boolean {
    return this.#flags !== 0;
  }

  settle(done: (failed: number | null) => void): void {
    settleThread(this, done);
  }

  poke(addr: number, bytes: Uint8Array, prot: number, done: (result: number) => void): void {
    pokeThread(this, addr, bytes, prot, done);
  }

  readFpu(done: (state: Uint8Array | Errno) => void): void {
    readThreadFpu(this, done);
  }

  writeFpu(state: Uint8Array, done: (result: number) => void): void {
    writeThreadFpu(this, state, done);
  }

  /** KIND_OPS_DONE: true when that was the platform's own business. */
  opsDone(): boolean {
    const after = this.#afterOps;
    if (after) {
      this.#afterOps = null;
      after();
      return true;
    }
    const report = this.onReport;
    if (!report) return false;
    this.onReport = null;
    report(0);
    return true;
  }

  opsFailed(error: Errno): boolean {
    this.#afterOps = null;
    this.#flags = 0;
    const report = this.onReport;
    if (!report) return false;
    this.onReport = null;
    report(error);
    return true;
  }

  interrupt(): void {
    if (this.isGone || this.isStopped || this.carrier.hostTid <= 0) return;
    this.owesInterrupt = !this.platform.deliveries.settle(this);
    if (!this.owesInterrupt) hostCall3(SYS_tgkill, this.process.hostPid, this.carrier.hostTid, INTERRUPT_SIGNAL);
  }

  fetchedWord(addr: number): number {
    const { u32, word, memory } = this;
    return u32[word + SLOT_WAKES / 4] === this.platform.wakes ? memory.fetchedU32(addr) : -1;
  }

  /** A thread that has no CPU meets its signal before its next instruction: so the wait need only outlast an IPI. */
  halt(): void {
    if (!this.isRunning || this.hasRequest) return;
    this.interrupt();
    for (let spins = 0; spins < HALT_SPINS && !this.hasRequest; spins++);
  }

  cpuTimeNs(): number {
    if (!this.isGone) {
      this.process.cpuTime.update(this.process.hostPid, this.process.threads);
      this.platform.lookAtClock();
    }
    return this.cpuNs + this.asleepServiceNs;
  }

  /** As `cpuTimeNs` has brought it up to date. */
  systemTimeNs(): number {
    return this.kernelNs + this.serviceNs;
  }

  exitThread(): void {
    if (this.isGone) return;
    if (this.process.threads.size === 1) {
      this.process.kill();
      return;
    }
    this.process.leaving.set(this.index, this.carrier);
    this.platform.deliveries.release(this);
    this.process.threads.delete(this);
    this.detach();
  }

  /** The host has killed it: it runs no more, and what it was told to do it did not do. */
  hostKilled(error: Errno): void {
    this.isStopped = true;
    this.platform.removeRunning(this);
    this.ops.reset();
    this.opsFailed(error);
  }

  /** The host thread is gone or going: no more requests of it are looked at. */
  detach(): void {
    this.isGone = true;
    this.isStopped = false;
    this.platform.deliveries.forget(this);
    this.platform.removeRunning(this);
    this.task = null;
  }

  forkProcess(): CloneRequest {
    return this.platform.fork(this);
  }

  startOver(): boolean {
    return startOver(this);
  }

  cloneThread(): CloneRequest {
    return this.platform.cloneThread(this);
  }

  pushSignalFrame(frame: SignalFrame): 0 | Errno {
    const fpuAddr = writeSignalFrame(this, frame, this.platform.fpuStateSize);
    if (fpuAddr < 0) return fpuAddr as Errno;
    const { u32, word } = this;
    const count = this.#flags & ANSWER_FPU_SAVE ? u32[word + SLOT_FPU_COUNT / 4] : 0;
    if (count < FPU_ADDRS_MAX) {
      const at = word + SLOT_FPU_ADDRS / 4 + count * 2;
      u32[at] = fpuAddr;
      u32[at + 1] = Math.floor(fpuAddr / TWO_32);
      u32[word + SLOT_FPU_COUNT / 4] = count + 1;
    }
    this.#flags |= ANSWER_FPU_SAVE;
    return 0;
  }

  popSignalFrame(): SignalContext | Errno {
    const context = readSignalFrame(this);
    if (typeof context === "number") return context;
    const at = this.word + SLOT_FPU_ADDR / 4;
    this.u32[at] = context.fpuAddr;
    this.u32[at + 1] = Math.floor(context.fpuAddr / TWO_32);
    this.#flags |= ANSWER_FPU_RESTORE;
    return context;
  }

  /** Prepares the slot of a thread that is about to start. */
  reset(): void {
    Atomics.store(this.i32, this.word + SLOT_STATE / 4, 0);
    this.taken = 0;
    Atomics.store(this.i32, this.word + SLOT_SAVED / 4, 0);
    this.u32[this.word + SLOT_OP_COUNT / 4] = 0;
    this.u32[this.word + SLOT_PREFETCH_COUNT / 4] = 0;
  }

  /** A new thread of the same process starts where `parent` has stopped in clone(2), with the FPU state its stub has left in its slot. */
  startFrom(parent: SystrapThread): void {
    this.regs.copyFrom(parent.regs);
    for (let i = SLOT_RETURN_RIP / 4; i < SLOT_RETURN_RIP / 4 + 4; i++) this.u32[this.word + i] = parent.u32[parent.word + i];
    const at = this.word * 4 + SLOT_FPU;
    const from = parent.word * 4 + SLOT_FPU;
    this.#u8.set(parent.#u8.subarray(from, from + this.platform.fpuStateSize), at);
    Atomics.store(this.i32, this.word + SLOT_SAVED / 4, 1);
    this.memory.open();
    this.isStopped = true;
  }
}

export interface PendingClone extends CloneRequest {
  result: SystrapThread | Errno | null;
}

export const pendingClone = (): PendingClone => ({ result: null, queue: new WaitQueue() });
