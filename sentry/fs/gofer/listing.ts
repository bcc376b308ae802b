/**
 * What a directory held when it was read, as the gofer packed it: most entries are never looked
 * at one by one. Its bytes are checked once, on arrival; attributes when they are used.
 */

import { D_INO, D_NAME, D_OFF, D_RECLEN, D_TYPE, NO_TARGET, ROW_BYTES, unpackRow } from "../../../gofer/protocol/packed.ts";
import { DT_DIR, DT_LNK, DT_UNKNOWN } from "../../../syscall-tables/flags/open.ts";
import { NAME_MAX, TWO_32 } from "../../../syscall-tables/limits.ts";
import type { DirentSink } from "../../vfs/inode.ts";
import { presentIno } from "./present-ino.ts";

/** "." and "..", which the listing leaves out but positions count. */
export const DOTS = 2;
const SLASH = 47;
const DOT = 46;
const TWO_21 = 2 ** 21;
/** What an index of names takes, about, for each. */
const INDEX_BYTES = 96;

/**
 * Checks entries and makes their inode numbers and positions those that the guest sees, in place.
 * Their number, or -1 when these are none.
 */
const adoptEntries = (bytes: Buffer, length: number, deviceIndex: number): number => {
  let count = 0;
  for (let at = 0; at < length; count++) {
    if (at + D_NAME + 2 > length) return -1;
    const next = at + bytes.readUInt16LE(at + D_RECLEN);
    if (next > length || next % 8 !== 0 || next < at + D_NAME + 2) return -1;
    let end = at + D_NAME;
    for (; end < next && bytes[end] !== 0; end++) if (bytes[end] === SLASH) return -1;
    const nameLength = end - at - D_NAME;
    if (end === next || nameLength === 0 || nameLength > NAME_MAX) return -1;
    if (bytes[at + D_NAME] === DOT && (nameLength === 1 || (nameLength === 2 && bytes[at + D_NAME + 1] === DOT))) return -1;
    const high = bytes.readUInt32LE(at + D_INO + 4);
    if (high >= TWO_21) return -1;
    if (deviceIndex !== 0) {
      const ino = presentIno(deviceIndex, high * TWO_32 + bytes.readUInt32LE(at + D_INO));
      bytes.writeUInt32LE(ino % TWO_32, at + D_INO);
      bytes.writeUInt32LE(Math.floor(ino / TWO_32), at + D_INO + 4);
    }
    bytes.writeUInt32LE(count + DOTS + 1, at + D_OFF);
    bytes.writeUInt32LE(0, at + D_OFF + 4);
    // What is behind the name goes to the guest: nothing of the gofer's.
    if (end + 1 < next) bytes.fill(0, end + 1, next);
    at = next;
  }
  return count;
};

export class Listing {
  /** How many entries. */
  readonly length: number;
  /** The guest has read it, so that it may go on to what is below. */
  isRead = false;
  /** It came before anybody asked for it. */
  readonly isAhead: boolean;
  /** Entries, then rows, then link targets. */
  readonly #bytes: Buffer;
  readonly #entryEnd: number;
  readonly #rowEnd: number;
  /** All entries have a row; otherwise only those that may be directories. */
  readonly #isFull: boolean;
  /** By name: the entry's place in `#bytes` and its number. */
  #index: Map<string, number> | null = null;
  /** By number: the place of its row. */
  #rows: Int32Array | null = null;
  #offsets: Int32Array | null = null;
  #targets: Int32Array | null = null;
  #view: DataView | null = null;

  private constructor(bytes: Buffer, length: number, entryEnd: number, rowEnd: number, isFull: boolean, isAhead: boolean) {
    this.#bytes = bytes;
    this.length = length;
    this.#entryEnd = entryEnd;
    this.#rowEnd = rowEnd;
    this.#isFull = isFull;
    this.isAhead = isAhead;
  }

  /** From what `readdir` brought, piece by piece; null when that is nonsense. The bytes are the listing's from now on. */
  static read(bytes: Buffer, deviceIndex: number): Listing | null {
    const count = adoptEntries(bytes, bytes.length, deviceIndex);
    return count < 0 ? null : new Listing(bytes, count, bytes.length, bytes.length, false, false);
  }

  /** From a record of `scan`: entries, rows and targets, whose lengths are `entryBytes` and `rowBytes` and what is left. */
  static scanned(bytes: Buffer, entryBytes: number, rowBytes: number, deviceIndex: number, isFull: boolean): Listing | null {
    const count = adoptEntries(bytes, entryBytes, deviceIndex);
    return count < 0 ? null : new Listing(bytes, count, entryBytes, entryBytes + rowBytes, isFull, true);
  }

  /** How much memory it takes, about. */
  get weight(): number {
    return this.#bytes.length + 256 + (this.#index === null ? 0 : this.length * INDEX_BYTES);
  }

  /** Whether attributes of entries other than directories came along. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** The number of entry `name`, or -1. */
  indexOf(name: string): number {
    this.#index ??= this.#makeIndex();
    return this.#index.get(name) ?? -1;
  }

  #makeIndex(): Map<string, number> {
    const bytes = this.#bytes;
    const index = new Map<string, number>();
    this.#offsets = new Int32Array(this.length);
    let number = 0;
    for (let at = 0; at < this.#entryEnd; at += bytes.readUInt16LE(at + D_RECLEN)) {
      this.#offsets[number] = at;
      index.set(this.#nameAt(at), number++);
    }
    return index;
  }

  #nameAt(at: number): string {
    return this.#bytes.toString("latin1", at + D_NAME, this.#bytes.indexOf(0, at + D_NAME));
  }

  #offset(number: number): number {
    if (this.#offsets === null) this.#index = this.#makeIndex();
    return (this.#offsets as unknown as Int32Array)[number];
  }

  name(number: number): string {
    return this.#nameAt(this.#offset(number));
  }

  ino(number: number): number {
    const at = this.#offset(number);
    return this.#bytes.readUInt32LE(at + D_INO + 4) * TWO_32 + this.#bytes.readUInt32LE(at + D_INO);
  }

  /** DT_* of <dirent.h>. */
  type(number: number): number {
    return this.#bytes[this.#offset(number) + D_TYPE];
  }

  #hasRow(type: number): boolean {
    return this.#isFull || type === DT_DIR || type === DT_UNKNOWN;
  }

  /** The attributes of an entry into `row`; false when the gofer sent none, or none that are any good. */
  attributes(number: number, row: number[]): boolean {
    if (this.#rowEnd === this.#entryEnd) return false;
    const type = this.type(number);
    if (!this.#hasRow(type)) return false;
    let rank = number;
    if (!this.#isFull) {
      this.#rows ??= this.#rankRows();
      rank = this.#rows[number];
    }
    const at = this.#entryEnd + rank * ROW_BYTES;
    if (at + ROW_BYTES > this.#rowEnd) return false;
    const bytes = this.#bytes;
    this.#view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return unpackRow(this.#view, at, row);
  }

  #rankRows(): Int32Array {
    const ranks = new Int32Array(this.length);
    for (let i = 0, rank = 0; i < this.length; i++) if (this.#hasRow(this.type(i))) ranks[i] = rank++;
    return ranks;
  }

  /** The target of link `number`, or null when it did not come along. */
  target(number: number): string | null {
    if (!this.#isFull || this.type(number) !== DT_LNK) return null;
    this.#targets ??= this.#placeTargets();
    const bytes = this.#bytes;
    const at = this.#targets[number];
    if (at + 2 > bytes.length) return null;
    const length = bytes.readUInt16LE(at);
    if (length === NO_TARGET || length === 0 || at + 2 + length > bytes.length) return null;
    const target = bytes.toString("latin1", at + 2, at + 2 + length);
    return target.includes("\0") ? null : target;
  }

  #placeTargets(): Int32Array {
    const places = new Int32Array(this.length);
    const bytes = this.#bytes;
    let at = this.#rowEnd;
    for (let i = 0; i < this.length; i++) {
      if (this.type(i) !== DT_LNK) continue;
      places[i] = at;
      if (at + 2 > bytes.length) continue;
      const length = bytes.readUInt16LE(at);
      at += 2 + (length === NO_TARGET ? 0 : length);
    }
    return places;
  }

  /** Gives entries to `sink` from `position` on: the position it got to. */
  emit(sink: DirentSink, position: number): number {
    const bytes = this.#bytes;
    let at = this.#seek(position);
    if (sink.addPacked !== undefined && at < this.#entryEnd) {
      at = sink.addPacked(bytes, at, this.#entryEnd);
      return at < this.#entryEnd ? bytes.readUInt32LE(at + D_OFF) - 1 : this.length + DOTS;
    }
    while (at < this.#entryEnd) {
      const next = bytes.readUInt32LE(at + D_OFF);
      const ino = bytes.readUInt32LE(at + D_INO + 4) * TWO_32 + bytes.readUInt32LE(at + D_INO);
      if (!sink.add(this.#nameAt(at), ino, bytes[at + D_TYPE] << 12, next)) return next - 1;
      at += bytes.readUInt16LE(at + D_RECLEN);
    }
    return Math.max(position, this.length + DOTS);
  }

  /** Where the entry at `position` stands in `#bytes`. */
  #seek(position: number): number {
    const number = position - DOTS;
    if (number >= this.length) return this.#entryEnd;
    if (number === 0) return 0;
    return this.#offset(number);
  }
}
