/** The ends of a transfer: guest memory (read, readv) and kernel buffers (exec, sendfile, splice). */

import { allocateMemory, type HostMemory, hostCall3, hostCall6 } from "../../native/ffi/syscall-unsafe.ts";
import { IOVEC_SIZE, UIO_MAXIOV } from "../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, type Errno } from "../abi/errno.ts";
import { USER_ADDR_LIMIT, type UserAddr, type UserMemory } from "../mm/user-memory.ts";
import type { Task } from "../task/task.ts";
import type { Io } from "./io.ts";

/** The largest count of one read or write: INT_MAX rounded down to a page (include/linux/fs.h). */
export const MAX_RW_COUNT = 0x7fff_f000;

const SYS_read = 0;
const SYS_write = 1;
const SYS_pread64 = 17;
const SYS_pwrite64 = 18;
const SCRATCH_BYTES = 1 << 20;

let scratchMemory: HostMemory | null = null;
/** Host memory for one host call at a time. */
const scratch = (): HostMemory => {
  scratchMemory ??= allocateMemory(SCRATCH_BYTES);
  return scratchMemory;
};

/** pread(2) (offset >= 0) or read(2) of a host fd into the scratch memory. */
const hostRead = (hostFd: number, offset: number, length: number): number =>
  offset < 0 ? hostCall3(SYS_read, hostFd, scratch().address, length) : hostCall6(SYS_pread64, hostFd, scratch().address, length, offset);

const hostWrite = (hostFd: number, offset: number, at: number, length: number): number =>
  offset < 0
    ? hostCall3(SYS_write, hostFd, scratch().address + at, length)
    : hostCall6(SYS_pwrite64, hostFd, scratch().address + at, length, offset);

const zeros = new Uint8Array(65536);
/** So many zeros are better made than copied. */
const CLEARED_LEAST = 32 * 1024;

/** What both kinds share: the loops over host fds and zeros. */
abstract class PiecewiseIo implements Io {
  remaining = 0;
  abstract put(source: Uint8Array, at: number, length: number): number;
  abstract take(target: Uint8Array, at: number, length: number): number;

  putZeros(length: number): number {
    let done = 0;
    const end = Math.min(length, this.remaining);
    while (done < end) {
      const want = Math.min(zeros.length, end - done);
      const n = this.put(zeros, 0, want);
      if (n < 0) return done > 0 ? done : n;
      done += n;
      if (n < want) break;
    }
    return done;
  }

  /** The transfer without a copy in between, where the memory can; null where not. */
  protected direct(_hostFd: number, _offset: number, _length: number, _isPut: boolean): number | null {
    return null;
  }

  /** Not all that `direct` could have moved was moved. */
  protected get hasStalled(): boolean {
    return false;
  }

  putFromHost(hostFd: number, offset: number, length: number): number {
    const end = Math.min(length, this.remaining);
    const direct = this.direct(hostFd, offset, end, true);
    if (direct !== null && !this.hasStalled) return direct;
    let done = direct ?? 0;
    while (done < end) {
      const want = Math.min(SCRATCH_BYTES, end - done);
      const got = hostRead(hostFd, offset < 0 ? -1 : offset + done, want);
      if (got <= 0) return done > 0 ? done : got;
      const n = this.put(scratch().u8, 0, got);
      if (n < 0) return done > 0 ? done : n;
      done += n;
      if (n < want) break;
    }
    return done;
  }

  takeToHost(hostFd: number, offset: number, length: number): number {
    const end = Math.min(length, this.remaining);
    const direct = this.direct(hostFd, offset, end, false);
    if (direct !== null && !this.hasStalled) return direct;
    let done = direct ?? 0;
    while (done < end) {
      const want = Math.min(SCRATCH_BYTES, end - done);
      const got = this.take(scratch().u8, 0, want);
      if (got <= 0) return done > 0 ? done : got;
      let written = 0;
      while (written < got) {
        const n = hostWrite(hostFd, offset < 0 ? -1 : offset + done, written, got - written);
        if (n <= 0) {
          this.giveBack(got - written);
          return done > 0 ? done : n;
        }
        written += n;
        done += n;
      }
      if (got < want) break;
    }
    return done;
  }

  /** The last `length` bytes taken were not consumed after all. */
  abstract giveBack(length: number): void;
}

const NO_RANGES = new Float64Array(0);
const iovecBytes = new Uint8Array(UIO_MAXIOV * IOVEC_SIZE);
const iovecView = new DataView(iovecBytes.buffer);

/** Guest memory: one range, or the ranges of an iovec array read once. */
export class UserIo extends PiecewiseIo {
  #memory: UserMemory | null = null;
  /** The range being filled; of a vector's the rest lie in `#bases` from `#next` on. */
  #addr: UserAddr = 0;
  #length = 0;
  #bases = NO_RANGES;
  #lengths = NO_RANGES;
  #count = 0;
  #next = 0;

  reset(memory: UserMemory, addr: UserAddr, length: number): this {
    this.#memory = memory;
    this.#addr = addr;
    this.#length = length;
    this.remaining = length;
    this.#count = 0;
    this.#next = 0;
    return this;
  }

  /** As import_iovec(): the ranges are read once and checked, the total is clamped to MAX_RW_COUNT. */
  resetVector(memory: UserMemory, iovAddr: UserAddr, count: number): this | Errno {
    const size = count * IOVEC_SIZE;
    if (memory.readInto(iovAddr, iovecBytes, 0, size) < size) return EFAULT;
    if (this.#bases.length < count) {
      this.#bases = new Float64Array(Math.max(count, 16));
      this.#lengths = new Float64Array(this.#bases.length);
    }
    let total = 0;
    for (let i = 0, at = 0; i < count; i++, at += IOVEC_SIZE) {
      const high = iovecView.getInt32(at + 12, true);
      if (high < 0) return EINVAL;
      const base = iovecView.getUint32(at, true) + iovecView.getUint32(at + 4, true) * 2 ** 32;
      const length = iovecView.getUint32(at + 8, true) + high * 2 ** 32;
      if (base + length > USER_ADDR_LIMIT) return EFAULT;
      const clamped = Math.min(length, MAX_RW_COUNT - total);
      this.#bases[i] = base;
      this.#lengths[i] = clamped;
      total += clamped;
    }
    this.reset(memory, 0, 0);
    this.#count = count;
    this.remaining = total;
    return this;
  }

  /** A copy that a blocked op may keep: the instance of `userIo` is used again by the next call. */
  detach(): UserIo {
    const copy = new UserIo();
    copy.#memory = this.#memory;
    copy.#addr = this.#addr;
    copy.#length = this.#length;
    copy.#bases = this.#bases.slice(0, this.#count);
    copy.#lengths = this.#lengths.slice(0, this.#count);
    copy.#count = this.#count;
    copy.#next = this.#next;
    copy.remaining = this.remaining;
    return copy;
  }

  /** Moves on to the next range that is not empty. */
  #advance(): void {
    while (this.#length === 0 && this.#next < this.#count) {
      this.#addr = this.#bases[this.#next];
      this.#length = this.#lengths[this.#next];
      this.#next++;
    }
  }

  protected override direct(hostFd: number, offset: number, length: number, isPut: boolean): number | null {
    const memory = this.#memory as UserMemory;
    if (this.#length === 0) this.#advance();
    if (length > this.#length) return null;
    const n = isPut ? memory.readHost?.(hostFd, offset, this.#addr, length) : memory.writeHost?.(hostFd, offset, this.#addr, length);
    if (n === undefined) return null;
    if (n !== null && n > 0) {
      this.#addr += n;
      this.#length -= n;
      this.remaining -= n;
    }
    return n;
  }

  protected override get hasStalled(): boolean {
    return this.#memory?.hasStalled === true;
  }

  override putZeros(length: number): number {
    const end = Math.min(length, this.remaining);
    if (this.#length === 0) this.#advance();
    if (end < CLEARED_LEAST || end > this.#length || this.#memory?.clear?.(this.#addr, end) !== true) return super.putZeros(length);
    this.#skip(end);
    return end;
  }

  putByGuest(hostFd: number, offset: number, length: number, otherwise: (rest: Io) => number): boolean {
    if (this.#length === 0) this.#advance();
    const memory = this.#memory;
    const addr = this.#addr;
    if (memory === null || length > this.#length || memory.readByGuest === undefined) return false;
    if (!memory.readByGuest(hostFd, offset, addr, length, () => otherwise(new UserIo().reset(memory, addr, length)))) return false;
    this.#skip(length);
    return true;
  }

  #skip(length: number): void {
    this.#addr += length;
    this.#length -= length;
    this.remaining -= length;
  }

  put(source: Uint8Array, at: number, length: number): number {
    return this.#move(source, at, length, true);
  }

  take(target: Uint8Array, at: number, length: number): number {
    return this.#move(target, at, length, false);
  }

  #move(buffer: Uint8Array, at: number, length: number, isPut: boolean): number {
    const memory = this.#memory as UserMemory;
    const end = Math.min(length, this.remaining);
    let done = 0;
    while (done < end) {
      if (this.#length === 0) this.#advance();
      const want = Math.min(this.#length, end - done);
      const n = isPut ? memory.writeFrom(this.#addr, buffer, at + done, want) : memory.readInto(this.#addr, buffer, at + done, want);
      if (n > 0) {
        done += n;
        this.#addr += n;
        this.#length -= n;
        this.remaining -= n;
      }
      if (n < want) return done > 0 ? done : EFAULT;
    }
    return done;
  }

  /** Only ever less than what the last `take` moved, so at most whole ranges back. */
  giveBack(length: number): void {
    this.remaining += length;
    let left = length;
    const bases = this.#bases;
    const lengths = this.#lengths;
    if (this.#count === 0) {
      this.#addr -= left;
      this.#length += left;
      return;
    }
    for (;;) {
      const inThis = this.#addr - bases[this.#next - 1];
      const step = Math.min(left, inThis);
      this.#addr -= step;
      this.#length += step;
      left -= step;
      if (left === 0) return;
      this.#next--;
      this.#addr = bases[this.#next - 1] + lengths[this.#next - 1];
      this.#length = 0;
    }
  }
}

/** A kernel buffer. */
export class KernelIo extends PiecewiseIo {
  readonly buffer: Uint8Array;
  at: number;

  constructor(buffer: Uint8Array, at: number, length: number) {
    super();
    this.buffer = buffer;
    this.at = at;
    this.remaining = length;
  }

  put(source: Uint8Array, at: number, length: number): number {
    const n = Math.min(length, this.remaining);
    this.buffer.set(at === 0 && n === source.length ? source : source.subarray(at, at + n), this.at);
    this.at += n;
    this.remaining -= n;
    return n;
  }

  take(target: Uint8Array, at: number, length: number): number {
    const n = Math.min(length, this.remaining);
    target.set(this.buffer.subarray(this.at, this.at + n), at);
    this.at += n;
    this.remaining -= n;
    return n;
  }

  giveBack(length: number): void {
    this.at -= length;
    this.remaining += length;
  }
}

// Calls do not nest deeper than two transfers, so a few instances in turn save the allocation.
const pool = [new UserIo(), new UserIo(), new UserIo(), new UserIo()];
let turn = 0;

/** Guest memory [addr, addr + length). The object is reused by later calls: a blocked op keeps `io.detach()`. Callers clamp `length` to MAX_RW_COUNT. */
export const userIo = (task: Task, addr: UserAddr, length: number): UserIo => {
  turn = (turn + 1) & 3;
  return pool[turn].reset(task.memory, addr, length);
};

/** access_ok(): EFAULT for a range that leaves the guest's half of the address space. */
export const checkRange = (addr: UserAddr, length: number): 0 | Errno => (addr + length > USER_ADDR_LIMIT ? EFAULT : 0);

/** The ranges of an iovec array, read once and checked as import_iovec() does; the total is clamped to MAX_RW_COUNT. */
export const userIovIo = (task: Task, iovAddr: UserAddr, count: number): UserIo | Errno => {
  if (count < 0 || count > UIO_MAXIOV) return EINVAL;
  turn = (turn + 1) & 3;
  return pool[turn].resetVector(task.memory, iovAddr, count);
};

export const kernelIo = (buffer: Uint8Array, at: number, length: number): KernelIo => new KernelIo(buffer, at, length);
