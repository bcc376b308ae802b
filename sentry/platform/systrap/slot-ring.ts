/**
 * Large data of a call on its way through the slot: a ring in the data area, which the stub fills or empties while the
 * sentry does the same at the other end (native/stub/ring.c). Whoever waits for the stub waits for a few µs only; what it
 * does not do the caller does through the process.
 */
import { hostCall3, hostCall6 } from "../../../native/ffi/syscall-unsafe.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import {
  COPY_LEAST,
  COPY_PIECE,
  FETCH_FAILED,
  RING_SIZE,
  SLOT_COPIED,
  SLOT_DATA,
  SLOT_FETCHED,
  SLOT_READY,
  SLOT_TAKEN,
  TAKEN_NO_MORE,
} from "./layout.generated.ts";

const SYS_read = 0;
const SYS_write = 1;
const SYS_pread64 = 17;
const SYS_pwrite64 = 18;
/**
 * Words that both sides look at are read and written without Atomics, which are calls: x86 keeps loads in order, and stores, and V8 those
 * of one array.
 */
/** Looks without progress: about 30 µs, then the stub is taken to have lost its CPU. */
const LOOKS = 3000;
/** Host calls are dear: fewer and larger pieces. */
const HOST_PIECE = 0x10000;
const HOST_LEAST = 0x10000;

/** Of `left` bytes from place `at` of the ring on, how many come next (next_piece() in ring.c). */
const nextPiece = (left: number, at: number, most: number, least: number): number => {
  const half = left >= 2 * most ? most : Math.ceil(left / 2 / least) * least;
  return Math.min(Math.max(half, least), left, RING_SIZE - at);
};

export class SlotRing {
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #word: number;
  /** Index of the data area in `#u8`, and its host address minus that. */
  readonly #data: number;
  readonly #hostBase: number;

  /** The piece that is fetched: where in the guest, how long, and how much of it the ring has lost again. */
  #fromAddr = 0;
  #length = 0;
  #taken = 0;
  /** The copy-out: where in the ring's area it begins, how much was put in. */
  #start = 0;
  #put = 0;
  #copied = 0;

  /** The last transfer from or to a host fd ended early because the stub did not come, not the host. */
  hasStalled = false;

  constructor(u8: Uint8Array, u32: Uint32Array, slotWord: number, hostAddress: number) {
    this.#u8 = u8;
    this.#u32 = u32;
    this.#word = slotWord;
    this.#data = slotWord * 4 + SLOT_DATA;
    this.#hostBase = hostAddress - slotWord * 4;
  }

  /** A new request: `length` bytes at `addr` are on their way; 0: none. */
  open(addr: UserAddr, length: number): void {
    this.#fromAddr = addr;
    this.#length = length;
    this.#taken = 0;
    this.#put = 0;
  }

  /** Where in what is fetched [addr, addr + length) begins, or -1: it was not, or is no longer there. */
  #position(addr: UserAddr, length: number): number {
    const from = addr - this.#fromAddr;
    if (from < 0 || from + length > this.#length || (this.#length > RING_SIZE && from < this.#taken)) return -1;
    return from;
  }

  /** True when the stub has come as far as `end`. */
  #hasFetched(end: number): boolean {
    let last = 0;
    for (let looks = 0; looks < LOOKS; looks++) {
      const fetched = this.#u32[this.#word + SLOT_FETCHED / 4];
      if (fetched === FETCH_FAILED) return false;
      if (fetched >= end) return true;
      if (fetched !== last) looks = 0;
      last = fetched;
    }
    // No more waiting in this call, on either side.
    this.#length = 0;
    Atomics.store(this.#u32, this.#word + SLOT_TAKEN / 4, TAKEN_NO_MORE);
    return false;
  }

  /** The stub may overwrite what lies before `end`. */
  #take(end: number): void {
    if (this.#length <= RING_SIZE || end <= this.#taken) return;
    this.#taken = end;
    Atomics.store(this.#u32, this.#word + SLOT_TAKEN / 4, end);
  }

  /** Copies what was fetched of [addr, addr + length). Returns how much, which may be nothing. */
  take(addr: UserAddr, target: Uint8Array, at: number, length: number): number {
    const from = this.#position(addr, length);
    if (from < 0) return 0;
    this.#take(from);
    let done = 0;
    while (done < length) {
      const place = (from + done) % RING_SIZE;
      const piece = nextPiece(length - done, place, COPY_PIECE, COPY_LEAST);
      if (!this.#hasFetched(from + done + piece)) break;
      const start = this.#data + place;
      if (piece <= 32) for (let i = 0; i < piece; i++) target[at + done + i] = this.#u8[start + i];
      else target.set(this.#u8.subarray(start, start + piece), at + done);
      done += piece;
      this.#take(from + done);
    }
    return done;
  }

  /** The same towards a host fd; a host errno when that failed at once, null when nothing was fetched. */
  takeToHost(hostFd: number, offset: number, addr: UserAddr, length: number): number | null {
    const from = this.#position(addr, length);
    if (from < 0) return null;
    this.#take(from);
    let done = 0;
    while (done < length) {
      const place = (from + done) % RING_SIZE;
      const piece = nextPiece(length - done, place, HOST_PIECE, HOST_LEAST);
      if (!this.#hasFetched(from + done + piece)) {
        if (done === 0) return null;
        this.hasStalled = true;
        break;
      }
      const source = this.#hostBase + this.#data + place;
      const n = offset < 0 ? hostCall3(SYS_write, hostFd, source, piece) : hostCall6(SYS_pwrite64, hostFd, source, piece, offset + done);
      if (n <= 0) return done > 0 ? done : n;
      done += n;
      this.#take(from + done);
      if (n < piece) break;
    }
    return done;
  }

  /** Bytes of the copy-out so far. */
  get put(): number {
    return this.#put;
  }

  /** A copy-out begins, `start` bytes behind the start of the data area. */
  begin(start: number): void {
    this.#start = start;
    this.#put = 0;
    this.#copied = 0;
  }

  /** True when there is room for `length` bytes more. */
  #hasRoom(length: number): boolean {
    const end = this.#put + length - RING_SIZE;
    if (this.#copied >= end) return true;
    for (let looks = 0; looks < LOOKS; looks++) {
      const copied = this.#u32[this.#word + SLOT_COPIED / 4];
      // The guest may have written anything there.
      if (copied < this.#copied || copied > this.#put) return false;
      if (copied > this.#copied) looks = 0;
      this.#copied = copied;
      if (copied >= end) return true;
    }
    return false;
  }

  #publish(length: number, spanWord: number): void {
    this.#put += length;
    this.#u32[spanWord] = this.#put;
    this.#u32[this.#word + SLOT_READY / 4] = this.#put;
  }

  /** Adds to the copy-out whose length stands at `spanWord`. Returns how much found room. */
  add(source: Uint8Array, at: number, length: number, spanWord: number): number {
    let done = 0;
    while (done < length) {
      const place = this.#put % RING_SIZE;
      const piece = nextPiece(length - done, place, COPY_PIECE, COPY_LEAST);
      if (!this.#hasRoom(piece)) break;
      this.#u8.set(source.subarray(at + done, at + done + piece), this.#data + this.#start + place);
      done += piece;
      this.#publish(piece, spanWord);
    }
    return done;
  }

  /** The same from a host fd: what it has given, or an errno. */
  addFromHost(hostFd: number, offset: number, length: number, spanWord: number): number {
    let done = 0;
    while (done < length) {
      const place = this.#put % RING_SIZE;
      // Of what has no size only one call may be made: the next one could sleep.
      const piece = offset < 0 ? Math.min(length, RING_SIZE - place) : nextPiece(length - done, place, HOST_PIECE, HOST_LEAST);
      if (!this.#hasRoom(piece)) {
        this.hasStalled = true;
        break;
      }
      const target = this.#hostBase + this.#data + this.#start + place;
      const n = offset < 0 ? hostCall3(SYS_read, hostFd, target, piece) : hostCall6(SYS_pread64, hostFd, target, piece, offset + done);
      if (n <= 0) return done > 0 ? done : n;
      done += n;
      this.#publish(n, spanWord);
      if (n < piece || offset < 0) break;
    }
    return done;
  }

  /** What of the copy-out is not in guest memory yet, in pieces: from where in it, and the bytes. */
  pending(): { from: number; bytes: Uint8Array }[] {
    const pieces: { from: number; bytes: Uint8Array }[] = [];
    const copied = Math.min(this.#put, Math.max(Atomics.load(this.#u32, this.#word + SLOT_COPIED / 4), this.#put - RING_SIZE));
    for (let from = copied; from < this.#put; ) {
      const place = from % RING_SIZE;
      const start = this.#data + this.#start + place;
      const length = Math.min(this.#put - from, RING_SIZE - place);
      pieces.push({ from, bytes: this.#u8.slice(start, start + length) });
      from += length;
    }
    return pieces;
  }

  /** The copy-out is forgotten. */
  forget(): void {
    if (this.#put > 0) Atomics.store(this.#u32, this.#word + SLOT_READY / 4, 0);
    this.#put = 0;
    this.#length = 0;
  }
}
