/** The pieces of an in-memory file by number. Small files have but the first, which needs no map. */

const PAGE = 4096;
export const CHUNK = 1 << 16;
const PAGES_PER_CHUNK = CHUNK / PAGE;
export const ALL_PAGES = (1 << PAGES_PER_CHUNK) - 1;
const SMALLEST = 64;

export class Chunk {
  /** Null: all zeros. The first chunk of a file may be shorter than CHUNK. Bytes beyond the file's end are zero. */
  bytes: Uint8Array | null = null;
  /** Which pages are paid for: written or allocated. */
  mask = 0;
  /** Which pages were written: to SEEK_DATA the others are holes. */
  written = 0;
}

export const bitCount = (mask: number): number => {
  let n = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) n++;
  return n;
};

/** The page bits that [from, to) of a chunk touches. */
export const pageBits = (from: number, to: number): number => {
  const first = Math.floor(from / PAGE);
  const last = Math.ceil(to / PAGE);
  return last <= first ? 0 : (ALL_PAGES >> (PAGES_PER_CHUNK - (last - first))) << first;
};

export class Chunks {
  #first: Chunk | null = null;
  #rest: Map<number, Chunk> | null = null;

  get(index: number): Chunk | null {
    if (index === 0) return this.#first;
    return this.#rest?.get(index) ?? null;
  }

  /** The chunk, made when it is missing. */
  at(index: number): Chunk {
    if (index === 0) {
      this.#first ??= new Chunk();
      return this.#first;
    }
    this.#rest ??= new Map();
    let chunk = this.#rest.get(index);
    if (chunk === undefined) {
      chunk = new Chunk();
      this.#rest.set(index, chunk);
    }
    return chunk;
  }

  delete(index: number): void {
    if (index === 0) this.#first = null;
    else this.#rest?.delete(index);
  }

  get count(): number {
    return (this.#first === null ? 0 : 1) + (this.#rest?.size ?? 0);
  }

  /** The numbers of the chunks in [from, to) that exist, in no order; chunks may be deleted meanwhile. */
  *between(from: number, to: number): Generator<number> {
    if (from <= 0 && to > 0 && this.#first !== null) yield 0;
    if (this.#rest !== null) for (const index of this.#rest.keys()) if (index >= from && index < to) yield index;
  }

  /** The first chunk from `index` on that exists, Infinity if none. */
  next(index: number): number {
    let found = Number.POSITIVE_INFINITY;
    for (const at of this.between(index, Number.POSITIVE_INFINITY)) found = Math.min(found, at);
    return found;
  }

  clear(): void {
    this.#first = null;
    this.#rest = null;
  }
}

/** The bytes of `chunk` with room for `end`: the first chunk grows by doubling, the others are whole at once. */
export const bytesFor = (chunk: Chunk, index: number, end: number): Uint8Array => {
  const { bytes } = chunk;
  if (bytes !== null && bytes.length >= end) return bytes;
  let length = CHUNK;
  if (index === 0 && end < CHUNK) {
    length = Math.max(SMALLEST, bytes?.length ?? 0);
    while (length < end) length *= 2;
  }
  const grown = new Uint8Array(length);
  if (bytes !== null) grown.set(bytes);
  chunk.bytes = grown;
  return grown;
};
