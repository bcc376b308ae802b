/**
 * Reading ahead of tree walks (find, ls -R, du, tar): a guest that has listed a directory and
 * now lists one of those in it will want the others, too, and what is below. One message
 * brings as many as fit (see `scan`), and grows as long as what it brings is used. A guest that picks
 * a few directories here and there (an interpreter that looks for modules) gets them one by one.
 */

import { MAX_SCAN, MAX_SCAN_NAMES, SCAN_FULL, scan } from "../../../gofer/protocol/messages.ts";
import {
  RECORD_DEVICE,
  RECORD_ENTRY_BYTES,
  RECORD_FLAGS,
  RECORD_FULL,
  RECORD_HEADER,
  RECORD_INO,
  RECORD_ROW_BYTES,
  RECORD_TARGET_BYTES,
} from "../../../gofer/protocol/packed.ts";
import { DT_DIR } from "../../../syscall-tables/flags/open.ts";
import type { Gofer } from "../../host/gofer-client.ts";
import type { Place } from "./inode.ts";
import { Listing } from "./listing.ts";
import type { Listings } from "./listings.ts";
import { presentIno } from "./present-ino.ts";

const FIRST_BUDGET = 16 * 1024;
/** The bytes of names that one message may take. */
const MOST_NAME_BYTES = 32 * 1024;
/** After so many small messages in a row that brought what nobody read, directories are listed by themselves: so many, and twice as many each further time. */
const USELESS = 2;
const ALONE = 8;
const MOST_DOUBLINGS = 6;
/** So many attributes of files must have come before their use is judged. */
const JUDGED = 1024;
/** So many questions about files of directories that came ahead mean that the walk looks at all of them. */
const MISSES_BEFORE_ATTRIBUTES = 4;

export class ReadAhead {
  #budget = FIRST_BUDGET;
  /** Listings that the last message brought, and how many of them were read since. */
  #brought = 0;
  #used = 0;
  #useless = 0;
  /** Directories that are still to be listed by themselves. */
  #alone = 0;
  #misses = 0;
  #attributesBrought = 0;
  #attributesUsed = 0;

  /** A listing that came ahead is read for the first time. */
  listingUsed(): void {
    this.#used++;
  }

  /** Attributes of something other than a directory were found in a listing. */
  attributesUsed(): void {
    this.#attributesUsed++;
  }

  /** Attributes had to be asked for in a directory that a walk goes through. */
  attributesMissed(): void {
    this.#misses++;
  }

  get wantsAttributes(): boolean {
    return this.#misses >= MISSES_BEFORE_ATTRIBUTES;
  }

  /** Whether the next directory is the beginning of a walk, as far as what came ahead so far tells. */
  isPromising(): boolean {
    this.#judge();
    if (this.#alone === 0) return true;
    this.#alone--;
    return false;
  }

  /** Brings `name` of the directory at `place`, whose listing is `siblings`, and more into `kept`. */
  fetch(client: Gofer, place: Place, siblings: Listing, name: string, kept: Listings): void {
    const names = this.#wanted(siblings, name, kept);
    const answer = client.call(scan, place.node, place.path, names, this.#budget, this.wantsAttributes ? SCAN_FULL : 0);
    if (typeof answer !== "number") this.#keep(answer[1], kept);
  }

  #judge(): void {
    if (this.#brought > 0) {
      const isUseful = this.#used * 2 >= this.#brought;
      this.#useless = isUseful ? 0 : this.#useless + (this.#budget === FIRST_BUDGET ? 1 : 0);
      if (!isUseful && this.#useless >= USELESS) this.#alone = ALONE << Math.min(this.#useless - USELESS, MOST_DOUBLINGS);
      const factor = isUseful ? 2 : 0.5;
      this.#budget = Math.min(Math.max(this.#budget * factor, FIRST_BUDGET), MAX_SCAN);
    }
    if (this.#attributesBrought > JUDGED) {
      if (this.#attributesUsed * 4 < this.#attributesBrought) this.#misses = 0;
      this.#attributesBrought = 0;
      this.#attributesUsed = 0;
    }
    this.#brought = 0;
    this.#used = 0;
  }

  #isEnough(listing: Listing | null, isFull: boolean): boolean {
    return listing !== null && (listing.isFull || !isFull);
  }

  /** `first` and the directories beside it of which less is known, in the order in which they are listed from there on. */
  #wanted(siblings: Listing, first: string, kept: Listings): string[] {
    const names = [first];
    let bytes = first.length;
    const start = siblings.indexOf(first);
    for (let i = 1; i < siblings.length && names.length < MAX_SCAN_NAMES && bytes < MOST_NAME_BYTES; i++) {
      const number = (start + i) % siblings.length;
      if (siblings.type(number) !== DT_DIR || this.#isEnough(kept.get(siblings.ino(number)), this.wantsAttributes)) continue;
      const name = siblings.name(number);
      names.push(name);
      bytes += name.length;
    }
    return names;
  }

  /** Takes over the records that make sense and tell more than what is known. */
  #keep(bytes: Uint8Array, kept: Listings): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + RECORD_HEADER <= bytes.length; ) {
      const entryBytes = view.getUint32(at + RECORD_ENTRY_BYTES, true);
      const rowBytes = view.getUint32(at + RECORD_ROW_BYTES, true);
      const length = entryBytes + rowBytes + view.getUint32(at + RECORD_TARGET_BYTES, true);
      const start = at + RECORD_HEADER;
      if (length > bytes.length - start) return;
      const device = view.getUint16(at + RECORD_DEVICE, true);
      const isFull = (view.getUint16(at + RECORD_FLAGS, true) & RECORD_FULL) !== 0;
      const ino = presentIno(device, view.getFloat64(at + RECORD_INO, true));
      at = start + length;
      const known = kept.get(ino);
      if (!Number.isSafeInteger(ino) || this.#isEnough(known, isFull)) continue;
      const own = Buffer.allocUnsafeSlow(length);
      own.set(bytes.subarray(start, at));
      const listing = Listing.scanned(own, entryBytes, rowBytes, device, isFull);
      if (listing === null || !kept.put(ino, listing)) continue;
      listing.isRead = known?.isRead ?? false;
      if (!listing.isRead) this.#brought++;
      if (isFull) this.#attributesBrought += listing.length;
    }
  }
}
