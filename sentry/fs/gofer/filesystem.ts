/**
 * A tree of host files. An immutable one never changes while the sandbox runs: whatever was
 * learned of it is kept for ever. A shared one may change at any time from outside: names and
 * attributes are asked for again, and every change goes straight to the host.
 */
import { ATTRIBUTE_COUNT, DEVICE, INO, NODE } from "../../../gofer/protocol/attributes.ts";
import { attach, MAX_WALK, statfs, walk } from "../../../gofer/protocol/messages.ts";
import { EIO, type Errno, isErrno } from "../../abi/errno.ts";
import type { Gofer } from "../../host/gofer-client.ts";
import { Filesystem, type FilesystemStatistics } from "../../vfs/filesystem.ts";
import { type HostFiles, IdleFiles } from "./host-files.ts";
import { ImmutableInode } from "./immutable-inode.ts";
import type { GoferInode } from "./inode.ts";
import { Listings } from "./listings.ts";
import { presentIno } from "./present-ino.ts";
import { ReadAhead } from "./read-ahead.ts";
import { SharedInode } from "./shared-inode.ts";
import { SmallReads } from "./small-reads.ts";

/** How the mount tables show a tree. */
export interface ShownAs {
  readonly type: string;
  /** The path of its root within the host's filesystem. */
  readonly root: string;
  readonly options: string;
}

export interface GoferOptions {
  readonly isImmutable: boolean;
  /** Components below the tree's root: a mount of its own inside the tree. */
  readonly path?: readonly string[];
  readonly shown?: ShownAs;
  /** The host may mount and unmount file systems in it. */
  readonly listens?: boolean;
  /** How many files nobody has open may keep their host fd. */
  readonly idleFiles?: number;
  /** Bytes that listings may take. */
  readonly listingBytes?: number;
}

const IDLE_FILES = 1024;

/** The row of what stands at `path` below `root`. */
const descend = (client: Gofer, root: readonly number[], path: readonly string[]): readonly number[] | Errno => {
  let row = root;
  for (let at = 0; at < path.length; at += MAX_WALK) {
    const names = path.slice(at, at + MAX_WALK);
    const answer = client.call(walk, row[NODE], names, 0, 0);
    if (typeof answer === "number") return answer;
    const [, error, found] = answer;
    if (found.length !== names.length * ATTRIBUTE_COUNT) return (error < 0 ? error : EIO) as Errno;
    row = found.slice(-ATTRIBUTE_COUNT);
  }
  return row;
};

export class GoferFilesystem extends Filesystem {
  readonly type: string;
  override readonly rootName: string;
  readonly #shownOptions: string;
  override readonly isVolatile: boolean;
  override readonly keepsAttributes: boolean = true;
  readonly client: Gofer;
  readonly isImmutable: boolean;
  readonly listens: boolean;
  readonly idleFiles: IdleFiles;
  readonly root: GoferInode;
  /** Immutable trees only. */
  readonly listings: Listings;
  readonly readAhead = new ReadAhead();
  readonly smallReads = new SmallReads();
  /** By inode number as the guest sees it: hard links are one inode. */
  readonly #inodes = new Map<number, GoferInode>();
  #newest: HostFiles | null = null;
  /** Files opened along with their walk, and how many of those were then opened: see `opensAhead`. */
  openedAhead = 0;
  usedAhead = 0;

  /** The gofer's tree number `tree`, or why it cannot be had. */
  static attach(client: Gofer, tree: number, device: number, options: GoferOptions): GoferFilesystem | Errno {
    const answer = client.call(attach, tree);
    if (typeof answer === "number") return answer;
    const [, root] = answer;
    if (root.length !== ATTRIBUTE_COUNT) return EIO;
    const below = descend(client, root, options.path ?? []);
    return isErrno(below) ? below : new GoferFilesystem(client, below, device, options);
  }

  private constructor(client: Gofer, root: readonly number[], device: number, options: GoferOptions) {
    super(device);
    this.client = client;
    const { type, root: rootName, options: shown } = options.shown ?? { type: "gofer", root: "", options: "" };
    this.type = type;
    this.rootName = rootName === "/" ? "" : rootName;
    this.#shownOptions = shown;
    this.isImmutable = options.isImmutable;
    this.listens = options.listens ?? false;
    this.isVolatile = !options.isImmutable;
    this.isReadOnly = options.isImmutable;
    this.idleFiles = new IdleFiles(options.idleFiles ?? IDLE_FILES);
    this.listings = new Listings(options.listingBytes);
    this.root = this.inodeOf(root, 0, null, "");
  }

  /** The inode of a row of attributes; what was known of it before is brought up to date. */
  inodeOf(rows: readonly number[], at: number, parent: GoferInode | null, name: string): GoferInode {
    const ino = presentIno(rows[at + DEVICE], rows[at + INO]);
    const node = rows[at + NODE];
    this.client.hold(node);
    const known = this.#inodes.get(ino);
    if (known !== undefined && (known.node === node || known.node === 0 || node === 0)) {
      if (known.node === 0) known.node = node;
      if (!this.isImmutable) known.apply(rows, at);
      return known;
    }
    const inode = this.isImmutable ? new ImmutableInode(this, rows, at, parent, name) : new SharedInode(this, rows, at);
    this.#inodes.set(ino, inode);
    return inode;
  }

  /** `fd` came with a new file. It waits for the first opener, one file at a time. */
  keepNew(inode: GoferInode, fd: number): void {
    const last = this.#newest;
    if (last !== null && last.users === 0) last.closeWritable();
    const files = inode.hostFiles();
    files.closeWritable();
    files.readWrite = fd;
    this.#newest = files;
  }

  drop(inode: GoferInode): void {
    if (this.#inodes.get(inode.ino) === inode) this.#inodes.delete(inode.ino);
  }

  /** Whether walks should bring an fd of the file they end at: while most such files are opened next. */
  get opensAhead(): boolean {
    return this.usedAhead * 2 + 16 >= this.openedAhead;
  }

  override get options(): string {
    return this.#shownOptions;
  }

  override statfs(): FilesystemStatistics {
    const answer = this.client.call(statfs, this.root.node);
    const figures = typeof answer === "number" ? [0, 4096, 0, 0, 0, 0, 0, 255] : answer[1];
    const [type, blockSize, blocks, blocksFree, blocksAvailable, files, filesFree, nameMax] = figures;
    return { type, blockSize, blocks, blocksFree, blocksAvailable, files, filesFree, nameMax };
  }

  override destroy(): void {
    this.idleFiles.closeAll();
    for (const { node } of this.#inodes.values()) if (node !== 0) this.client.forget(node);
    this.client.flush();
    this.#inodes.clear();
    this.listings.clear();
  }
}
