/** How many pages and inodes a filesystem may hold (tmpfs size= and nr_inodes=). */
export class PageBudget {
  used = 0;
  usedInodes = 0;
  /** Infinity: no limit. */
  limit: number;
  inodeLimit: number;

  constructor(limit = Number.POSITIVE_INFINITY, inodeLimit = Number.POSITIVE_INFINITY) {
    this.limit = limit;
    this.inodeLimit = inodeLimit;
  }

  get isLimited(): boolean {
    return this.limit !== Number.POSITIVE_INFINITY;
  }

  /** How many of `wanted` pages are left. */
  room(wanted: number): number {
    return Math.max(0, Math.min(wanted, this.limit - this.used));
  }

  /** Room for one more inode. */
  get hasInode(): boolean {
    return this.usedInodes < this.inodeLimit;
  }
}
