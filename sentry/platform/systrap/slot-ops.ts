/** The list of host operations that travels with an answer. Longer lists go in several answers. */

import { MAP_ANONYMOUS, MAP_FIXED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from "../../../syscall-tables/flags/mm.ts";
import { PR_SET_MM, PR_SET_NAME } from "../../../syscall-tables/flags/prctl.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import type { Errno } from "../../abi/errno.ts";
import type { HostOps } from "../platform.ts";
import type { SystrapProcess } from "./guest-process.ts";
import {
  IDENTITY_SIZE,
  OP_CLOSE_FD,
  OP_MAP_FD,
  OP_MAX,
  OP_READ_FILE,
  OP_RECEIVE_FDS,
  OP_SIZE,
  SLOT_IDENTITY,
  SLOT_NAME,
  SLOT_OP_COUNT,
  SLOT_OPS,
  SLOT_SIZE,
  SLOT_TURN,
  STUB_SLOTS,
} from "./layout.generated.ts";

const NR_mmap = 9;
const NR_mprotect = 10;
const NR_munmap = 11;
const NR_mremap = 25;
const NR_madvise = 28;
const NR_prctl = 157;
const PR_SET_MM_MAP = 14;
const PROT_READ = 1;
const PROT_WRITE = 2;
const WORDS = OP_SIZE / 4;

/** What can be written can be read on x86, by everybody but process_vm_readv(2): the sentry reads what a call writes from there. */
const readable = (prot: number): number => ((prot & PROT_WRITE) !== 0 ? prot | PROT_READ : prot);

/** `owner`: how many operations of the caller came before (pseudo operations do not count). */
interface QueuedOp {
  nr: number;
  args: number[];
  owner: number;
}

export class SlotOps implements HostOps {
  onFailure: ((index: number, error: Errno) => number) | null = null;
  readonly #u32: Uint32Array;
  readonly #word: number;
  readonly #index: number;
  process: SystrapProcess;
  #queue: QueuedOp[] = [];
  /** Those of the answer under way, for failure reports and results. */
  #sent: QueuedOp[] = [];
  #owners = 0;

  constructor(u32: Uint32Array, slotWord: number, process: SystrapProcess, index: number) {
    this.#index = index;
    this.#u32 = u32;
    this.#word = slotWord;
    this.process = process;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** Nothing is queued, and nothing that was sent may still have to run: the stub has taken it off its list. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && (this.#sent.length === 0 || Atomics.load(this.#u32, this.#word + SLOT_OP_COUNT / 4) === 0);
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** The call under way maps or unmaps with its answer: until then guest memory is not what the kernel takes it for. */
  get changesMemory(): boolean {
    return this.#owners > 0;
  }

  /** True when the queue needs more than one answer. */
  get overflows(): boolean {
    return this.#queue.length > OP_MAX;
  }

  push(nr: number, ...args: number[]): void {
    this.#queue.push({ nr, args, owner: this.#owners });
  }

  #own(nr: number, ...args: number[]): void {
    this.push(nr, ...args);
    this.#owners++;
  }

  mapAnonymous(addr: number, length: number, prot: number, flags: number): void {
    this.#own(NR_mmap, addr, length, readable(prot), flags | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
  }

  /** The guest's process reads by itself, from an fd that allows nothing else. False: it cannot be sent that fd. */
  readFile(addr: number, length: number, hostFd: number, offset: number): boolean {
    const shared = this.process.shareFd(hostFd);
    if (typeof shared === "number") return false;
    if (shared.evicted) this.push(OP_CLOSE_FD, shared.index);
    if (shared.isNew) this.push(OP_RECEIVE_FDS, shared.index);
    this.push(OP_READ_FILE, shared.index, addr, length, offset);
    return true;
  }

  mapFile(addr: number, length: number, prot: number, flags: number, hostFd: number, offset: number): void {
    const shared = this.process.shareFd(hostFd);
    if (typeof shared === "number") {
      // The guest process cannot be sent an fd: let the mapping fail as without memory.
      this.#own(NR_mmap, addr, length, prot, flags | MAP_FIXED, -1, offset);
      return;
    }
    if (shared.evicted) this.push(OP_CLOSE_FD, shared.index);
    if (shared.isNew) this.push(OP_RECEIVE_FDS, shared.index);
    this.#own(OP_MAP_FD, addr, length, readable(prot), flags | MAP_FIXED, shared.index, offset);
  }

  unmap(addr: number, length: number): void {
    this.#own(NR_munmap, addr, length);
  }

  protect(addr: number, length: number, prot: number): void {
    this.#own(NR_mprotect, addr, length, readable(prot));
  }

  remap(addr: number, oldLength: number, newAddr: number, newLength: number, keepOld: boolean): void {
    const moves = addr !== newAddr ? MREMAP_MAYMOVE | MREMAP_FIXED : 0;
    this.#own(NR_mremap, addr, oldLength, newLength, moves | (keepOld ? MREMAP_DONTUNMAP | MREMAP_MAYMOVE : 0), newAddr);
  }

  advise(addr: number, length: number, advice: number): void {
    this.#own(NR_madvise, addr, length, advice);
  }

  identify(name: string, argStart: number, argEnd: number): void {
    if (!this.process.canIdentify) return;
    const map = this.#word + SLOT_IDENTITY / 4;
    const put = (index: number, value: number): void => {
      this.#u32[map + index * 2] = value;
      this.#u32[map + index * 2 + 1] = Math.floor(value / TWO_32);
    };
    // Code, data, heap, stack, arguments, environment: all but the arguments as little as may be.
    for (let index = 0; index < 11; index++) put(index, argStart);
    put(1, argStart + 1);
    put(8, argEnd);
    put(11, 0);
    // No auxiliary vector, no other file.
    this.#u32[map + 24] = 0;
    this.#u32[map + 25] = 0xffff_ffff;
    const at = this.#word + SLOT_NAME / 4;
    const bytes = Buffer.alloc(16);
    bytes.write(name.slice(0, 15), "latin1");
    for (let i = 0; i < 4; i++) this.#u32[at + i] = bytes.readUInt32LE(i * 4);
    const slotAddr = STUB_SLOTS + this.#index * SLOT_SIZE;
    this.push(NR_prctl, PR_SET_MM, PR_SET_MM_MAP, slotAddr + SLOT_IDENTITY, IDENTITY_SIZE);
    this.push(NR_prctl, PR_SET_NAME, slotAddr + SLOT_NAME);
  }

  /** Writes the next operations into the slot. */
  publish(): void {
    this.#sent = this.#queue.length > OP_MAX ? this.#queue.splice(0, OP_MAX) : this.#queue;
    if (this.#sent === this.#queue) this.#queue = [];
    const u32 = this.#u32;
    let at = this.#word + SLOT_OPS / 4;
    let needsTurn = false;
    for (const op of this.#sent) {
      needsTurn ||= op.nr >= OP_RECEIVE_FDS;
      u32[at] = op.nr;
      for (let i = 0; i < 6; i++) {
        const value = op.args[i] ?? 0;
        u32[at + 2 + i * 2] = value;
        u32[at + 3 + i * 2] = Math.floor(value / TWO_32);
      }
      at += WORDS;
    }
    u32[this.#word + SLOT_OP_COUNT / 4] = this.#sent.length;
    u32[this.#word + SLOT_TURN / 4] = needsTurn ? this.process.nextTurn() : 0;
  }

  /** The result word of operation `index` of the last answer (what the stub wrote: guest-controlled). */
  result(index: number): number {
    const at = this.#word + (SLOT_OPS + index * OP_SIZE + 56) / 4;
    return this.#u32[at] | 0;
  }

  /** The caller's number of the failed operation. */
  ownerOf(failed: number): number {
    return this.#sent[failed]?.owner ?? -1;
  }

  /** All done: nothing of it concerns the next call. */
  reset(): void {
    this.#queue = [];
    this.#sent = [];
    this.#owners = 0;
    this.onFailure = null;
  }
}
