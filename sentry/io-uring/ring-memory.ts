/**
 * The memory that a guest shares with its ring (io_uring(7)): a memfd of the host, which the guest maps. The kernel
 * reads and writes it by pread(2) and pwrite(2), so whatever the guest does to it can only be wrong numbers.
 */
import { hostCall6, hostClose, memoryOnUse } from "../../native/ffi/syscall-unsafe.ts";
import { EINVAL, type Errno, isErrno } from "../abi/errno.ts";
import { HostFile } from "../vfs/memory/host-file.ts";

const SYS_pread64 = 17;
const SYS_pwrite64 = 18;
const PAGE = 4096;

/** Where mmap(2) finds the parts; the bits below say nothing (IORING_OFF_MMAP_MASK). */
const PART = 0x0800_0000;
const IORING_OFF_SQ_RING = 0;
const IORING_OFF_CQ_RING = 0x0800_0000;
const IORING_OFF_SQES = 0x1000_0000;

/** Words of both rings, at the front. */
const SQ_HEAD = 0;
const SQ_TAIL = 4;
const CQ_HEAD = 8;
const CQ_TAIL = 12;
const SQ_MASK = 16;
const CQ_MASK = 20;
const SQ_ENTRIES = 24;
const CQ_ENTRIES = 28;
const SQ_DROPPED = 32;
const SQ_FLAGS = 36;
const CQ_FLAGS = 40;
const CQ_OVERFLOW = 44;
const CQES = 64;

export const CQE_SIZE = 16;
export const SQE_SIZE = 64;

const scratch = memoryOnUse(PAGE);

const pageAlign = (length: number): number => Math.ceil(length / PAGE) * PAGE;

export class RingMemory {
  readonly sqEntries: number;
  readonly cqEntries: number;
  readonly hasArray: boolean;
  readonly #host: HostFile;
  readonly #arrayAt: number;
  readonly #sqesAt: number;
  readonly #end: number;
  #cqTail = 0;
  #sqHead = 0;
  #flags = 0;
  #dropped = 0;

  private constructor(host: HostFile, sqEntries: number, cqEntries: number, hasArray: boolean) {
    this.#host = host;
    this.sqEntries = sqEntries;
    this.cqEntries = cqEntries;
    this.hasArray = hasArray;
    this.#arrayAt = CQES + cqEntries * CQE_SIZE;
    this.#sqesAt = pageAlign(this.#arrayAt + (hasArray ? sqEntries * 4 : 0));
    this.#end = pageAlign(this.#sqesAt + sqEntries * SQE_SIZE);
  }

  static create(sqEntries: number, cqEntries: number, hasArray: boolean): RingMemory | Errno {
    const host = HostFile.create("io_uring");
    if (isErrno(host)) return host;
    const memory = new RingMemory(host, sqEntries, cqEntries, hasArray);
    const error = host.truncate(memory.#end);
    if (error < 0) {
      hostClose(host.fd);
      return EINVAL;
    }
    memory.#put(SQ_MASK, sqEntries - 1);
    memory.#put(CQ_MASK, cqEntries - 1);
    memory.#put(SQ_ENTRIES, sqEntries);
    memory.#put(CQ_ENTRIES, cqEntries);
    return memory;
  }

  get fd(): number {
    return this.#host.fd;
  }

  close(): void {
    hostClose(this.#host.fd);
  }

  /** The offset in the memfd for a mapping at `offset`; EINVAL when it is no part of the ring or goes beyond it. */
  place(offset: number, length: number): number {
    const part = Math.floor(offset / PART) * PART;
    if (part === IORING_OFF_SQES) return this.#sqesAt + length <= this.#end ? this.#sqesAt : EINVAL;
    if (part !== IORING_OFF_SQ_RING && part !== IORING_OFF_CQ_RING) return EINVAL;
    return length <= this.#sqesAt ? 0 : EINVAL;
  }

  /** struct io_sqring_offsets and io_cqring_offsets, ten words each. */
  offsets(): readonly number[] {
    const array = this.hasArray ? this.#arrayAt : 0;
    const sq = [SQ_HEAD, SQ_TAIL, SQ_MASK, SQ_ENTRIES, SQ_FLAGS, SQ_DROPPED, array, 0, 0, 0];
    return [...sq, CQ_HEAD, CQ_TAIL, CQ_MASK, CQ_ENTRIES, CQ_OVERFLOW, CQES, CQ_FLAGS, 0, 0, 0];
  }

  #get(at: number): number {
    const { u32, address } = scratch();
    return hostCall6(SYS_pread64, this.#host.fd, address, 4, at) === 4 ? u32[0] : 0;
  }

  #put(at: number, value: number): void {
    const { u32, address } = scratch();
    u32[0] = value;
    hostCall6(SYS_pwrite64, this.#host.fd, address, 4, at);
  }

  /** Submissions that wait. */
  get submissions(): number {
    return Math.min((this.#get(SQ_TAIL) - this.#sqHead) >>> 0, this.sqEntries);
  }

  /** Takes the next submission entry; null: its index is none, and it is dropped. */
  takeSubmission(): Uint8Array | null {
    const slot = this.#sqHead & (this.sqEntries - 1);
    const index = this.hasArray ? this.#get(this.#arrayAt + slot * 4) : slot;
    this.#sqHead = (this.#sqHead + 1) >>> 0;
    this.#put(SQ_HEAD, this.#sqHead);
    if (index >= this.sqEntries) {
      this.#put(SQ_DROPPED, ++this.#dropped);
      return null;
    }
    const { u8, address } = scratch();
    const n = hostCall6(SYS_pread64, this.#host.fd, address, SQE_SIZE, this.#sqesAt + index * SQE_SIZE);
    return n === SQE_SIZE ? u8.slice(0, SQE_SIZE) : null;
  }

  /** Completions that the guest has not taken. */
  get completions(): number {
    return (this.#cqTail - this.#get(CQ_HEAD)) >>> 0;
  }

  get isFull(): boolean {
    return this.completions >= this.cqEntries;
  }

  /** Posts one completion into a ring that is not full. */
  post(dataLo: number, dataHi: number, result: number, flags: number): void {
    const { u32, address } = scratch();
    u32[0] = dataLo;
    u32[1] = dataHi;
    u32[2] = result;
    u32[3] = flags;
    const at = CQES + (this.#cqTail & (this.cqEntries - 1)) * CQE_SIZE;
    hostCall6(SYS_pwrite64, this.#host.fd, address, CQE_SIZE, at);
    this.#cqTail = (this.#cqTail + 1) >>> 0;
    this.#put(CQ_TAIL, this.#cqTail);
  }

  /** IORING_SQ_* */
  setFlag(flag: number, isSet: boolean): void {
    const flags = isSet ? this.#flags | flag : this.#flags & ~flag;
    if (flags === this.#flags) return;
    this.#flags = flags;
    this.#put(SQ_FLAGS, flags);
  }

  /** IORING_CQ_EVENTFD_DISABLED */
  get isEventfdOff(): boolean {
    return (this.#get(CQ_FLAGS) & 1) !== 0;
  }
}
