/**
 * Guest memory as a stopped thread's system call sees it: what the stub prefetched is read
 * from the slot, what is written travels back with the answer; all else goes through the
 * process. The slot is guest-writable: every record is clamped before use.
 */

import { hostCall3, hostCall6 } from "../../../native/ffi/syscall-unsafe.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EFAULT, type Errno } from "../../abi/errno.ts";
import { PROT_WRITE } from "../../abi/mman.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "../../mm/user-memory.ts";
import {
  COPYOUT_MAX,
  LARGE_COPY,
  OP_CLEAR,
  PREFETCH_MAX,
  RING_SIZE,
  SLOT_COPYOUT_COUNT,
  SLOT_COPYOUTS,
  SLOT_DATA,
  SLOT_DATA_SIZE,
  SLOT_PREFETCH,
  SLOT_PREFETCH_COUNT,
} from "./layout.generated.ts";
import { BasicMemory, type ProcessMemory } from "./process-memory.ts";
import { SlotRing } from "./slot-ring.ts";
import type { SystrapThread } from "./thread.ts";

const SYS_read = 0;
const SYS_write = 1;
const SYS_pread64 = 17;
const SYS_pwrite64 = 18;
const READS = [SYS_read, SYS_pread64];

export class SlotMemory extends BasicMemory {
  readonly #thread: SystrapThread;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #buffer: Buffer;
  readonly #word: number;
  readonly #data: number;
  /** Host address of the slot's data area: host calls may read and write it directly. */
  readonly dataAddress: number;
  process: ProcessMemory;

  /** Prefetched pieces, decoded once at the trap. */
  readonly #addrs = new Float64Array(PREFETCH_MAX);
  readonly #lengths = new Uint32Array(PREFETCH_MAX);
  readonly #offsets = new Uint32Array(PREFETCH_MAX);
  #count = 0;
  /** Where the next copy-out goes in the data area. */
  #out = 0;
  #copyouts = 0;
  readonly #ring: SlotRing;
  /** Which of the prefetched pieces comes through the ring; -1: none. */
  #late = -1;
  /** Where the copy-out that goes through the ring is continued; -1: there is none. */
  #streamEnd = -1;
  /** False while the guest runs: the slot is the stub's then. */
  isOpen = false;

  constructor(thread: SystrapThread, u8: Uint8Array, slotOffset: number, hostAddress: number, process: ProcessMemory) {
    super();
    this.#thread = thread;
    this.#u8 = u8;
    this.#u32 = new Uint32Array(u8.buffer);
    this.#buffer = Buffer.from(u8.buffer);
    this.#word = slotOffset / 4;
    this.#data = slotOffset + SLOT_DATA;
    this.dataAddress = hostAddress + SLOT_DATA;
    this.#ring = new SlotRing(u8, this.#u32, this.#word, hostAddress);
    this.process = process;
  }

  /** The thread has stopped: reads the prefetch records. */
  open(): void {
    this.isOpen = true;
    this.#out = 0;
    this.#copyouts = 0;
    const count = Math.min(PREFETCH_MAX, this.#u32[this.#word + SLOT_PREFETCH_COUNT / 4]);
    this.#count = 0;
    this.#late = -1;
    this.#streamEnd = -1;
    for (let i = 0; i < count; i++) {
      const at = this.#word + SLOT_PREFETCH / 4 + i * 4;
      const length = this.#u32[at + 2];
      const offset = this.#u32[at + 3];
      // Without all of it there: through the ring.
      const isLate = i === 0 && length >= LARGE_COPY && offset === 0;
      const room = isLate ? RING_SIZE : length;
      if (room > SLOT_DATA_SIZE || offset > SLOT_DATA_SIZE - room) continue;
      this.#addrs[this.#count] = this.#u32[at] + this.#u32[at + 1] * TWO_32;
      this.#lengths[this.#count] = length;
      this.#offsets[this.#count] = offset;
      if (isLate) {
        this.#late = this.#count;
        this.#ring.open(this.#addrs[this.#count], length);
      }
      this.#count++;
      const end = offset + Math.min(length, room);
      if (end > this.#out) this.#out = (end + 7) & ~7;
    }
  }

  /** The answer is about to go out: publishes the copy-outs. */
  close(): void {
    this.isOpen = false;
    this.#u32[this.#word + SLOT_COPYOUT_COUNT / 4] = this.#copyouts;
    this.#count = 0;
  }

  /** What the answer will write, for those who look before it is given. */
  pendingWrites(): { addr: UserAddr; bytes: Uint8Array }[] {
    return Array.from({ length: this.#copyouts }, (_, index) => {
      const at = this.#word + SLOT_COPYOUTS / 4 + index * 4;
      const addr = this.#u32[at] + this.#u32[at + 1] * TWO_32;
      if (index === 0 && this.#ring.put > 0) return this.#ring.pending().map(({ from, bytes }) => ({ addr: addr + from, bytes }));
      const start = this.#data + this.#u32[at + 3];
      return [{ addr, bytes: this.#u8.slice(start, start + this.#u32[at + 2]) }];
    }).flat();
  }

  get hasCopyouts(): boolean {
    return this.#copyouts > 0;
  }

  /** `length` bytes at the start of the data area, for operations that leave something there. */
  staged(length: number): Uint8Array {
    return this.#u8.slice(this.#data, this.#data + Math.min(length, SLOT_DATA_SIZE));
  }

  stage(bytes: Uint8Array): void {
    this.#u8.set(bytes.subarray(0, SLOT_DATA_SIZE), this.#data);
  }

  /** Keeps the copy-outs for a later answer: this one only runs operations. */
  hold(): void {
    this.#u32[this.#word + SLOT_COPYOUT_COUNT / 4] = 0;
  }

  /** Forgets what was prefetched: the operations of an answer have changed the process under it. */
  forgetPrefetched(): void {
    this.#ring.forget();
    this.#late = -1;
    this.#streamEnd = -1;
    this.#count = 0;
    this.#out = 0;
    this.#copyouts = 0;
  }

  /** The data-area index of `length` prefetched bytes at `addr`, or -1. */
  #find(addr: UserAddr, length: number): number {
    for (let i = 0; i < this.#count; i++) {
      const delta = addr - this.#addrs[i];
      if (delta < 0 || delta + length > this.#lengths[i]) continue;
      if (i === this.#late) continue;
      return this.#data + this.#offsets[i] + delta;
    }
    return -1;
  }

  /** A prefetched word, or -1. */
  fetchedU32(addr: UserAddr): number {
    const at = this.#count > 0 ? this.#find(addr, 4) : -1;
    if (at < 0) return -1;
    const u8 = this.#u8;
    return (u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24)) >>> 0;
  }

  override readInto(addr: UserAddr, target: Uint8Array, at: number, length: number): number {
    const from = this.#count > 0 ? this.#find(addr, length) : -1;
    if (from < 0) {
      const taken = this.#late < 0 ? 0 : this.#ring.take(addr, target, at, length);
      return taken === length ? taken : taken + this.process.readInto(addr + taken, target, at + taken, length - taken);
    }
    const u8 = this.#u8;
    if (length <= 32) for (let i = 0; i < length; i++) target[at + i] = u8[from + i];
    else target.set(u8.subarray(from, from + length), at);
    return length;
  }

  /** True when [addr, addr + length) goes through the ring: a copy-out is begun there, as the first of all, or continued. */
  #stream(addr: UserAddr, length: number): boolean {
    if (!this.isOpen || addr + length > USER_ADDR_LIMIT) return false;
    if (addr === this.#streamEnd) return this.#copyouts === 1 && this.#mayDefer(addr, length);
    if (length < LARGE_COPY || this.#copyouts !== 0 || this.#out > SLOT_DATA_SIZE - RING_SIZE) return false;
    if (!this.#mayDefer(addr, length) || this.reserve(addr, 0) < 0) return false;
    this.#ring.begin(this.#out);
    this.#out += RING_SIZE;
    return true;
  }

  override writeFrom(addr: UserAddr, source: Uint8Array, at: number, length: number): number {
    if (this.#stream(addr, length)) {
      const done = this.#ring.add(source, at, length, this.#spanLength);
      this.#streamEnd = done === length ? addr + length : -1;
      return done === length ? done : done + this.process.writeFrom(addr + done, source, at + done, length - done);
    }
    const to = this.reserve(addr, length);
    if (to < 0) return this.process.writeFrom(addr, source, at, length);
    const u8 = this.#u8;
    if (length <= 32) for (let i = 0; i < length; i++) u8[to + i] = source[at + i];
    else u8.set(at === 0 && length === source.length ? source : source.subarray(at, at + length), to);
    return length;
  }

  /** The word that holds the first copy-out's length. */
  get #spanLength(): number {
    return this.#word + SLOT_COPYOUTS / 4 + 2;
  }

  /**
   * A write may travel with the answer when it cannot fail. Where it may fail in the middle, the call
   * has to know how far it came: pipes and sockets keep what was not copied.
   */
  #mayDefer(addr: UserAddr, length: number): boolean {
    const { task, ops } = this.#thread;
    return task === null || ops.changesMemory || task.mm.isWritable(addr, length);
  }

  /** Room for `length` bytes that go to `addr` with the answer: their index in the view, or -1 (write directly then). */
  reserve(addr: UserAddr, length: number): number {
    if (!this.isOpen || this.#copyouts === COPYOUT_MAX || length > SLOT_DATA_SIZE - this.#out) return -1;
    if (!(addr >= 0) || addr + length > USER_ADDR_LIMIT || !this.#mayDefer(addr, length)) return -1;
    const at = this.#word + SLOT_COPYOUTS / 4 + this.#copyouts * 4;
    const u32 = this.#u32;
    u32[at] = addr;
    u32[at + 1] = Math.floor(addr / TWO_32);
    u32[at + 2] = length;
    u32[at + 3] = this.#out;
    const index = this.#data + this.#out;
    this.#copyouts++;
    this.#out = (this.#out + length + 7) & ~7;
    return index;
  }

  /**
   * Zeros for private memory without a file, by the guest process itself. Pages that the sentry touched first would be charged
   * by the sentry: when a cgroup's memory runs out, the kernel could not free those of the process it kills.
   */
  clear(addr: UserAddr, length: number): boolean {
    const { task, ops } = this.#thread;
    const vma = task?.mm.find(addr) ?? null;
    if (!this.isOpen || vma === null || vma.file !== null || vma.shared !== null || addr + length > vma.end || length === 0) return false;
    if ((vma.prot & PROT_WRITE) === 0 || !ops.isEmpty) return false;
    ops.push(OP_CLEAR, addr, length);
    ops.onFailure = () => EFAULT;
    return true;
  }

  /** Only for calls whose result is that of the read alone. */
  readByGuest(hostFd: number, offset: number, addr: UserAddr, length: number, otherwise: () => number): boolean {
    const { task, ops, regs } = this.#thread;
    if (!this.isOpen || this.#copyouts > 0 || !ops.isEmpty || task === null || task.trace !== null) return false;
    if (!READS.includes(regs.syscallNumber) || addr + length > USER_ADDR_LIMIT) return false;
    if (!ops.readFile(addr, length, hostFd, offset)) return false;
    ops.onFailure = otherwise;
    return true;
  }

  get hasStalled(): boolean {
    return this.#ring.hasStalled;
  }

  readHost(hostFd: number, offset: number, addr: UserAddr, length: number): number | null {
    this.#ring.hasStalled = false;
    // What has no size is read by one call.
    if ((offset >= 0 || length <= RING_SIZE) && this.#stream(addr, length)) {
      const got = this.#ring.addFromHost(hostFd, offset, length, this.#spanLength);
      this.#streamEnd = -1;
      if (this.#ring.put === 0) this.#copyouts--;
      return got;
    }
    const index = this.reserve(addr, length);
    if (index < 0) return null;
    const target = this.dataAddress + (index - this.#data);
    const got = offset < 0 ? hostCall3(SYS_read, hostFd, target, length) : hostCall6(SYS_pread64, hostFd, target, length, offset);
    // Only what was read goes to the guest.
    const at = this.#word + SLOT_COPYOUTS / 4 + (this.#copyouts - 1) * 4 + 2;
    this.#u32[at] = Math.max(0, got);
    if (got <= 0) this.#copyouts--;
    return got;
  }

  writeHost(hostFd: number, offset: number, addr: UserAddr, length: number): number | null {
    this.#ring.hasStalled = false;
    const at = this.#count > 0 ? this.#find(addr, length) : -1;
    if (at < 0) return this.#late < 0 ? null : this.#ring.takeToHost(hostFd, offset, addr, length);
    const source = this.dataAddress + (at - this.#data);
    return offset < 0 ? hostCall3(SYS_write, hostFd, source, length) : hostCall6(SYS_pwrite64, hostFd, source, length, offset);
  }

  override readCString(addr: UserAddr, max: number): string | Errno {
    for (let i = 0; i < this.#count; i++) {
      const delta = addr - this.#addrs[i];
      if (i === this.#late || delta < 0 || delta >= this.#lengths[i]) continue;
      const start = this.#data + this.#offsets[i] + delta;
      const limit = start + Math.min(max, this.#lengths[i] - delta);
      const u8 = this.#u8;
      let end = start;
      while (end < limit && u8[end] !== 0) end++;
      if (end < limit) return this.#buffer.toString("latin1", start, end);
      break;
    }
    return this.process.readCString(addr, max);
  }

  override loadU32(addr: UserAddr): number {
    const at = this.#count > 0 ? this.#find(addr, 4) : -1;
    if (at < 0) return this.process.loadU32(addr);
    const u8 = this.#u8;
    return (u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24)) >>> 0;
  }
}
