/** The listings of an immutable tree that are kept, by inode number, within a bound: those used longest ago go first. */
import type { Listing } from "./listing.ts";

/** Memory for listings with their attributes: those of some 200,000 files. */
const MOST_BYTES = 24 << 20;
/** One directory may take so much of it. */
const MOST_OF_ONE = MOST_BYTES / 2;

export class Listings {
  readonly #byIno = new Map<number, { readonly listing: Listing; readonly weight: number }>();
  readonly #most: number;
  #bytes = 0;

  constructor(mostBytes = MOST_BYTES) {
    this.#most = mostBytes;
  }

  get size(): number {
    return this.#byIno.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  has(ino: number): boolean {
    return this.#byIno.has(ino);
  }

  get(ino: number): Listing | null {
    return this.#byIno.get(ino)?.listing ?? null;
  }

  /** The guest uses it now: it is kept longest from here on. */
  use(ino: number): Listing | null {
    const kept = this.#byIno.get(ino);
    if (kept === undefined) return null;
    this.#drop(ino);
    this.put(ino, kept.listing);
    return kept.listing;
  }

  /** False when it is too large to be kept. */
  put(ino: number, listing: Listing): boolean {
    const { weight } = listing;
    this.#drop(ino);
    if (weight > Math.min(this.#most, MOST_OF_ONE)) return false;
    this.#byIno.set(ino, { listing, weight });
    this.#bytes += weight;
    for (const oldest of this.#byIno.keys()) {
      if (this.#bytes <= this.#most) break;
      this.#drop(oldest);
    }
    return true;
  }

  clear(): void {
    this.#byIno.clear();
    this.#bytes = 0;
  }

  #drop(ino: number): void {
    const kept = this.#byIno.get(ino);
    if (kept === undefined) return;
    this.#byIno.delete(ino);
    this.#bytes -= kept.weight;
  }
}
