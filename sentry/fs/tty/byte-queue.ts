/** A bounded byte ring between the two sides of a terminal (Linux: the tty flip buffer). */
import type { Io } from "../../vfs/io.ts";

export class ByteQueue {
  readonly #bytes: Uint8Array;
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get room(): number {
    return this.#bytes.length - this.#length;
  }

  /** The caller checks `room` first. */
  push(byte: number): void {
    const capacity = this.#bytes.length;
    let at = this.#head + this.#length;
    if (at >= capacity) at -= capacity;
    this.#bytes[at] = byte;
    this.#length++;
  }

  /** Takes as much of the caller's bytes as fits: the count, or EFAULT if none could be taken. */
  fill(io: Io): number {
    let moved = 0;
    while (io.remaining > 0 && this.room > 0) {
      const capacity = this.#bytes.length;
      let at = this.#head + this.#length;
      if (at >= capacity) at -= capacity;
      const chunk = Math.min(at < this.#head ? this.#head - at : capacity - at, io.remaining, this.room);
      const n = io.take(this.#bytes, at, chunk);
      if (n < 0) return moved > 0 ? moved : n;
      this.#length += n;
      moved += n;
      if (n < chunk) break;
    }
    return moved;
  }

  /** Moves up to `limit` bytes to the caller: the count, or EFAULT if none could be moved. */
  drain(io: Io, limit: number): number {
    let moved = 0;
    while (this.#length > 0 && io.remaining > 0 && moved < limit) {
      const chunk = Math.min(this.#bytes.length - this.#head, this.#length, io.remaining, limit - moved);
      const n = io.put(this.#bytes, this.#head, chunk);
      if (n < 0) return moved > 0 ? moved : n;
      this.discard(n);
      moved += n;
      if (n < chunk) break;
    }
    return moved;
  }

  /** The first contiguous bytes; gone after the next change of the queue. */
  get front(): Uint8Array {
    return this.#bytes.subarray(this.#head, Math.min(this.#bytes.length, this.#head + this.#length));
  }

  /** Drops `count` bytes from the front. */
  discard(count: number): void {
    this.#length -= count;
    this.#head = this.#length === 0 ? 0 : (this.#head + count) % this.#bytes.length;
  }

  /** Keeps at most the first `length` bytes. */
  cut(length: number): void {
    if (this.#length > length) this.#length = length;
  }
}
