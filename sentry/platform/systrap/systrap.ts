/**
 * Platform systrap: guest code runs in host processes that carry a stub (native/stub), all of
 * them clones of one zygote. This class owns the processes, the slots and who is polled;
 * sentry/loop decides when to poll and when to sleep.
 */

import { ANY_CPU, anotherCpu, placeThread } from "../../../native/ffi/cpu-unsafe.ts";
import { allocateMemory, type HostMemory, hostCall3, hostCall6, hostClose, viewMemory } from "../../../native/ffi/syscall-unsafe.ts";
import { F_ADD_SEALS, F_SEAL_FUTURE_WRITE } from "../../../syscall-tables/flags/fd.ts";
import { PR_SET_MM } from "../../../syscall-tables/flags/prctl.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EAGAIN, type Errno, isErrno } from "../../abi/errno.ts";
import { WaitQueue } from "../../task/blocking.ts";
import type { AddressRange, CloneRequest, Platform } from "../platform.ts";
import { SlotArena } from "./arena.ts";
import { Carrier } from "./carrier.ts";
import { cloneThread } from "./clones.ts";
import { Deliveries } from "./deliveries.ts";
import { Forks, holdAtStart } from "./forks.ts";
import { SystrapProcess, sendFds } from "./guest-process.ts";
import {
  GLOBAL_SENTRY_SLEEPS,
  GLOBAL_SPIN,
  GLOBAL_WAKES,
  KIND_FAULT,
  KIND_INTERRUPT,
  KIND_OPS_DONE,
  KIND_OPS_FAILED,
  KIND_STARTED,
  KIND_SYSCALL,
  KIND_SYSCALL_PATCHED,
  OP_MAX,
  SLOT_DATA,
  SLOT_FAILED_ERROR,
  SLOT_FAILED_OP,
  SLOT_FAULT_ADDR,
  SLOT_FAULT_CODE,
  SLOT_FAULT_ERROR,
  SLOT_FAULT_SIGNAL,
  SLOT_FAULT_TRAP,
  SLOT_STATE,
  SLOT_TID,
  STUB_BASE,
  TRAMPOLINES,
  TRAMPOLINES_SIZE,
  ZYGOTE_SETUP,
} from "./layout.generated.ts";
import { isRepaired, noteOwnGs } from "./patch-repair.ts";
import { Patcher } from "./patcher.ts";
import { ServiceTime } from "./service-time.ts";
import { SystrapThread } from "./thread.ts";

const SYS_mmap = 9;
const SYS_ftruncate = 77;
const SYS_fcntl = 72;
const SYS_prctl = 157;
const PR_SET_MM_MAP_SIZE = 15;
const SYS_memfd_create = 319;
const SYS_eventfd2 = 290;
const F_SEAL_SHRINK_GROW = 0x6;
const USER_END = 0x7fff_ffff_f000;

/** What the kernel does with a stopped thread. */
export interface TrapHandler {
  syscall(thread: SystrapThread): void;
  fault(thread: SystrapThread, signal: number, code: number, addr: number, trapNumber: number, error: number): void;
  interrupt(thread: SystrapThread): void;
  /** The protection of the private mapping at `addr` if its code may be patched, else -1. */
  patchableProtection(thread: SystrapThread, addr: number): number;
  /** True when the unwinding information of the file that is mapped at `addr` says that a signal handler returns there. */
  isSignalReturn(thread: SystrapThread, addr: number): boolean;
  /** Where the thread's address space keeps room for trampolines beside its libraries; 0: nowhere. */
  trampolineArea(thread: SystrapThread): number;
  /** The answer's operations or copy-outs failed and no one undoes them: the guest process cannot go on. */
  broken(thread: SystrapThread, error: Errno): void;
  /** The host has killed the thread's process: no memory left, or somebody's kill(2). */
  killed(thread: SystrapThread): void;
}

export class SystrapPlatform implements Platform {
  readonly name = "systrap";
  reserved: AddressRange[] = [];
  vdsoAddr = 0;
  hwcap = 0;
  hwcap2 = 0;
  fpuStateSize = 0;
  minSignalStackSize = 2048;
  readonly pristineQueue = new WaitQueue();
  /** Rung by stubs while the sentry sleeps. */
  readonly doorbellFd: number;
  /** The page that every stub reads: does the sentry sleep, how long is spinning worth it. */
  readonly global: HostMemory;
  /** Threads that execute guest code, in no order. */
  readonly running: SystrapThread[] = [];
  handler!: TrapHandler;
  /** For --strace: before a thread goes back to guest code. */
  onResume: ((thread: SystrapThread, result: number) => void) | null = null;
  readonly patcher = new Patcher();
  /** host pid → process, for death notices. */
  readonly processes = new Map<number, SystrapProcess>();

  readonly service = new ServiceTime();
  readonly #scratch = allocateMemory(4096);
  readonly #arena = new SlotArena(this.#scratch);
  readonly #globalFd: number;
  readonly canIdentify: boolean;
  #zygote!: SystrapThread;
  #zygoteBusy = true;
  readonly #pool: SystrapThread[] = [];
  #poolTarget = 2;
  readonly #forks: Forks;

  constructor() {
    this.canIdentify = hostCall6(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP_SIZE, this.#scratch.address) >= 0;
    this.doorbellFd = this.#must("eventfd2", hostCall3(SYS_eventfd2, 0, 0x80800));
    this.#scratch.u8.set(Buffer.from("global\0", "latin1"), 0);
    this.#globalFd = this.#must("memfd_create", hostCall3(SYS_memfd_create, this.#scratch.address, 3));
    this.#must("ftruncate", hostCall3(SYS_ftruncate, this.#globalFd, 4096));
    this.global = viewMemory(this.#must("mmap", hostCall6(SYS_mmap, 0, 4096, 3, 1, this.#globalFd, 0)), 4096);
    this.#forks = new Forks(this, this.#arena, this.#scratch);
    // Guests hold a read-only mapping which the seal keeps read-only.
    this.#must("fcntl", hostCall3(SYS_fcntl, this.#globalFd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK_GROW));
  }

  #must(what: string, result: number): number {
    if (result < 0) throw new Error(`${what}: errno ${-result}`);
    return result;
  }

  /** Hands the zygote its first region, the doorbell and its filter; the rest follows when it reports. */
  start(controlFd: number, filter: Uint8Array): void {
    const process = new SystrapProcess(this.#arena, controlFd, this.canIdentify);
    const region = this.#arena.take();
    if (typeof region === "number") throw new Error(`slot region: errno ${-region}`);
    process.regions[0] = region;
    process.mappedBlocks.add(0);
    const thread = new SystrapThread(this, process, 0);
    thread.reset();
    holdAtStart(new Carrier(process, 0, 0), thread);
    region.memory.u8.set(filter, region.offset + SLOT_DATA);
    this.#must("zygote set-up", sendFds(controlFd, [this.doorbellFd, this.#globalFd, region.memfd], filter.length));
    region.closeMemfd();
    hostClose(this.#globalFd);
    this.#zygote = thread;
    this.addRunning(thread);
  }

  get isReady(): boolean {
    return this.vdsoAddr !== 0;
  }

  get sentrySleeps(): boolean {
    return this.global.i32[GLOBAL_SENTRY_SLEEPS / 4] !== 0;
  }

  set sentrySleeps(value: boolean) {
    Atomics.store(this.global.i32, GLOBAL_SENTRY_SLEEPS / 4, value ? 1 : 0);
  }

  /** Futex calls so far that may have woken someone, as the stubs see it. */
  wakes = 0;

  futexWakes(): void {
    this.wakes = (this.wakes + 1) >>> 0;
    Atomics.store(this.global.i32, GLOBAL_WAKES / 4, this.wakes | 0);
  }

  /** How many pauses a stub spins before it sleeps. */
  set stubSpins(count: number) {
    this.global.i32[GLOBAL_SPIN / 4] = count;
  }

  /** When a guest last made a process or thread, CLOCK_MONOTONIC ns. */
  clonedNs = 0;
  /** Told before a guest makes a process or thread. */
  onClone: (() => void) | null = null;
  /** The CPU that guest threads keep off, because the sentry spins there; ANY_CPU: none. */
  #reserved = ANY_CPU;

  otherCpu(cpu: number): number {
    return anotherCpu(cpu);
  }

  /** Guest threads leave `cpu` (ANY_CPU: may run everywhere): running ones now, sleeping ones when they are woken. */
  keepOff(cpu: number): void {
    this.#reserved = cpu;
    for (const thread of this.running) this.place(thread.carrier);
  }

  /** Brings a host thread's CPUs up to date. */
  place(carrier: Carrier): void {
    const cpus = carrier.thread?.cpus ?? null;
    if ((carrier.keptOff === this.#reserved && carrier.boundTo === cpus) || carrier.hostTid <= 0) return;
    carrier.keptOff = this.#reserved;
    carrier.boundTo = cpus;
    placeThread(carrier.hostTid, this.#reserved, cpus);
  }

  /** Some running guest thread may run on `cpu` alone. */
  isNeeded(cpu: number): boolean {
    return this.running.some(({ cpus }) => cpus?.every((word, i) => word === (i === cpu >> 5 ? 1 << (cpu & 31) : 0) >>> 0));
  }

  readonly deliveries = new Deliveries((carrier) => this.place(carrier));

  addRunning(thread: SystrapThread): void {
    if (thread.runIndex >= 0 || thread.isGone) return;
    thread.runIndex = this.running.length;
    this.running.push(thread);
  }

  removeRunning(thread: SystrapThread): void {
    const index = thread.runIndex;
    if (index < 0) return;
    thread.runIndex = -1;
    const last = this.running.pop() as SystrapThread;
    if (last !== thread) {
      this.running[index] = last;
      last.runIndex = index;
    }
  }

  /** Serves every request that is posted now. Returns how many. (Plain loads: see slot-ring.ts.) */
  poll(): number {
    const running = this.running;
    let served = 0;
    for (let i = 0; i < running.length; i++) {
      const thread = running[i];
      const state = thread.i32[thread.word + SLOT_STATE / 4];
      if (state === thread.taken) continue;
      served++;
      this.service.note(thread);
      this.#take(thread, state);
    }
    return served;
  }

  /** What was served up to now is accounted for. */
  lookAtClock = (): void => {};

  /** True when some request is posted. */
  hasRequests(): boolean {
    for (const thread of this.running) if (thread.hasRequest) return true;
    return false;
  }

  #take(thread: SystrapThread, state: number): void {
    const kind = thread.stop(state);
    const { u32, word } = thread;
    switch (kind) {
      case KIND_SYSCALL:
      case KIND_SYSCALL_PATCHED:
        thread.ops.reset();
        if (!thread.task) break;
        if (kind === KIND_SYSCALL && !noteOwnGs(thread) && this.patcher.sawTrap(thread, this.handler)) break;
        this.handler.syscall(thread);
        break;
      case KIND_FAULT:
        thread.ops.reset();
        if (!thread.task || isRepaired(thread)) break;
        this.handler.fault(
          thread,
          u32[word + SLOT_FAULT_SIGNAL / 4],
          u32[word + SLOT_FAULT_CODE / 4] | 0,
          u32[word + SLOT_FAULT_ADDR / 4] + u32[word + SLOT_FAULT_ADDR / 4 + 1] * TWO_32,
          u32[word + SLOT_FAULT_TRAP / 4],
          u32[word + SLOT_FAULT_ERROR / 4],
        );
        break;
      case KIND_INTERRUPT:
        thread.ops.reset();
        if (thread.task) this.handler.interrupt(thread);
        break;
      case KIND_STARTED:
        this.#started(thread);
        break;
      case KIND_OPS_DONE:
        if (!thread.opsDone()) this.handler.broken(thread, EAGAIN);
        break;
      case KIND_OPS_FAILED:
        this.#opsFailed(thread);
        break;
      default:
        this.handler.broken(thread, EAGAIN);
    }
  }

  #opsFailed(thread: SystrapThread): void {
    const { u32, word, ops } = thread;
    const failed = u32[word + SLOT_FAILED_OP / 4];
    const error = -Math.min(4095, u32[word + SLOT_FAILED_ERROR / 4]) as Errno;
    if (thread.opsFailed(error)) return;
    const undo = failed < OP_MAX ? ops.onFailure : null;
    if (!undo) {
      this.handler.broken(thread, error);
      return;
    }
    const result = undo(ops.ownerOf(failed), error);
    ops.reset();
    thread.resume(result);
  }

  // Processes and threads.

  #started(thread: SystrapThread): void {
    if (thread === this.#zygote && !this.isReady) {
      this.#readFacts(thread);
      this.#zygoteBusy = false;
      this.refillPool();
      return;
    }
    if (!this.#forks.started(thread)) this.handler.broken(thread, EAGAIN);
  }

  #readFacts(zygote: SystrapThread): void {
    const at = zygote.word + (SLOT_DATA + ZYGOTE_SETUP) / 4;
    const word = (index: number): number => zygote.u32[at + index * 2] + zygote.u32[at + index * 2 + 1] * TWO_32;
    const facts = Array.from({ length: 10 }, (_, index) => word(index));
    const [, ehdr, vdsoStart, vdsoEnd, vvarStart, hwcap, hwcap2, xsaveSize, minSignalStack, patchedEntry] = facts;
    this.patcher.entryAddr = patchedEntry;
    this.hwcap = hwcap;
    this.hwcap2 = hwcap2;
    this.fpuStateSize = xsaveSize;
    this.minSignalStackSize = minSignalStack;
    this.reserved = [
      { start: TRAMPOLINES, end: TRAMPOLINES + TRAMPOLINES_SIZE, name: "" },
      { start: STUB_BASE, end: vvarStart, name: "" },
      { start: vvarStart, end: vdsoStart, name: "[vvar]" },
      { start: vdsoStart, end: vdsoEnd, name: "[vdso]" },
      { start: vdsoEnd, end: USER_END, name: "" },
    ];
    const hostPid = zygote.u32[zygote.word + SLOT_TID / 4];
    zygote.carrier.hostTid = hostPid;
    zygote.process.setHostPid(hostPid);
    this.processes.set(hostPid, zygote.process);
    this.vdsoAddr = ehdr;
  }

  takePristine(): SystrapThread | Errno {
    const thread = this.#pool.shift();
    if (!thread) {
      this.refillPool();
      return EAGAIN;
    }
    return thread;
  }

  /** Has the zygote clone one more pristine process when the pool is short. Called again when it is done. */
  refillPool(): boolean {
    if (this.#zygoteBusy || this.#pool.length >= this.#poolTarget) return false;
    this.#zygoteBusy = true;
    const request = this.#forks.fork(this.#zygote, (child) => {
      this.#zygoteBusy = false;
      if (!isErrno(child)) {
        this.#pool.push(child);
        this.pristineQueue.notify();
      }
    });
    if (isErrno(request.result)) this.#zygoteBusy = false;
    return true;
  }

  /** Work ahead, for when nothing else is to do: what the next fork and the next exec need. True when something was done. */
  prepare(): boolean {
    const prepared = this.#forks.prepare();
    return prepared === null ? this.refillPool() : prepared;
  }

  fork(parent: SystrapThread): CloneRequest {
    this.onClone?.();
    return this.#forks.fork(parent, null);
  }

  cloneThread(parent: SystrapThread): CloneRequest {
    return cloneThread(this, this.#arena, parent);
  }

  /** A death notice of init. Returns false when neither the sentry nor the host's SIGKILL explains it. */
  processDied(hostPid: number, wasKilled: boolean): boolean {
    const process = this.processes.get(hostPid);
    if (!process) {
      this.#forks.childDied(hostPid, wasKilled);
      return wasKilled;
    }
    this.processes.delete(hostPid);
    if (process.isEnding) return true;
    if (!wasKilled) return false;
    process.isDead = true;
    const threads = [...process.threads];
    for (const thread of threads) thread.hostKilled(EAGAIN);
    const pooled = this.#pool.findIndex((thread) => thread.process === process);
    if (pooled >= 0) {
      this.#pool.splice(pooled, 1);
      process.kill();
      this.refillPool();
    }
    for (const thread of threads) if (thread.task) this.handler.killed(thread);
    return true;
  }
}
