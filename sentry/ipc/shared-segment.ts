/** A System V shared memory segment (ipc/shm.c): an unnamed in-memory file that counts its attachments. */
import { type MemfdInode, MemfdMapping } from "../fs/memfd/memfd.ts";
import type { FileMapping } from "../mm/file-mapping.ts";
import type { Path } from "../vfs/path.ts";
import type { IpcPermission } from "./ipc-permission.ts";
import type { IpcObject, IpcTable } from "./ipc-table.ts";

/** Bits of ipc_perm.mode beside the permissions. */
export const SHM_DEST = 0o1000;
export const SHM_LOCKED = 0o2000;

export class SharedSegment implements IpcObject {
  readonly permission: IpcPermission;
  readonly size: number;
  readonly inode: MemfdInode;
  readonly #table: IpcTable<SharedSegment>;
  readonly #path: Path;
  attachments = 0;
  /** Seconds since the epoch. */
  attachTime = 0;
  detachTime = 0;
  changeTime: number;
  readonly creator: number;
  lastUser = 0;

  constructor(permission: IpcPermission, table: IpcTable<SharedSegment>, size: number, path: Path, creator: number, now: number) {
    this.permission = permission;
    this.#table = table;
    this.size = size;
    this.#path = path;
    this.inode = path.dentry.inode as MemfdInode;
    // The segment itself keeps the file.
    this.inode.openCount++;
    this.creator = creator;
    this.changeTime = now;
  }

  get isDoomed(): boolean {
    return (this.permission.mode & SHM_DEST) !== 0;
  }

  mapping(): SegmentMapping {
    return new SegmentMapping(this, this.#path);
  }

  /** IPC_RMID: gone at once, or with the last attachment (shm_destroy). */
  doom(): void {
    this.permission.mode |= SHM_DEST;
    this.#table.forgetKey(this);
    this.releaseIfUnused();
  }

  releaseIfUnused(): void {
    if (!this.isDoomed || this.attachments > 0) return;
    this.#table.remove(this);
    if (--this.inode.openCount === 0) this.inode.forget();
  }
}

/** One shmat(2); forks and splits of it count as attachments of their own, as the areas do on Linux. */
export class SegmentMapping extends MemfdMapping implements FileMapping {
  readonly segment: SharedSegment;

  constructor(segment: SharedSegment, path: Path) {
    super(segment.inode, path);
    this.segment = segment;
  }

  #now(): number {
    return Math.floor(this.inode.fs.kernel.clock.realtimeNs() / 1e9);
  }

  override takeMapping(isSharedWritable: boolean): void {
    super.takeMapping(isSharedWritable);
    this.segment.attachments++;
    this.segment.attachTime = this.#now();
  }

  override putMapping(isSharedWritable: boolean): void {
    this.segment.attachments--;
    this.segment.detachTime = this.#now();
    this.segment.releaseIfUnused();
    super.putMapping(isSharedWritable);
  }
}
