/**
 * An inode of a tree that does not change: what the gofer said once is true for ever. A
 * search path visits the same directories again and again for names that are not there, so
 * after a few misses a directory is read whole (a small one comes with the first) and answers from then on by itself; attributes
 * of names that are there are then fetched in growing batches.
 */

import { ATTRIBUTE_COUNT, MODE, NODE } from "../../../gofer/protocol/attributes.ts";
import { isAbsolute, targetNames } from "../../../gofer/protocol/link-target.ts";
import { MAX_STATS, MAX_WALK, stats, WALK_LINKS, WALK_LIST, WALK_OPEN, walk } from "../../../gofer/protocol/messages.ts";
import { ROW_BYTES, unpackRow } from "../../../gofer/protocol/packed.ts";
import { isReadableXattr } from "../../../gofer/protocol/xattr.ts";
import { DT_LNK, DT_REG } from "../../../syscall-tables/flags/open.ts";
import { NAME_MAX } from "../../../syscall-tables/limits.ts";
import { EIO, ENAMETOOLONG, ENODATA, ENOENT, ENOTDIR, EROFS, type Errno, ESTALE, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { AttributeChange } from "../../vfs/inode.ts";
import { components } from "./components.ts";
import type { GoferFilesystem } from "./filesystem.ts";
import { GoferInode, type Place } from "./inode.ts";
import { Listing } from "./listing.ts";

/** So many questions about single names make a directory worth reading whole; a large one, for each further block of some 150 names, so many more. */
const MISSES_BEFORE_LISTING = 3;
const MISSES_PER_BLOCK = 4;
const DIRECTORY_BLOCK = 4096;
const MAX_NEGATIVES = 1024;
/** After so many in a row that were looked at only, a directory's files are not opened ahead any more. */
const MOST_UNUSED = 2;
/** Of a directory with so few entries all attributes are fetched at once. */
const FEW = 12;
/** Attributes asked for in batches of this size are those of a walk through everything. */
const WALKING_BATCH = 8;

/** A string of its own: a slice would keep the whole path it came from alive. */
const ownString = (name: string): string => (name.length < 13 ? name : Buffer.from(name, "latin1").toString("latin1"));

/** The row in hand. */
const row: number[] = new Array(ATTRIBUTE_COUNT).fill(0);

/** What is known of a directory's names, beside its listing. */
class Names {
  /** null: not there. */
  readonly children = new Map<string, ImmutableInode | null>();
  negatives = 0;
  isTooLarge = false;
  misses = 0;
  batch = 1;
  /** The last that was fetched to be used, and how many in a row were not. */
  lastWanted: GoferInode | null = null;
  unused = 0;
}

export class ImmutableInode extends GoferInode {
  /** The way to it for the gofer, which need not hold it before it is used. */
  readonly #parent: ImmutableInode | null;
  readonly #name: string;
  #names: Names | null = null;
  #target: string | null = null;
  #xattrs: string[] | null = null;

  constructor(fs: GoferFilesystem, rows: readonly number[], at: number, parent: GoferInode | null, name: string) {
    super(fs, rows, at);
    this.#parent = parent as ImmutableInode | null;
    this.#name = name;
  }

  override lookup(name: string, _task: Task | null): GoferInode | Errno {
    if (!this.isDirectory) return ENOTDIR;
    const known = this.#names?.children.get(name);
    if (known !== undefined) return known ?? ENOENT;
    if (name.length > NAME_MAX) return ENAMETOOLONG;
    const listing = this.fs.listings.get(this.ino);
    if (listing === null) return this.#lookupFar(name);
    const number = listing.indexOf(name);
    if (number < 0) return ENOENT;
    return this.#listed(listing, number, name) ?? this.#fetchAttributes(listing, number, name);
  }

  /** The inode of an entry whose attributes came with the listing. */
  #listed(listing: Listing, number: number, name: string): ImmutableInode | null {
    if (!listing.attributes(number, row) || row[MODE] === 0) return null;
    // No entry in a table: whoever asks again finds it by its number.
    const child = this.fs.inodeOf(row, 0, this, ownString(name)) as ImmutableInode;
    if (child.isDirectory) return child;
    this.fs.readAhead.attributesUsed();
    if (child.isSymlink) child.#target ??= listing.target(number);
    return child;
  }

  override lookAhead(path: string, at: number): void {
    if (!this.isDirectory) return;
    const wanted = components(path, at);
    if (wanted.length < 2 || (this.#names?.children.has(wanted[0]) ?? false)) return;
    const listing = this.fs.listings.get(this.ino);
    if (listing !== null) {
      const number = listing.indexOf(wanted[0]);
      if (number < 0 || this.#listed(listing, number, wanted[0]) !== null) return;
    }
    this.#walk(wanted);
  }

  #lookupFar(name: string): GoferInode | Errno {
    this.#names ??= new Names();
    const names = this.#names;
    const furtherBlocks = Math.floor(Math.max(0, this.size - 1) / DIRECTORY_BLOCK);
    if (++names.misses >= MISSES_BEFORE_LISTING + MISSES_PER_BLOCK * furtherBlocks && !names.isTooLarge) {
      const listing = this.listing();
      if (isErrno(listing)) return listing;
      const number = listing.indexOf(name);
      if (number < 0) return ENOENT;
      if (!names.isTooLarge) return this.#listed(listing, number, name) ?? this.#fetchAttributes(listing, number, name);
    }
    return this.#fetchOne(name);
  }

  /** One message for components below each other; what is found and what is not goes into the tables. 0 or an errno. */
  #walk(wanted: string[]): number {
    const { fs } = this;
    const { client } = fs;
    const node = this.nodeId();
    if (node < 0) return node;
    const flags = WALK_LINKS | WALK_LIST | (fs.opensAhead ? WALK_OPEN : 0);
    const answer = client.call(walk, node, wanted, flags, fs.root.node);
    if (typeof answer === "number") return answer;
    const fd = client.takeFd();
    const [, error, found, targets, isListed, entries, hasXattrs] = answer;
    let left = wanted;
    let index = 0;
    let links = 0;
    let dir: ImmutableInode = this;
    let last: ImmutableInode = this;
    // As the gofer has gone (server/walk.ts).
    for (let at = 0; at < found.length && index < left.length && last === dir; at += ATTRIBUTE_COUNT) {
      last = dir.#keep(left[index++], found, at);
      if (last.isDirectory) dir = last;
      if (!last.isSymlink || links >= targets.length) continue;
      const target = targets[links++];
      last.#target = target;
      const next = targetNames(target);
      if (next === null || at + ATTRIBUTE_COUNT >= found.length) continue;
      while (isAbsolute(target) && dir.#parent !== null) dir = dir.#parent;
      last = dir;
      left = [...next, ...left.slice(index)];
      index = 0;
    }
    if (fd >= 0) {
      if (hasXattrs === 0) last.#xattrs ??= [];
      last.takeAhead(fd);
    }
    if (error === ENOENT && last === dir && index < left.length) {
      if (isListed === 0 || !dir.#keepListing(entries)) dir.#keepMissing(left[index]);
    }
    return found.length > 0 || error === ENOENT ? 0 : error;
  }

  /** What came along with a walk that missed a name here. False: it is of no use. */
  #keepListing(entries: Uint8Array): boolean {
    const own = Buffer.allocUnsafeSlow(entries.length);
    own.set(entries);
    const listing = Listing.read(own, this.deviceIndex);
    return listing !== null && this.fs.listings.put(this.ino, listing);
  }

  /** `name` of this directory is what row `at` says. */
  #keep(name: string, rows: readonly number[], at: number): ImmutableInode {
    const own = ownString(name);
    const child = this.fs.inodeOf(rows, at, this, own) as ImmutableInode;
    this.#names ??= new Names();
    this.#names.children.set(own, child);
    return child;
  }

  #keepMissing(name: string): void {
    this.#names ??= new Names();
    const names = this.#names;
    if (names.negatives >= MAX_NEGATIVES || names.children.has(name)) return;
    names.negatives++;
    names.children.set(ownString(name), null);
  }

  /** In a walk, those of whole directories; otherwise a few. */
  #fetchAttributes(listing: Listing, number: number, name: string): GoferInode | Errno {
    const { readAhead, listings } = this.fs;
    if (listing.isAhead && !listing.isFull) {
      readAhead.attributesMissed();
      if (readAhead.wantsAttributes && this.#fetchAhead()) {
        const full = listings.get(this.ino);
        const found = full?.isFull ? full.indexOf(name) : -1;
        const inode = full === null || found < 0 ? null : this.#listed(full, found, name);
        if (inode !== null) return inode;
      }
    }
    this.#names ??= new Names();
    if (!this.#isWanted(listing, number)) return this.#fetchBatch(listing, number, name);
    const inode = this.#fetchOne(name);
    if (!isErrno(inode)) this.#names.lastWanted = inode;
    return inode;
  }

  /** Whether an entry is likely to be opened or followed next, as those before were, and not one of many that are looked at. */
  #isWanted(listing: Listing, number: number): boolean {
    const names = this.#names;
    if (listing.isRead || names === null) return false;
    if (names.lastWanted !== null) names.unused = names.lastWanted.isUnused ? names.unused + 1 : 0;
    names.lastWanted = null;
    const type = listing.type(number);
    return type === DT_LNK || (type === DT_REG && names.unused < MOST_UNUSED);
  }

  /** `name`, with its fd or its target. */
  #fetchOne(name: string): GoferInode | Errno {
    const error = this.#walk([name]);
    return error < 0 ? (error as Errno) : (this.#names?.children.get(name) ?? ENOENT);
  }

  /** When the guest walks through the directory above: reads on from here. False: it does not. */
  #fetchAhead(): boolean {
    const parent = this.#parent;
    const siblings = parent === null ? null : this.fs.listings.get(parent.ino);
    if (parent === null || siblings === null || !siblings.isRead || !this.fs.readAhead.isPromising()) return false;
    const place = parent.place();
    if (isErrno(place)) return false;
    this.fs.readAhead.fetch(this.fs.client, place, siblings, this.#name, this.fs.listings);
    return true;
  }

  /** Attributes of `name` and, when the directory keeps being asked about, of the names that follow it. */
  #fetchBatch(listing: Listing, number: number, name: string): GoferInode | Errno {
    this.#names ??= new Names();
    const names = this.#names;
    const place = this.place();
    if (isErrno(place)) return place;
    const wanted = [name];
    const most = listing.length <= FEW ? FEW : names.batch;
    for (let i = 1; i < listing.length && wanted.length < most; i++) {
      const next = listing.name((number + i) % listing.length);
      if (!names.children.has(next)) wanted.push(next);
    }
    if (names.batch >= WALKING_BATCH) this.fs.readAhead.attributesMissed();
    names.batch = Math.min(names.batch * 2, MAX_STATS);
    const answer = this.fs.client.call(stats, place.node, place.path, wanted);
    if (typeof answer === "number") return answer;
    const [, rows] = answer;
    if (rows.length !== wanted.length * ROW_BYTES) return EIO;
    const view = new DataView(rows.buffer, rows.byteOffset, rows.length);
    for (let i = 0; i < wanted.length; i++) {
      if (!unpackRow(view, i * ROW_BYTES, row)) return EIO;
      if (row[MODE] !== 0) this.#keep(wanted[i], row, 0);
      else this.#keepMissing(wanted[i]);
    }
    return names.children.get(name) ?? ENOENT;
  }

  override listing(): Listing | Errno {
    const { listings, readAhead } = this.fs;
    let known = listings.use(this.ino);
    if (known === null && this.#fetchAhead()) known = listings.use(this.ino);
    if (known !== null) {
      if (known.isAhead && !known.isRead) readAhead.listingUsed();
      return known;
    }
    const listing = this.fetchListing();
    if (isErrno(listing)) return listing;
    if (!listings.put(this.ino, listing)) {
      this.#names ??= new Names();
      this.#names.isTooLarge = true;
    }
    return listing;
  }

  override nodeId(): number {
    return this.node !== 0 ? this.node : this.#find(0);
  }

  override nodeForOpen(forReading: boolean): number {
    return this.node !== 0 ? this.node : this.#find(forReading ? WALK_OPEN : 0);
  }

  /** The inodes from here up to one that the gofer holds, which comes last; or an errno. */
  #chain(): ImmutableInode[] | Errno {
    const chain: ImmutableInode[] = [];
    let from: ImmutableInode = this;
    while (from.node === 0) {
      chain.push(from);
      if (from.#parent === null) return ESTALE;
      from = from.#parent;
    }
    chain.push(from);
    return chain;
  }

  protected override place(): Place | Errno {
    const chain = this.#chain();
    if (isErrno(chain)) return chain;
    const path: string[] = [];
    let { node } = chain[chain.length - 1];
    for (let i = chain.length - 2; i >= 0; i--) {
      if (path.push(chain[i].#name) < MAX_WALK) continue;
      // Too far for one message: the gofer gets a hold of the way there.
      node = chain[i].nodeId();
      if (node < 0) return node as Errno;
      path.length = 0;
    }
    return { node, path };
  }

  /** Has the gofer hold this inode, and those on the way to it. */
  #find(flags: number): number {
    const chain = this.#chain();
    if (isErrno(chain)) return chain;
    const { client } = this.fs;
    for (let to = chain.length - 1; to > 0; ) {
      const base = chain[to].node;
      const wanted: ImmutableInode[] = [];
      while (to > 0 && wanted.length < MAX_WALK) wanted.push(chain[--to]);
      const path = wanted.map((inode) => inode.#name);
      const answer = client.call(walk, base, path, to === 0 ? flags : 0, 0);
      if (typeof answer === "number") return answer;
      const fd = client.takeFd();
      const [, error, found, , , , hasXattrs] = answer;
      if (fd >= 0) {
        this.hostFiles().offer(fd);
        if (hasXattrs === 0) this.#xattrs ??= [];
      }
      if (found.length !== wanted.length * ATTRIBUTE_COUNT) return error < 0 ? error : ESTALE;
      for (const [i, inode] of wanted.entries()) {
        const node = found[i * ATTRIBUTE_COUNT + NODE];
        if (node === 0) return ESTALE;
        client.hold(node);
        inode.node = node;
      }
    }
    return this.node;
  }

  override readlink(task: Task | null): string | Errno {
    if (this.#target !== null) return this.#target;
    const target = super.readlink(task);
    if (!isErrno(target)) this.#target = target;
    return target;
  }

  override getXattr(name: string): Uint8Array | Errno {
    if (!this.hasXattrs || !isReadableXattr(name)) return ENODATA;
    const names = this.listXattr();
    if (isErrno(names)) return names;
    return names.includes(name) ? super.getXattr(name) : ENODATA;
  }

  override listXattr(): string[] | Errno {
    if (this.#xattrs !== null) return this.#xattrs;
    const names = super.listXattr();
    if (!isErrno(names)) this.#xattrs = names;
    return names;
  }

  override setAttributes(_change: AttributeChange, _task: Task | null): number {
    return EROFS;
  }
  override create(): Errno {
    return EROFS;
  }
  override symlink(): Errno {
    return EROFS;
  }
  override link(): number {
    return EROFS;
  }
  override createUnnamed(): Errno {
    return EROFS;
  }
  override unlink(): number {
    return EROFS;
  }
  override rmdir(): number {
    return EROFS;
  }
  override rename(): number {
    return EROFS;
  }
  override setXattr(): number {
    return EROFS;
  }
  override removeXattr(): number {
    return EROFS;
  }

  override contentChanged(): void {}

  protected override release(): void {
    super.release();
    this.node = 0;
    this.#names = null;
    const siblings = this.#parent === null ? null : this.#parent.#names;
    if (siblings !== null) siblings.children.delete(this.#name);
  }
}
