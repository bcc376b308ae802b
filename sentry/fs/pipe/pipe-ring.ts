/**
 * The bytes of a pipe: a ring of slots of one page each, as struct pipe_inode_info keeps
 * them. What fits is decided by slots and not by bytes, because programs can see it: 16
 * writes of 4095 bytes fill a pipe, and poll(2) reports room only while a slot is free
 * (see fs/pipe.c). The page of slot i lies at i * PAGE_SIZE of one array, so that a run of
 * full slots moves in one copy; the array grows with use.
 */
import { EAGAIN, EBUSY, EFAULT } from "../../abi/errno.ts";
import type { Io } from "../../vfs/io.ts";

export const PAGE_SIZE = 4096;
/** PIPE_DEF_BUFFERS */
export const DEFAULT_SLOTS = 16;

const CAN_MERGE = 1;
const PACKET = 2;

export class PipeRing {
  slots = DEFAULT_SLOTS;
  #first = 0;
  #used = 0;
  #offsets = new Uint16Array(DEFAULT_SLOTS);
  /** 1..PAGE_SIZE for slots in use. */
  #lengths = new Uint16Array(DEFAULT_SLOTS);
  #flags = new Uint8Array(DEFAULT_SLOTS);
  #bytes = new Uint8Array(PAGE_SIZE);

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  get isFull(): boolean {
    return this.#used === this.slots;
  }

  get freeSlots(): number {
    return this.slots - this.#used;
  }

  /** FIONREAD */
  get byteCount(): number {
    let total = 0;
    for (let i = 0; i < this.#used; i++) total += this.#lengths[(this.#first + i) % this.slots];
    return total;
  }

  /** Moves what fits of `io` into the ring: bytes, EAGAIN when nothing fits, or EFAULT. `isPacket`: each page is read on its own (O_DIRECT). */
  fill(io: Io, isPacket: boolean): number {
    let total = 0;
    const tail = io.remaining % PAGE_SIZE;
    if (tail !== 0 && this.#used !== 0) {
      const last = (this.#first + this.#used - 1) % this.slots;
      const end = this.#offsets[last] + this.#lengths[last];
      if ((this.#flags[last] & CAN_MERGE) !== 0 && end + tail <= PAGE_SIZE) {
        const moved = io.take(this.#bytes, last * PAGE_SIZE + end, tail);
        if (moved < tail) return EFAULT;
        this.#lengths[last] += moved;
        if (io.remaining === 0) return moved;
        total = moved;
      }
    }
    while (io.remaining > 0 && this.#used < this.slots) {
      const wanted = Math.min(io.remaining, this.freeRun());
      const moved = io.take(this.#bytes, this.freeAt, wanted);
      // A page that could not be copied as a whole is as if it had not been begun.
      const whole = moved < wanted ? Math.max(0, moved - (moved % PAGE_SIZE)) : moved;
      if (whole > 0) this.commit(whole, isPacket ? PACKET : CAN_MERGE);
      total += whole;
      if (moved === wanted) continue;
      if (moved > whole) io.giveBack(moved - whole);
      return total > 0 ? total : EFAULT;
    }
    return total > 0 ? total : EAGAIN;
  }

  /** Moves the oldest bytes to `io`: bytes, EAGAIN when the ring is empty, or EFAULT. A packet ends the read and loses what did not fit. */
  drain(io: Io): number {
    let total = 0;
    while (io.remaining > 0 && this.#used > 0) {
      const isPacket = (this.#flags[this.#first] & PACKET) !== 0;
      const wanted = Math.min(this.readyRun(), io.remaining);
      const moved = io.put(this.#bytes, this.readyAt, wanted);
      if (moved < wanted) {
        const whole = isPacket ? 0 : this.#wholeSlots(moved);
        this.consume(whole);
        total += whole;
        return total > 0 ? total : EFAULT;
      }
      total += moved;
      if (isPacket) {
        this.#dropFirst();
        return total;
      }
      this.consume(moved);
    }
    return total > 0 ? total : EAGAIN;
  }

  /** The bytes of the oldest slots that lie wholly within `length`: a page that could not be copied stays (pipe_read). */
  #wholeSlots(length: number): number {
    let total = 0;
    for (let i = 0; i < this.#used; i++) {
      const next = total + this.#lengths[(this.#first + i) % this.slots];
      if (next > length) break;
      total = next;
    }
    return total;
  }

  // The pieces below serve splice(2), which reads from and into the ring's own memory.

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Where the next free slot's page lies in `bytes`; call `freeRun` first, which makes the array long enough. */
  get freeAt(): number {
    return ((this.#first + this.#used) % this.slots) * PAGE_SIZE;
  }

  /** Bytes of the free slots that lie side by side from `freeAt` on, at most `limit` bytes. */
  freeRun(limit: number = Number.POSITIVE_INFINITY): number {
    const next = (this.#first + this.#used) % this.slots;
    const run = Math.min(this.slots - this.#used, this.slots - next) * PAGE_SIZE;
    const length = Math.min(run, limit);
    this.#grow(next * PAGE_SIZE + length);
    return length;
  }

  /** `length` bytes have been stored at `freeAt`. */
  commit(length: number, flags: number = 0): void {
    for (let left = length; left > 0; left -= PAGE_SIZE) {
      const slot = (this.#first + this.#used++) % this.slots;
      this.#offsets[slot] = 0;
      this.#lengths[slot] = Math.min(left, PAGE_SIZE);
      this.#flags[slot] = flags;
    }
  }

  /** Where the oldest byte lies in `bytes`. */
  get readyAt(): number {
    return this.#first * PAGE_SIZE + this.#offsets[this.#first];
  }

  /** Bytes that lie side by side from `readyAt` on (one packet, if it is a packet). */
  readyRun(): number {
    if (this.#used === 0) return 0;
    let slot = this.#first;
    let length = this.#lengths[slot];
    if ((this.#flags[slot] & PACKET) !== 0) return length;
    let isWhole = this.#offsets[slot] + length === PAGE_SIZE;
    for (let i = 1; i < this.#used && isWhole && ++slot < this.slots; i++) {
      if (this.#offsets[slot] !== 0 || (this.#flags[slot] & PACKET) !== 0) break;
      length += this.#lengths[slot];
      isWhole = this.#lengths[slot] === PAGE_SIZE;
    }
    return length;
  }

  /** The oldest `length` bytes are gone. */
  consume(length: number): void {
    let left = length;
    while (left > 0) {
      const slot = this.#first;
      if (left < this.#lengths[slot]) {
        this.#offsets[slot] += left;
        this.#lengths[slot] -= left;
        return;
      }
      left -= this.#lengths[slot];
      this.#dropFirst();
    }
  }

  /** Copies up to `limit` bytes to `target` slot by slot, as tee(2) and splice(2) between pipes link buffers; `keep` leaves them here. Returns the bytes. */
  copyTo(target: PipeRing, limit: number, keep: boolean): number {
    let total = 0;
    for (let i = 0; total < limit && target.#used < target.slots; ) {
      if (i >= this.#used) break;
      const slot = (this.#first + i) % this.slots;
      const length = Math.min(this.#lengths[slot], limit - total);
      const at = slot * PAGE_SIZE + this.#offsets[slot];
      target.freeRun(length);
      target.#bytes.set(this.#bytes.subarray(at, at + length), target.freeAt);
      // A linked buffer is never written to again; the packet mark travels with a whole buffer.
      target.commit(length, this.#flags[slot] & PACKET);
      total += length;
      if (keep) i++;
      else this.consume(length);
    }
    return total;
  }

  /** Makes room for `slots` slots; EBUSY when more are in use. */
  resize(slots: number): number {
    if (slots < this.#used) return EBUSY;
    const offsets = new Uint16Array(slots);
    const lengths = new Uint16Array(slots);
    const flags = new Uint8Array(slots);
    const bytes = new Uint8Array(Math.max(1, this.#used) * PAGE_SIZE);
    for (let i = 0; i < this.#used; i++) {
      const slot = (this.#first + i) % this.slots;
      offsets[i] = this.#offsets[slot];
      lengths[i] = this.#lengths[slot];
      flags[i] = this.#flags[slot];
      bytes.set(this.#bytes.subarray(slot * PAGE_SIZE, (slot + 1) * PAGE_SIZE), i * PAGE_SIZE);
    }
    this.slots = slots;
    this.#first = 0;
    this.#offsets = offsets;
    this.#lengths = lengths;
    this.#flags = flags;
    this.#bytes = bytes;
    return 0;
  }

  #dropFirst(): void {
    this.#first = (this.#first + 1) % this.slots;
    // An empty ring starts over at its first page, which is in the cache.
    if (--this.#used === 0) this.#first = 0;
  }

  #grow(length: number): void {
    if (length <= this.#bytes.length) return;
    const pages = Math.ceil(length / PAGE_SIZE);
    const grown = new Uint8Array(Math.min(this.slots, Math.max(pages, (this.#bytes.length / PAGE_SIZE) * 2)) * PAGE_SIZE);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
