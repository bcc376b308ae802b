/** One host process of the guest: its control socket, the regions it maps, the fds it holds. */

import { allocateMemory, type HostMemory, hostCall3, hostCall6, hostClose, hostFdGeneration } from "../../../native/ffi/syscall-unsafe.ts";
import { SIGKILL } from "../../../syscall-tables/flags/signal.ts";
import type { GuestProcess } from "../platform.ts";
import type { Region, SlotArena } from "./arena.ts";
import type { Carrier } from "./carrier.ts";
import { CpuTime } from "./cpu-time.ts";
import { FD_TABLE_SIZE, TURN_MASK, TURN_WAIT } from "./layout.generated.ts";
import { PatchedSites } from "./patcher.ts";
import { ProcessMemory } from "./process-memory.ts";
import type { SystrapThread } from "./thread.ts";

const SYS_sendmsg = 46;
const SYS_kill = 62;
const MSG_NOSIGNAL_DONTWAIT = 0x4040;

/** fd table indexes that fork uses for the child's region and socket; below them the file cache. */
export const FORK_FDS = FD_TABLE_SIZE - 2;
export const REGION_FD = FD_TABLE_SIZE - 3;
const CACHED_FDS = FD_TABLE_SIZE - 4;

let message: HostMemory | undefined;

/** sendmsg(2) of eight bytes with up to eight fds attached. 0 or a negative errno. */
export const sendFds = (socket: number, fds: readonly number[], word = 0): number => {
  message ??= allocateMemory(4096);
  const { u32, address } = message;
  u32.fill(0, 0, 64);
  const set = (at: number, value: number): void => {
    u32[at / 4] = value;
    u32[at / 4 + 1] = Math.floor(value / 2 ** 32);
  };
  set(16, address + 64); // msg_iov
  set(24, 1);
  set(32, address + 128); // msg_control
  set(40, 16 + Math.ceil(fds.length / 2) * 8);
  set(64, address + 96); // iov_base
  set(72, 8);
  set(96, word);
  set(128, 16 + fds.length * 4); // cmsg_len
  u32[136 / 4] = 1; // SOL_SOCKET
  u32[140 / 4] = 1; // SCM_RIGHTS
  for (let i = 0; i < fds.length; i++) u32[144 / 4 + i] = fds[i];
  return Math.min(0, hostCall3(SYS_sendmsg, socket, address, MSG_NOSIGNAL_DONTWAIT));
};

const lowestFree = (used: ReadonlySet<number>): number => {
  let number = 0;
  while (used.has(number)) number++;
  return number;
};

interface CachedFd {
  hostFd: number;
  generation: number;
}

export class SystrapProcess implements GuestProcess {
  hostPid = 0;
  readonly memory = new ProcessMemory(0);
  readonly controlFd: number;
  /** Guest threads. */
  readonly threads = new Set<SystrapThread>();
  /** Host threads. */
  readonly carriers = new Set<Carrier>();
  /** Those without a guest thread; the last has gone to sleep last. */
  readonly idle: Carrier[] = [];
  /** How many guest threads sleep in a call or wait for their wake-up (thread.isQuiet). */
  quietThreads = 0;
  /** Regions by index (thread index / SLOTS_PER_REGION); holes are not mapped. */
  readonly regions: (Region | null)[] = [];
  /** Blocks of carriers that exist in the process's memory. */
  readonly mappedBlocks = new Set<number>();
  /** The process is ending because the sentry said so. */
  isEnding = false;
  /** The host has killed it: its pid may be another's by now. */
  isDead = false;
  /** Patched call sites; null until the first. */
  patches: PatchedSites | null = null;
  readonly cpuTime = new CpuTime();
  readonly #arena: SlotArena;
  readonly #cached: (CachedFd | null)[] = [];
  #nextCached = 0;
  #turn = 0;

  /** The host lets a process say what its arguments are (PR_SET_MM_MAP: CONFIG_CHECKPOINT_RESTORE). */
  readonly canIdentify: boolean;

  constructor(arena: SlotArena, controlFd: number, canIdentify: boolean) {
    this.canIdentify = canIdentify;
    this.#arena = arena;
    this.controlFd = controlFd;
  }

  setHostPid(hostPid: number): void {
    this.hostPid = hostPid;
    this.memory.hostPid = hostPid;
  }

  /** The place of a list of operations among those that use the fd table or change code; the stub keeps the order. */
  nextTurn(): number {
    this.#turn = (this.#turn + 1) & TURN_MASK;
    return TURN_WAIT + this.#turn;
  }

  kill(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    const only = this.threads.size === 1 ? [...this.threads][0] : null;
    if (only?.isStopped && !this.isDead) only.carrier.exitProcess();
    else if (this.hostPid > 0 && !this.isDead) hostCall3(SYS_kill, this.hostPid, SIGKILL);
    for (const thread of this.threads) thread.detach();
    this.threads.clear();
    this.release();
  }

  keepCode(isKept: boolean): void {
    if (this.patches === null && !isKept) return;
    this.patches ??= new PatchedSites();
    this.patches.isShown = isKept;
  }

  /** Gives back what the sentry holds for it; the host process may still be on its way out. */
  release(): void {
    for (const region of this.regions) if (region) this.#arena.put(region);
    this.regions.length = 0;
    hostClose(this.controlFd);
  }

  /** Guest threads that execute, or are being served. */
  get activeThreads(): number {
    return this.threads.size - this.quietThreads;
  }

  /** The slot number for one more guest thread. */
  freeIndex(): number {
    const used = new Set<number>();
    for (const thread of this.threads) used.add(thread.index);
    for (const [index, carrier] of this.leaving) {
      if (carrier.hasCommand && this.carriers.has(carrier)) used.add(index);
      else this.leaving.delete(index);
    }
    return lowestFree(used);
  }

  /** The numbers of the block and the bed for one more carrier. */
  freeCarrier(): { block: number; bed: number } {
    const blocks = new Set<number>();
    const beds = new Set<number>();
    for (const carrier of this.carriers) {
      if (carrier.hasQuit && !carrier.isAlive) {
        this.carriers.delete(carrier);
        continue;
      }
      blocks.add(carrier.block);
      beds.add(carrier.bed);
    }
    return { block: lowestFree(blocks), bed: lowestFree(beds) };
  }

  /** Slots of guest threads that are gone, with the carrier that may not have taken notice yet. */
  readonly leaving = new Map<number, Carrier>();

  /**
   * The index in the stub's fd table that holds `hostFd`, and whether it must be received first
   * (it has been sent then; `evicted` holds an older fd that is to be closed before).
   */
  shareFd(hostFd: number): { index: number; isNew: boolean; evicted: boolean } | number {
    const generation = hostFdGeneration(hostFd);
    for (let index = 0; index < this.#cached.length; index++) {
      const entry = this.#cached[index];
      if (entry && entry.hostFd === hostFd && entry.generation === generation) return { index, isNew: false, evicted: false };
    }
    const index = this.#nextCached;
    this.#nextCached = (index + 1) % CACHED_FDS;
    const failed = sendFds(this.controlFd, [hostFd]);
    if (failed < 0) return failed;
    const evicted = this.#cached[index] != null;
    this.#cached[index] = { hostFd, generation };
    return { index, isNew: true, evicted };
  }

  /** A fork's child holds the same fds at the same indexes. */
  inheritFds(parent: SystrapProcess): void {
    for (let i = 0; i < parent.#cached.length; i++) this.#cached[i] = parent.#cached[i];
    this.#nextCached = parent.#nextCached;
    this.patches = parent.patches?.fork() ?? null;
    for (const index of parent.mappedBlocks) this.mappedBlocks.add(index);
  }

  /** Host resources for one more process: a socket pair's ends, or a negative errno. */
  static socketPair(): [number, number] | number {
    message ??= allocateMemory(4096);
    const SYS_socketpair = 53;
    const result = hostCall6(SYS_socketpair, 1, 5 | 0x80000, 0, message.address);
    return result < 0 ? result : [message.i32[0], message.i32[1]];
  }
}
