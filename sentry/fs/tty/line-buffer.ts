/**
 * The input that a terminal's readers see (n_tty's read_buf): 4096 bytes, of which those
 * before `canonHead` are complete lines in canonical mode. A line end is a marked
 * position, because the same byte inside a line (after VLNEXT) ends nothing; a marked
 * VDISABLE byte is an end-of-file that readers do not see.
 */
import { EFAULT } from "../../abi/errno.ts";
import type { Io } from "../../vfs/io.ts";
import { VDISABLE } from "./termios.ts";

/** N_TTY_BUF_SIZE: termios(3) promises a maximum line of 4096 including the newline. */
export const LINE_BUFFER_SIZE = 4096;
const MASK = LINE_BUFFER_SIZE - 1;

export class LineBuffer {
  readonly #bytes = new Uint8Array(LINE_BUFFER_SIZE);
  readonly #lineEnds = new Uint8Array(LINE_BUFFER_SIZE);
  /** Ever-growing counts; positions are these modulo the size. */
  head = 0;
  tail = 0;
  canonHead = 0;

  get length(): number {
    return this.head - this.tail;
  }

  get hasLine(): boolean {
    return this.canonHead !== this.tail;
  }

  /** The byte at a count between `tail` and `head`. */
  at(count: number): number {
    return this.#bytes[count & MASK];
  }

  put(byte: number): void {
    this.#bytes[this.head++ & MASK] = byte;
  }

  putLineEnd(byte: number): void {
    this.#lineEnds[this.head & MASK] = 1;
    this.put(byte);
    this.canonHead = this.head;
  }

  /** Bulk input without processing. */
  putAll(source: Uint8Array, from: number, count: number): void {
    for (let i = 0; i < count; i++) this.#bytes[(this.head + i) & MASK] = source[from + i];
    this.head += count;
  }

  clear(): void {
    this.head = this.tail = this.canonHead = 0;
    this.#lineEnds.fill(0);
  }

  /** ICANON went on or off: what was typed before becomes one finished line, or plain bytes. */
  changeMode(isCanonical: boolean): void {
    this.#lineEnds.fill(0);
    if (isCanonical && this.length > 0) {
      this.#lineEnds[(this.head - 1) & MASK] = 1;
      this.canonHead = this.head;
    } else {
      this.canonHead = this.tail;
    }
  }

  /** FIONREAD in canonical mode: complete lines without the end-of-file marks. */
  get canonicalLength(): number {
    let count = this.canonHead - this.tail;
    for (let i = this.tail; i < this.canonHead; i++) {
      if (this.#lineEnds[i & MASK] === 1 && this.#bytes[i & MASK] === VDISABLE) count--;
    }
    return count;
  }

  /** One line, or the part of it that fits. The caller has checked `hasLine`. */
  readLine(io: Io): number {
    const limit = Math.min(io.remaining, this.canonHead - this.tail);
    let count = 0;
    let isEnded = false;
    while (count < limit && !isEnded) isEnded = this.#lineEnds[(this.tail + count++) & MASK] === 1;
    const isEof = isEnded && this.at(this.tail + count - 1) === VDISABLE;
    const moved = this.#copy(io, isEof ? count - 1 : count);
    if (moved < 0) return moved;
    const isWhole = moved === (isEof ? count - 1 : count);
    if (!isWhole) {
      this.tail += moved;
      return moved;
    }
    if (isEnded) this.#lineEnds[(this.tail + count - 1) & MASK] = 0;
    this.tail += count;
    if (!isEnded) this.#skipEof();
    return moved;
  }

  /** A read that ends right before an end-of-file mark consumes it (canon_skip_eof). */
  #skipEof(): void {
    const at = this.tail & MASK;
    if (!this.hasLine || this.#lineEnds[at] === 0 || this.#bytes[at] !== VDISABLE) return;
    this.#lineEnds[at] = 0;
    this.tail++;
  }

  /** Whatever is there. */
  readBytes(io: Io): number {
    const moved = this.#copy(io, Math.min(io.remaining, this.length));
    if (moved < 0) return moved;
    this.tail += moved;
    if (this.canonHead < this.tail) this.canonHead = this.tail;
    return moved;
  }

  #copy(io: Io, count: number): number {
    let moved = 0;
    while (moved < count) {
      const at = (this.tail + moved) & MASK;
      const chunk = Math.min(count - moved, LINE_BUFFER_SIZE - at);
      const n = io.put(this.#bytes, at, chunk);
      if (n < 0) return moved > 0 ? moved : EFAULT;
      moved += n;
      if (n < chunk) break;
    }
    return moved;
  }
}
