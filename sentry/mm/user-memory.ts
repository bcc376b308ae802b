/**
 * The one door to guest memory. Every address is a guest address (double, 0..2^47).
 * Nothing here throws for what a guest passes in: EFAULT comes back as a negative number.
 * What the stub has prefetched is served from the slot; all else is read from the process.
 */
import type { Errno } from "../abi/errno.ts";

export type UserAddr = number;

/** TASK_SIZE: addresses at or above are never the guest's. */
export const USER_ADDR_LIMIT = 0x7fff_ffff_f000;

export interface UserMemory {
  /** Copies `length` guest bytes to `target[at…]`. Returns the bytes copied before a fault (so `< length` is EFAULT or partial). */
  readInto(addr: UserAddr, target: Uint8Array, at: number, length: number): number;
  /** Copies `length` bytes of `source[at…]` to the guest. Returns `length`, or the bytes copied before a fault. */
  writeFrom(addr: UserAddr, source: Uint8Array, at: number, length: number): number;

  /**
   * pread(2) (`offset` >= 0) or read(2) of a host fd straight towards guest memory, without a
   * copy in between: bytes or a host errno; null when that is not possible here.
   */
  readHost?(hostFd: number, offset: number, addr: UserAddr, length: number): number | null;
  /** The last readHost or writeHost moved less than it could have: the rest is to go another way. */
  readonly hasStalled?: boolean;
  /**
   * Has the guest's own process read `length` bytes of a file with the answer, by `hostFd`, which allows nothing but reading; false where
   * it cannot. When it does not get all of them, `otherwise` is what the call does, and its result.
   */
  readByGuest?(hostFd: number, offset: number, addr: UserAddr, length: number, otherwise: () => number): boolean;
  /** Has the guest's own process make a range zero with the answer; false where it cannot, or is not worth it. */
  clear?(addr: UserAddr, length: number): boolean;
  /** pwrite(2) or write(2) of guest bytes straight to a host fd; null when that is not possible here. */
  writeHost?(hostFd: number, offset: number, addr: UserAddr, length: number): number | null;

  /** A fresh copy of `length` guest bytes, or EFAULT. Callers bound `length` first. */
  copyIn(addr: UserAddr, length: number): Uint8Array | Errno;
  /** The same as a little-endian DataView. */
  viewIn(addr: UserAddr, length: number): DataView | Errno;
  /** Copies all of `bytes` out. 0 or EFAULT. */
  copyOut(addr: UserAddr, bytes: Uint8Array): 0 | Errno;

  /** Unsigned loads: `>= 0`, or EFAULT. */
  loadU8(addr: UserAddr): number;
  loadU16(addr: UserAddr): number;
  loadU32(addr: UserAddr): number;
  /** As a double (exact below 2^53), or EFAULT. */
  loadU64(addr: UserAddr): number;
  /** Stores; 0 or EFAULT. Negative and large values wrap as in C. */
  storeU8(addr: UserAddr, value: number): 0 | Errno;
  storeU16(addr: UserAddr, value: number): 0 | Errno;
  storeU32(addr: UserAddr, value: number): 0 | Errno;
  /** `value` is an integer double of either sign. */
  storeU64(addr: UserAddr, value: number): 0 | Errno;

  /** The bytes before the NUL as a latin1 string (one char per byte), EFAULT, or ENAMETOOLONG when no NUL lies within `max` bytes. */
  readCString(addr: UserAddr, max: number): string | Errno;
}
