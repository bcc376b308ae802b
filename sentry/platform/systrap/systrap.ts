/**
 * Platform systrap: guest code runs in host processes that carry a stub (native/stub), all of
 * them clones of one zygote. This class owns the processes, the slots and who is polled;
 * sentry/loop decides when to poll and when to sleep.
 */
import { ANY_CPU, anotherCpu, keepThreadOff } from "../../../native/ffi/cpu-unsafe.ts";
import { allocateMemory, type HostMemory, hostCall3, hostCall6, hostClose, viewMemory } from "../../../native/ffi/syscall-unsafe.ts";
import { EAGAIN, type Errno, isErrno } from "../../abi/errno.ts";
import { WaitQueue } from "../../task/blocking.ts";
import type { AddressRange, CloneRequest, Platform } from "../platform.ts";
import { type Region, SlotArena } from "./arena.ts";
import { FORK_FDS, REGION_FD, SystrapProcess, sendFds } from "./guest-process.ts";
import {
  GLOBAL_SENTRY_SLEEPS,
  GLOBAL_SPIN,
  KIND_FAULT,
  KIND_INTERRUPT,
  KIND_OPS_DONE,
  KIND_OPS_FAILED,
  KIND_STARTED,
  KIND_SYSCALL,
  KIND_SYSCALL_PATCHED,
  OP_CLOSE_FD,
  OP_FORK,
  OP_MAP_FD,
  OP_MAX,
  OP_RECEIVE_FDS,
  OP_THREAD,
  REGION_SIZE,
  SLOT_DATA,
  SLOT_FAILED_ERROR,
  SLOT_FAILED_OP,
  SLOT_FAULT_ADDR,
  SLOT_FAULT_CODE,
  SLOT_FAULT_ERROR,
  SLOT_FAULT_SIGNAL,
  SLOT_FAULT_TRAP,
  SLOT_NONCE,
  SLOT_SIZE,
  SLOT_STATE,
  SLOT_TID,
  SLOTS_PER_REGION,
  STATE_REQUEST,
  STUB_BASE,
  STUB_SLOTS,
  STUB_THREAD_SIZE,
  STUB_THREADS,
  TRAMPOLINES,
  TRAMPOLINES_SIZE,
  ZYGOTE_SETUP,
} from "./layout.generated.ts";
import { Patcher } from "./patcher.ts";
import { type PendingClone, pendingClone, SystrapThread } from "./thread.ts";

const SYS_mmap = 9;
const SYS_getrandom = 318;
const SYS_ftruncate = 77;
const SYS_fcntl = 72;
const SYS_prctl = 157;
const PR_SET_MM = 35;
const PR_SET_MM_MAP_SIZE = 15;
const SYS_memfd_create = 319;
const SYS_eventfd2 = 290;
const F_ADD_SEALS = 1033;
const F_SEAL_FUTURE_WRITE = 0x10;
const F_SEAL_SHRINK_GROW = 0x6;
const NR_mmap = 9;
const NR_madvise = 28;
const MADV_DONTFORK = 10;
const USER_END = 0x7fff_ffff_f000;
const BLOCK_BYTES = 0xa000;
const TWO_32 = 2 ** 32;

/** What a fork needs of the host: the child's slots and the two ends of its control socket. */
interface ForkKit {
  readonly pair: readonly [number, number];
  readonly region: Region;
}

const KITS = 2;

/** What the kernel does with a stopped thread. */
export interface TrapHandler {
  syscall(thread: SystrapThread): void;
  fault(thread: SystrapThread, signal: number, code: number, addr: number, trapNumber: number, error: number): void;
  interrupt(thread: SystrapThread): void;
  /** The protection of the private mapping at `addr` if its code may be patched, else -1. */
  patchableProtection(thread: SystrapThread, addr: number): number;
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

  readonly #scratch = allocateMemory(4096);
  readonly #arena = new SlotArena(this.#scratch);
  readonly #globalFd: number;
  readonly #canIdentify: boolean;
  #zygote!: SystrapThread;
  #zygoteBusy = true;
  readonly #pool: SystrapThread[] = [];
  #poolTarget = 2;
  /** host pid → process, for death notices. */
  readonly #processes = new Map<number, SystrapProcess>();

  constructor() {
    this.#canIdentify = hostCall6(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP_SIZE, this.#scratch.address) >= 0;
    this.doorbellFd = this.#must("eventfd2", hostCall3(SYS_eventfd2, 0, 0x80800));
    this.#scratch.u8.set(Buffer.from("global\0", "latin1"), 0);
    this.#globalFd = this.#must("memfd_create", hostCall3(SYS_memfd_create, this.#scratch.address, 3));
    this.#must("ftruncate", hostCall3(SYS_ftruncate, this.#globalFd, 4096));
    this.global = viewMemory(this.#must("mmap", hostCall6(SYS_mmap, 0, 4096, 3, 1, this.#globalFd, 0)), 4096);
    // Guests hold a read-only mapping which the seal keeps read-only.
    this.#must("fcntl", hostCall3(SYS_fcntl, this.#globalFd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK_GROW));
  }

  #must(what: string, result: number): number {
    if (result < 0) throw new Error(`${what}: errno ${-result}`);
    return result;
  }

  /** Hands the zygote its first region, the doorbell and its filter; the rest follows when it reports. */
  start(controlFd: number, filter: Uint8Array): void {
    const process = new SystrapProcess(this.#arena, controlFd, this.#canIdentify);
    const region = this.#arena.take();
    if (typeof region === "number") throw new Error(`slot region: errno ${-region}`);
    process.regions[0] = region;
    process.mappedBlocks.add(0);
    const thread = new SystrapThread(this, process, 0);
    thread.reset();
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
    for (const thread of this.running) this.place(thread);
  }

  /** Brings a thread's CPUs up to date. */
  place(thread: SystrapThread): void {
    if (thread.keptOff === this.#reserved || thread.hostTid <= 0) return;
    thread.keptOff = this.#reserved;
    keepThreadOff(thread.hostTid, this.#reserved);
  }

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

  /** Serves every request that is posted now. Returns how many. */
  poll(): number {
    const running = this.running;
    let served = 0;
    for (let i = 0; i < running.length; i++) {
      const thread = running[i];
      if (Atomics.load(thread.i32, thread.word + SLOT_STATE / 4) !== STATE_REQUEST) continue;
      served++;
      this.#take(thread);
    }
    return served;
  }

  /** True when some request is posted. */
  hasRequests(): boolean {
    for (const thread of this.running) if (thread.hasRequest) return true;
    return false;
  }

  #take(thread: SystrapThread): void {
    const kind = thread.stop();
    const { u32, word } = thread;
    switch (kind) {
      case KIND_SYSCALL:
      case KIND_SYSCALL_PATCHED:
        thread.ops.reset();
        if (!thread.task) break;
        if (kind === KIND_SYSCALL) this.patcher.sawTrap(thread, this.handler);
        this.handler.syscall(thread);
        break;
      case KIND_FAULT:
        thread.ops.reset();
        if (!thread.task) break;
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

  /** Clones that wait for the new thread's first report. */
  readonly #starting = new Map<SystrapThread, () => void>();

  #started(thread: SystrapThread): void {
    if (thread === this.#zygote && !this.isReady) {
      this.#readFacts(thread);
      this.#zygoteBusy = false;
      this.refillPool();
      return;
    }
    const done = this.#starting.get(thread);
    this.#starting.delete(thread);
    if (done) done();
    else this.handler.broken(thread, EAGAIN);
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
    zygote.hostTid = zygote.u32[zygote.word + SLOT_TID / 4];
    zygote.process.setHostPid(zygote.hostTid);
    this.#processes.set(zygote.hostTid, zygote.process);
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
    const request = this.#forkFrom(this.#zygote, (child) => {
      this.#zygoteBusy = false;
      if (!isErrno(child)) {
        this.#pool.push(child);
        this.pristineQueue.notify();
      }
    });
    if (isErrno(request.result)) this.#zygoteBusy = false;
    return true;
  }

  fork(parent: SystrapThread): CloneRequest {
    this.onClone?.();
    return this.#forkFrom(parent, null);
  }

  readonly #kits: ForkKit[] = [];

  #makeKit(): ForkKit | Errno {
    const pair = SystrapProcess.socketPair();
    if (typeof pair === "number") return pair as Errno;
    const region = this.#arena.take();
    if (typeof region !== "number") return { pair, region };
    hostClose(pair[0]);
    hostClose(pair[1]);
    return region as Errno;
  }

  /** Work ahead, for when nothing else is to do: what the next fork and the next exec need. True when something was done. */
  prepare(): boolean {
    if (this.#kits.length < KITS) {
      const kit = this.#makeKit();
      if (typeof kit === "number") return false;
      this.#kits.push(kit);
      return true;
    }
    return this.refillPool();
  }

  /** fork: the parent clones itself; the child reports from a slot region of its own. */
  #forkFrom(parent: SystrapThread, done: ((child: SystrapThread | Errno) => void) | null): PendingClone {
    const request = pendingClone();
    const finish = (result: SystrapThread | Errno): void => {
      request.result = result;
      done?.(result);
      request.queue.notify();
    };
    const kit = this.#kits.pop() ?? this.#makeKit();
    if (typeof kit === "number") {
      request.result = kit;
      return request;
    }
    const { pair, region } = kit;
    const process = new SystrapProcess(this.#arena, pair[0], this.#canIdentify);
    process.regions[Math.floor(parent.index / SLOTS_PER_REGION)] = region;
    const child = new SystrapThread(this, process, parent.index);
    child.keptOff = parent.keptOff;
    child.reset();
    const nonce = this.#writeNonce(child);
    const sent = sendFds(parent.process.controlFd, [region.memfd, pair[1]]);
    region.closeMemfd();
    hostClose(pair[1]);
    if (sent < 0) {
      process.release();
      request.result = sent as Errno;
      return request;
    }
    process.inheritFds(parent.process);

    let hostPid = 0;
    let hasStarted = false;
    const giveUp = (error: Errno): void => {
      this.#starting.delete(child);
      child.detach();
      process.threads.clear();
      process.release();
      finish(error);
    };
    const settle = (): void => {
      if (hostPid === 0) return;
      if (this.#diedEarly.delete(hostPid)) {
        giveUp(EAGAIN);
        return;
      }
      if (!hasStarted) {
        this.#unsettled.set(hostPid, () => giveUp(EAGAIN));
        return;
      }
      this.#unsettled.delete(hostPid);
      process.setHostPid(hostPid);
      child.hostTid = hostPid;
      if (!this.#checkNonce(process, child, nonce)) {
        this.handler.broken(parent, EAGAIN);
        return;
      }
      this.#processes.set(hostPid, process);
      finish(child);
    };
    this.#starting.set(child, () => {
      hasStarted = true;
      settle();
    });
    this.addRunning(child);
    parent.ops.push(OP_RECEIVE_FDS, FORK_FDS);
    parent.ops.push(OP_FORK, FORK_FDS, FORK_FDS + 1, STUB_SLOTS + Math.floor(parent.index / SLOTS_PER_REGION) * REGION_SIZE);
    const forkOp = parent.ops.length - 1;
    parent.runOps((failed) => {
      if (failed && parent.process.isDead) {
        // Killed on the way: a child there may be, which ends when it reports.
        this.#starting.set(child, () => process.kill());
        finish(failed);
        return;
      }
      if (failed) {
        giveUp(failed);
        return;
      }
      hostPid = parent.ops.result(forkOp);
      parent.ops.reset();
      settle();
    });
    return request;
  }

  /** Random words that only the child's region holds. */
  #writeNonce(child: SystrapThread): Uint32Array {
    hostCall3(SYS_getrandom, this.#scratch.address, 16, 0);
    const nonce = this.#scratch.u32.slice(0, 4);
    child.u32.set(nonce, child.word + SLOT_NONCE / 4);
    return nonce;
  }

  /**
   * The pid came through guest-writable memory: it is the child's only if that process maps the
   * child's region. Otherwise a guest could point the sentry at someone else's memory.
   */
  #checkNonce(process: SystrapProcess, child: SystrapThread, nonce: Uint32Array): boolean {
    const found = new Uint8Array(16);
    const at = STUB_SLOTS + child.index * SLOT_SIZE + SLOT_NONCE;
    if (process.memory.readInto(at, found, 0, 16) !== 16) return false;
    return Buffer.from(nonce.buffer, nonce.byteOffset, 16).equals(found);
  }

  /** clone with CLONE_VM: one more host thread with a block and a slot of its own. */
  cloneThread(parent: SystrapThread): CloneRequest {
    this.onClone?.();
    const request = pendingClone();
    const { process } = parent;
    const index = process.freeIndex();
    const regionIndex = Math.floor(index / SLOTS_PER_REGION);
    const { ops } = parent;
    if (!process.regions[regionIndex]) {
      const region = this.#arena.take();
      const sent = typeof region === "number" ? region : sendFds(process.controlFd, [region.memfd]);
      if (typeof region === "number" || sent < 0) {
        if (typeof region !== "number") this.#arena.put(region);
        request.result = sent as Errno;
        return request;
      }
      region.closeMemfd();
      process.regions[regionIndex] = region;
      const addr = STUB_SLOTS + regionIndex * REGION_SIZE;
      ops.push(OP_RECEIVE_FDS, REGION_FD);
      ops.push(OP_MAP_FD, addr, REGION_SIZE, 3, 0x11, REGION_FD, 0);
      ops.push(NR_madvise, addr, REGION_SIZE, MADV_DONTFORK);
      ops.push(OP_CLOSE_FD, REGION_FD);
    }
    if (!process.mappedBlocks.has(index)) {
      ops.push(NR_mmap, STUB_THREADS + index * STUB_THREAD_SIZE, BLOCK_BYTES, 3, 0x32, -1, 0);
      process.mappedBlocks.add(index);
    }
    const child = new SystrapThread(this, process, index);
    child.keptOff = parent.keptOff;
    child.reset();
    child.regs.copyFrom(parent.regs);
    ops.push(OP_THREAD, index);
    const threadOp = ops.length - 1;
    let isParentDone = false;
    let hasStarted = false;
    const settle = (): void => {
      if (!isParentDone || !hasStarted) return;
      request.result = child;
      request.queue.notify();
    };
    this.#starting.set(child, () => {
      hasStarted = true;
      settle();
    });
    this.addRunning(child);
    parent.runOps((failed) => {
      if (failed) {
        this.#starting.delete(child);
        process.threads.delete(child);
        child.detach();
        request.result = failed;
        request.queue.notify();
        return;
      }
      child.hostTid = ops.result(threadOp);
      ops.reset();
      isParentDone = true;
      settle();
    });
    return request;
  }

  /** Children that are known to exist and have not reported, with what to do at their death. */
  readonly #unsettled = new Map<number, () => void>();
  /** Host pids killed before their parents could tell who they are. */
  readonly #diedEarly = new Set<number>();

  /** A death notice of init. Returns false when neither the sentry nor the host's SIGKILL explains it. */
  processDied(hostPid: number, wasKilled: boolean): boolean {
    const process = this.#processes.get(hostPid);
    if (!process) {
      const giveUp = this.#unsettled.get(hostPid);
      this.#unsettled.delete(hostPid);
      if (giveUp) giveUp();
      else if (wasKilled) this.#diedEarly.add(hostPid);
      return wasKilled;
    }
    this.#processes.delete(hostPid);
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
