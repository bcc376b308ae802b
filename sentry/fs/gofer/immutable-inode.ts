/**
 * An inode of a tree that does not change: what the gofer said once is true for ever. A
 * search path visits the same directories again and again for names that are not there, so
 * after a few misses a directory is read whole and answers from then on by itself; attributes
 * of names that are there are then fetched in growing batches.
 */
import { ATTRIBUTE_COUNT, INO, MODE, NODE } from "../../../gofer/protocol/attributes.ts";
import { MAX_STATS, stats, WALK_OPEN, walk } from "../../../gofer/protocol/messages.ts";
import { EIO, ENAMETOOLONG, ENODATA, ENOENT, ENOTDIR, EROFS, type Errno, ESTALE, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { AttributeChange } from "../../vfs/inode.ts";
import { components } from "./components.ts";
import type { GoferFilesystem } from "./filesystem.ts";
import { GoferInode } from "./inode.ts";
import type { Listing } from "./listing.ts";

/** So many questions about single names make a directory worth reading whole. */
const MISSES_BEFORE_LISTING = 3;
/** Larger listings are not kept: they are read anew by each opener. */
const MAX_KEPT_ENTRIES = 200_000;
const MAX_NEGATIVES = 1024;
const NAME_MAX = 255;

/** A string of its own: a slice would keep the whole path it came from alive. */
const ownString = (name: string): string => (name.length < 13 ? name : Buffer.from(name, "latin1").toString("latin1"));

/** What is known of a directory's names. */
class Names {
  /** null: not there. */
  readonly children = new Map<string, ImmutableInode | null>();
  negatives = 0;
  listing: Listing | null = null;
  isTooLarge = false;
  misses = 0;
  batch = 1;
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
    this.#names ??= new Names();
    const names = this.#names;
    const known = names.children.get(name);
    if (known !== undefined) return known ?? ENOENT;
    if (names.listing !== null && names.listing.indexOf(name) < 0) return ENOENT;
    return this.#lookupFar(names, name);
  }

  override lookAhead(path: string, at: number): void {
    if (!this.isDirectory) return;
    const wanted = components(path, at);
    if (wanted.length < 2) return;
    this.#names ??= new Names();
    const { children, listing } = this.#names;
    if (children.has(wanted[0]) || (listing !== null && listing.indexOf(wanted[0]) < 0)) return;
    this.#walk(wanted);
  }

  #lookupFar(names: Names, name: string): GoferInode | Errno {
    if (name.length > NAME_MAX) return ENAMETOOLONG;
    if (++names.misses >= MISSES_BEFORE_LISTING && names.listing === null && !names.isTooLarge) {
      const listing = this.listing();
      if (isErrno(listing)) return listing;
      if (listing.indexOf(name) < 0) return ENOENT;
    }
    if (names.listing !== null) return this.#fetchBatch(names, names.listing, name);
    const error = this.#walk([name]);
    return error < 0 ? (error as Errno) : (names.children.get(name) ?? ENOENT);
  }

  /** One message for components below each other; what is found and what is not goes into the tables. 0 or an errno. */
  #walk(wanted: string[]): number {
    const { fs } = this;
    const { client } = fs;
    const node = this.nodeId();
    if (node < 0) return node;
    const answer = client.call(walk, node, wanted, fs.opensAhead ? WALK_OPEN : 0);
    if (typeof answer === "number") return answer;
    const fd = client.takeFd();
    const [, error, found, target] = answer;
    let dir: ImmutableInode = this;
    let index = 0;
    for (let at = 0; at < found.length && dir.isDirectory; at += ATTRIBUTE_COUNT) {
      dir = dir.#keep(wanted[index++], found, at);
    }
    if (dir !== this && dir.isSymlink) dir.#target = target;
    if (fd >= 0) dir.takeAhead(fd);
    if (error === ENOENT && dir.isDirectory && index < wanted.length) dir.#keepMissing(wanted[index]);
    return index > 0 || error === ENOENT ? 0 : error;
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

  /** Attributes of `name` and, when the directory keeps being asked about, of the names that follow it. */
  #fetchBatch(names: Names, listing: Listing, name: string): GoferInode | Errno {
    const node = this.nodeId();
    if (node < 0) return node as Errno;
    const wanted: string[] = [];
    const first = listing.indexOf(name);
    for (let i = 0; i < listing.length && wanted.length < names.batch; i++) {
      const next = listing.names[(first + i) % listing.length];
      if (!names.children.has(next)) wanted.push(next);
    }
    names.batch = Math.min(names.batch * 2, MAX_STATS);
    const answer = this.fs.client.call(stats, node, wanted);
    if (typeof answer === "number") return answer;
    const [, rows] = answer;
    if (rows.length !== wanted.length * ATTRIBUTE_COUNT) return EIO;
    for (let i = 0; i < wanted.length; i++) {
      if (rows[i * ATTRIBUTE_COUNT + MODE] !== 0) this.#keep(wanted[i], rows, i * ATTRIBUTE_COUNT);
      else this.#keepMissing(wanted[i]);
    }
    return names.children.get(name) ?? ENOENT;
  }

  override listing(): Listing | Errno {
    this.#names ??= new Names();
    const names = this.#names;
    if (names.listing !== null) return names.listing;
    const listing = this.fetchListing();
    if (isErrno(listing)) return listing;
    if (listing.length > MAX_KEPT_ENTRIES) names.isTooLarge = true;
    else names.listing = listing;
    return listing;
  }

  override nodeId(): number {
    return this.node !== 0 ? this.node : this.#find(0);
  }

  override nodeForOpen(forReading: boolean): number {
    return this.node !== 0 ? this.node : this.#find(forReading ? WALK_OPEN : 0);
  }

  /** Has the gofer hold this inode. */
  #find(flags: number): number {
    const parent = this.#parent;
    if (parent === null) return ESTALE;
    const parentNode = parent.nodeId();
    if (parentNode < 0) return parentNode;
    const { client } = this.fs;
    const answer = client.call(walk, parentNode, [this.#name], flags);
    if (typeof answer === "number") return answer;
    const fd = client.takeFd();
    const [, error, found] = answer;
    if (fd >= 0) this.hostFiles().offer(fd);
    if (found.length !== ATTRIBUTE_COUNT) return error < 0 ? error : ESTALE;
    if (found[INO] === 0 || found[NODE] === 0) return ESTALE;
    this.node = found[NODE];
    return this.node;
  }

  override readlink(task: Task | null): string | Errno {
    if (this.#target !== null) return this.#target;
    const target = super.readlink(task);
    if (!isErrno(target)) this.#target = target;
    return target;
  }

  override getXattr(name: string): Uint8Array | Errno {
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
