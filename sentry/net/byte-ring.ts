/**
 * The bytes of a stream between two sockets: one array that grows with use up to what the
 * socket buffers allow, and starts over at its first byte whenever it runs empty, so that
 * small exchanges stay in the cache. Positions count from the beginning of the stream.
 */
import { EFAULT } from "../abi/errno.ts";
import type { Io } from "../vfs/io.ts";

const FIRST_BYTES = 8192;
/** An empty ring keeps at most this much memory. */
const KEPT_BYTES = 1 << 20;
const NOTHING = new Uint8Array(0);

export class ByteRing {
  /** Bytes held. */
  length = 0;
  /** Position of the next byte to be read. */
  head = 0;
  #bytes = NOTHING;
  #first = 0;

  /** Position after the last byte. */
  get tail(): number {
    return this.head + this.length;
  }

  /** Takes up to `max` bytes of `io`: the bytes taken, or EFAULT. */
  fill(io: Io, max: number): number {
    const wanted = Math.min(io.remaining, max);
    if (this.length + wanted > this.#bytes.length) this.#grow(this.length + wanted);
    const bytes = this.#bytes;
    const size = bytes.length;
    let done = 0;
    while (done < wanted) {
      let at = this.#first + this.length;
      if (at >= size) at -= size;
      const run = Math.min(wanted - done, size - at);
      // As with a packet of Linux: of a piece that meets bad memory nothing counts.
      if (io.take(bytes, at, run) !== run) return done > 0 ? done : EFAULT;
      this.length += run;
      done += run;
    }
    return done;
  }

  /** Moves up to `max` bytes to `io`: the bytes moved, or EFAULT. */
  drain(io: Io, max: number): number {
    const moved = this.peek(io, 0, max);
    if (moved > 0) this.skip(moved);
    return moved;
  }

  /** Copies up to `max` bytes that lie `offset` bytes behind the head. */
  peek(io: Io, offset: number, max: number): number {
    const wanted = Math.min(io.remaining, max, this.length - offset);
    const size = this.#bytes.length;
    let done = 0;
    while (done < wanted) {
      let at = this.#first + offset + done;
      if (at >= size) at -= size;
      const run = Math.min(wanted - done, size - at);
      if (io.put(this.#bytes, at, run) !== run) return done > 0 ? done : EFAULT;
      done += run;
    }
    return done;
  }

  /** The byte at `offset` behind the head. */
  byteAt(offset: number): number {
    return this.#bytes[(this.#first + offset) % this.#bytes.length];
  }

  /** Drops `count` bytes at the head. */
  skip(count: number): void {
    this.head += count;
    this.length -= count;
    if (this.length === 0) {
      this.#first = 0;
      if (this.#bytes.length > KEPT_BYTES) this.#bytes = NOTHING;
      return;
    }
    this.#first += count;
    if (this.#first >= this.#bytes.length) this.#first -= this.#bytes.length;
  }

  clear(): void {
    this.head += this.length;
    this.length = 0;
    this.#first = 0;
    this.#bytes = NOTHING;
  }

  #grow(needed: number): void {
    let size = Math.max(FIRST_BYTES, this.#bytes.length);
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    const run = Math.min(this.length, this.#bytes.length - this.#first);
    grown.set(this.#bytes.subarray(this.#first, this.#first + run));
    if (run < this.length) grown.set(this.#bytes.subarray(0, this.length - run), run);
    this.#bytes = grown;
    this.#first = 0;
  }
}
