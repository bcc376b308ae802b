/**
 * The bytes of an in-memory file: chunks on the JS heap (no host call per read or write)
 * until the file is mapped; then a memfd, whose pages guests map, holds them.
 */
import { EFBIG, ENOSPC, ENXIO, type Errno } from "../../abi/errno.ts";
import type { Io } from "../io.ts";
import { kernelIo } from "../user-io.ts";
import { ALL_PAGES, bitCount, bytesFor, CHUNK, Chunks, pageBits } from "./chunks.ts";
import { HostFile } from "./host-file.ts";
import type { PageBudget } from "./page-budget.ts";

const PAGE = 4096;
/** fallocate(2) beyond it fails even without a limit: the list of pages alone would fill the heap. */
const MAX_ALLOCATED_PAGES = 2 ** 24;

export class MemoryData {
  readonly #budget: PageBudget;
  readonly #chunks = new Chunks();
  #pages = 0;
  #host: HostFile | null = null;
  size = 0;

  constructor(budget: PageBudget) {
    this.#budget = budget;
  }

  /** Pages in use. */
  get pages(): number {
    if (this.#host !== null) this.#account(this.#host.pages());
    return this.#pages;
  }

  #account(pages: number): void {
    this.#budget.used += pages - this.#pages;
    this.#pages = pages;
  }

  /** Reads at `offset` up to the file's end. */
  read(io: Io, offset: number): number {
    const end = Math.min(this.size, offset + io.remaining);
    if (offset >= end) return 0;
    if (this.#host !== null) return io.putFromHost(this.#host.fd, offset, end - offset);
    let at = offset;
    while (at < end) {
      const index = Math.floor(at / CHUNK);
      const from = at - index * CHUNK;
      const length = Math.min(CHUNK - from, end - at);
      const n = readChunk(io, this.#chunks.get(index)?.bytes ?? null, from, length);
      if (n < 0) return at > offset ? at - offset : n;
      at += n;
      if (n < length) break;
    }
    return at - offset;
  }

  /** Writes all of `io` at `offset`, growing the file. Bytes, or an errno when none could be written. */
  write(io: Io, offset: number): number {
    if (this.#host !== null) return this.#writeHost(this.#host, io, offset);
    let at = offset;
    const end = offset + io.remaining;
    while (at < end) {
      const index = Math.floor(at / CHUNK);
      const from = at - index * CHUNK;
      const wanted = Math.min(CHUNK - from, end - at);
      const length = this.#reserve(index, from, wanted);
      if (length === 0) return at > offset ? at - offset : ENOSPC;
      const chunk = this.#chunks.at(index);
      chunk.written |= pageBits(from, from + length);
      const n = io.take(bytesFor(chunk, index, from + length), from, length);
      if (n < 0) return at > offset ? at - offset : n;
      at += n;
      if (at > this.size) this.size = at;
      if (n < wanted) break;
    }
    return at - offset;
  }

  #writeHost(host: HostFile, io: Io, offset: number): number {
    if (this.#budget.isLimited && this.#budget.room(1) === 0) {
      this.#account(host.pages());
      if (this.#budget.room(1) === 0) return ENOSPC;
    }
    const n = io.takeToHost(host.fd, offset, io.remaining);
    if (n > 0 && offset + n > this.size) this.size = offset + n;
    if (this.#budget.isLimited) this.#account(host.pages());
    return n;
  }

  /** Charges the pages of a write; how many bytes of it fit. */
  #reserve(index: number, from: number, length: number): number {
    const have = this.#chunks.get(index)?.mask ?? 0;
    const fresh = pageBits(from, from + length) & ~have;
    if (fresh === 0) return length;
    const count = bitCount(fresh);
    if (this.#budget.room(count) === count) {
      this.#chunks.at(index).mask = have | fresh;
      this.#account(this.#pages + count);
      return length;
    }
    // Page by page until the filesystem is full.
    let fitting = 0;
    while (fitting < length) {
      const step = Math.min(PAGE - ((from + fitting) % PAGE), length - fitting);
      const bit = pageBits(from + fitting, from + fitting + step);
      if (((this.#chunks.get(index)?.mask ?? 0) & bit) === 0) {
        if (this.#budget.room(1) === 0) break;
        this.#chunks.at(index).mask |= bit;
        this.#account(this.#pages + 1);
      }
      fitting += step;
    }
    return fitting;
  }

  /** ftruncate(2). */
  truncate(length: number): number {
    if (this.#host !== null) {
      if (this.#host.truncate(length) < 0) return EFBIG;
      this.#account(this.#host.pages());
    } else if (length < this.size) {
      const last = Math.floor(length / CHUNK);
      this.#clear(length, (last + 1) * CHUNK);
      for (const index of this.#chunks.between(last + 1, Number.POSITIVE_INFINITY)) this.#drop(index);
    }
    this.size = length;
    return 0;
  }

  #drop(index: number): void {
    this.#account(this.#pages - bitCount(this.#chunks.get(index)?.mask ?? 0));
    this.#chunks.delete(index);
  }

  /** Zeroes [from, to) where chunks are; whole pages become holes. */
  #clear(from: number, to: number): void {
    for (const index of this.#chunks.between(Math.floor(from / CHUNK), Math.ceil(to / CHUNK))) {
      const chunk = this.#chunks.at(index);
      const start = Math.max(0, from - index * CHUNK);
      const end = Math.min(CHUNK, to - index * CHUNK);
      chunk.bytes?.fill(0, start, end);
      const gone = chunk.mask & pageBits(Math.ceil(start / PAGE) * PAGE, Math.floor(end / PAGE) * PAGE);
      this.#account(this.#pages - bitCount(gone));
      chunk.mask &= ~gone;
      chunk.written &= ~gone;
      if (chunk.mask === 0) this.#chunks.delete(index);
    }
  }

  /** FALLOC_FL_PUNCH_HOLE; the size stays. */
  punch(offset: number, length: number): number {
    const end = Math.min(offset + length, Math.ceil(this.size / PAGE) * PAGE);
    if (offset >= end) return 0;
    if (this.#host === null) {
      this.#clear(offset, end);
      return 0;
    }
    const error = this.#host.punch(offset, end - offset);
    this.#account(this.#host.pages());
    return error;
  }

  /** fallocate(2): the pages are there afterwards, all or none; the size stays. */
  allocate(offset: number, length: number): number {
    const end = offset + length;
    if (this.#host !== null) {
      const count = Math.ceil(end / PAGE) - Math.floor(offset / PAGE);
      if (this.#budget.room(count) < count) return ENOSPC;
      const error = this.#host.allocate(offset, length);
      this.#account(this.#host.pages());
      return error;
    }
    if (length / PAGE > Math.min(MAX_ALLOCATED_PAGES, this.#budget.limit + 1)) return ENOSPC;
    const first = Math.floor(offset / CHUNK);
    const last = Math.ceil(end / CHUNK);
    let needed = 0;
    for (let index = first; index < last; index++) needed += bitCount(this.#missing(index, offset, end));
    if (this.#budget.room(needed) < needed) return ENOSPC;
    for (let index = first; index < last; index++) {
      const missing = this.#missing(index, offset, end);
      if (missing !== 0) this.#chunks.at(index).mask |= missing;
    }
    this.#account(this.#pages + needed);
    return 0;
  }

  #missing(index: number, from: number, to: number): number {
    const base = index * CHUNK;
    const bits = pageBits(Math.max(0, from - base), Math.min(CHUNK, to - base));
    return bits & ~(this.#chunks.get(index)?.mask ?? 0);
  }

  /** SEEK_DATA (`wantsData`) or SEEK_HOLE from `offset`, page-grained. */
  seekData(offset: number, wantsData: boolean): number {
    if (offset >= this.size) return ENXIO;
    if (this.#host !== null) return this.#host.seekData(offset, wantsData);
    let at = offset;
    while (at < this.size) {
      const index = Math.floor(at / CHUNK);
      const mask = this.#chunks.get(index)?.written ?? 0;
      const page = Math.floor((at - index * CHUNK) / PAGE);
      if (((mask >> page) & 1) === (wantsData ? 1 : 0)) return at;
      if (mask === 0) at = this.#chunks.next(index + 1) * CHUNK;
      else if (mask === ALL_PAGES) at = (index + 1) * CHUNK;
      else at = (Math.floor(at / PAGE) + 1) * PAGE;
    }
    return wantsData ? ENXIO : this.size;
  }

  /** The memfd that holds the data, if one does yet. */
  get madeHostFile(): HostFile | null {
    return this.#host;
  }

  /** The memfd that holds the data from now on. */
  hostFile(name: string): HostFile | Errno {
    if (this.#host !== null) return this.#host;
    const host = HostFile.create(name);
    if (!(host instanceof HostFile)) return host;
    if (host.truncate(this.size) < 0) {
      host.close();
      return ENOSPC;
    }
    for (const index of this.#chunks.between(0, Number.POSITIVE_INFINITY)) {
      const { bytes, mask } = this.#chunks.at(index);
      const length = Math.min(bytes?.length ?? 0, this.size - index * CHUNK);
      // Page by page only where a hole must stay one.
      const step = mask === ALL_PAGES ? CHUNK : PAGE;
      for (let at = 0; bytes !== null && at < length; at += step) {
        const count = Math.min(step, length - at);
        if ((mask & pageBits(at, at + count)) !== 0) kernelIo(bytes, at, count).takeToHost(host.fd, index * CHUNK + at, count);
      }
    }
    this.#chunks.clear();
    this.#host = host;
    this.#account(host.pages());
    return host;
  }

  /** The file is gone. */
  release(): void {
    this.#chunks.clear();
    this.#host?.close();
    this.#host = null;
    this.#account(0);
    this.size = 0;
  }
}

/** `length` bytes of a chunk from `from` on; what it does not hold is zero. */
const readChunk = (io: Io, bytes: Uint8Array | null, from: number, length: number): number => {
  const stored = bytes === null ? 0 : Math.min(length, Math.max(0, bytes.length - from));
  let done = 0;
  if (bytes !== null && stored > 0) {
    done = io.put(bytes, from, stored);
    if (done < stored) return done;
  }
  if (stored === length) return done;
  const zeros = io.putZeros(length - stored);
  return zeros < 0 ? (done > 0 ? done : zeros) : done + zeros;
};
