/**
 * Leases (fcntl(2) F_SETLEASE, fs/locks.c): who holds one is told before others open the file in a way that
 * stands against it, and they wait until it is given back or the time is up. Nothing here sleeps.
 */

import { F_RDLCK, F_UNLCK, F_WRLCK } from "../../syscall-tables/flags/fd.ts";
import { O_ACCMODE, O_NONBLOCK, O_RDONLY } from "../../syscall-tables/flags/open.ts";
import { CAP_LEASE } from "../../syscall-tables/flags/system.ts";

import { EACCES, EAGAIN, EINVAL, type Errno } from "../abi/errno.ts";
import { WaitQueue } from "../task/blocking.ts";
import type { Task } from "../task/task.ts";
import { AsyncNotifier } from "./async.ts";
import type { Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";

/** /proc/sys/fs/leases-enable and lease-break-time; a time of 0 has no end. */
export const leaseSettings = { isEnabled: true, breakTimeSec: 45 };

interface Lease {
  readonly file: OpenFile;
  fd: number;
  /** F_RDLCK or F_WRLCK. */
  type: number;
  /** Must be given up by then, or changed to F_RDLCK; NaN: nobody has asked (FL_UNLOCK_PENDING, FL_DOWNGRADE_PENDING). */
  unlockNs: number;
  downgradeNs: number;
}

export class InodeLeases {
  held: Lease[] = [];
  /** Notified whenever a lease goes or shrinks. */
  readonly queue = new WaitQueue();

  /** When the next lease goes by itself. */
  get nextEndNs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { unlockNs, downgradeNs } of this.held) {
      if (unlockNs < next) next = unlockNs;
      if (downgradeNs < next) next = downgradeNs;
    }
    return next;
  }
}

/** lease_modify(): F_UNLCK ends it, and the file has no owner any more. */
const change = (leases: InodeLeases, lease: Lease, type: number): void => {
  lease.downgradeNs = Number.NaN;
  if (type === F_UNLCK) {
    lease.unlockNs = Number.NaN;
    leases.held = leases.held.filter((other) => other !== lease);
    const { async, inode } = lease.file;
    if (async !== null) {
      async.owner = null;
      async.signal = 0;
    }
    if (leases.held.length === 0) inode.leases = null;
  } else lease.type = type;
  leases.queue.notify();
};

/** time_out_leases() */
const expire = (leases: InodeLeases, nowNs: number): void => {
  for (const lease of leases.held) {
    if (lease.downgradeNs <= nowNs) change(leases, lease, F_RDLCK);
    if (lease.unlockNs <= nowNs) change(leases, lease, F_UNLCK);
  }
};

const conflicts = (lease: Lease, isWrite: boolean): boolean => isWrite || lease.type === F_WRLCK;

let awaited: InodeLeases | null = null;

/** After an EAGAIN of `breakLeases`: what the call waits for before it is tried again; null: it shall not wait. */
export const takeAwaitedLeases = (): InodeLeases | null => {
  const leases = awaited;
  awaited = null;
  return leases;
};

/** __break_lease(): 0 when nothing stands against an open with `flags`, else EAGAIN, and the holders know. */
export const breakLeases = (inode: Inode, flags: number, task: Task): 0 | Errno => {
  awaited = null;
  const { leases } = inode;
  if (leases === null) return 0;
  const nowNs = task.kernel.clock.monotonicNs();
  expire(leases, nowNs);
  const isWrite = (flags & O_ACCMODE) !== O_RDONLY;
  const endNs = leaseSettings.breakTimeSec === 0 ? Number.POSITIVE_INFINITY : nowNs + leaseSettings.breakTimeSec * 1e9;
  let isHeld = false;
  for (const lease of leases.held) {
    if (!conflicts(lease, isWrite)) continue;
    isHeld = true;
    if (!Number.isNaN(lease.unlockNs)) continue;
    if (isWrite) lease.unlockNs = endNs;
    else if (Number.isNaN(lease.downgradeNs)) lease.downgradeNs = endNs;
    else continue;
    lease.file.async?.message(lease.fd);
  }
  if (!isHeld) return 0;
  if ((flags & O_NONBLOCK) === 0) awaited = leases;
  return EAGAIN;
};

/** check_conflicting_open(): a read lease allows no writer, a write lease nobody else at all. */
const isOpenOtherwise = (file: OpenFile, type: number): boolean => {
  const { inode, canWrite, canRead } = file;
  if (type === F_RDLCK) return inode.writeCount > 0;
  return inode.execCount > 0 || inode.writeCount !== (canWrite ? 1 : 0) || inode.readCount !== (canRead && !canWrite ? 1 : 0);
};

const addLease = (task: Task, fd: number, file: OpenFile, type: number): number => {
  const { inode } = file;
  if (!leaseSettings.isEnabled) return EINVAL;
  if (inode.leases !== null) expire(inode.leases, task.kernel.clock.monotonicNs());
  if (isOpenOtherwise(file, type)) return EAGAIN;
  let own: Lease | null = null;
  for (const lease of inode.leases?.held ?? []) {
    if (lease.file === file) own = lease;
    else if (type === F_WRLCK || !Number.isNaN(lease.unlockNs)) return EAGAIN;
  }
  if (own !== null && inode.leases !== null) {
    // Who waits for it has the file open already, as Linux counts.
    if (!Number.isNaN(own.unlockNs) || (type === F_WRLCK && !Number.isNaN(own.downgradeNs))) return EAGAIN;
    change(inode.leases, own, type);
    return 0;
  }
  inode.leases ??= new InodeLeases();
  inode.leases.held.push({ file, fd, type, unlockNs: Number.NaN, downgradeNs: Number.NaN });
  file.async ??= new AsyncNotifier(file);
  file.async.ownedAtLeastBy(task);
  return 0;
};

const find = (file: OpenFile): Lease | null => file.inode.leases?.held.find((lease) => lease.file === file) ?? null;

/** F_SETLEASE */
export const setLease = (task: Task, fd: number, file: OpenFile, type: number): number => {
  const { inode } = file;
  if (type !== F_RDLCK && type !== F_WRLCK && type !== F_UNLCK) return EINVAL;
  if (inode.uid !== task.creds.fsuid && !task.creds.has(CAP_LEASE)) return EACCES;
  if (!inode.isRegular) return EINVAL;
  if (type !== F_UNLCK) return addLease(task, fd, file, type);
  const lease = find(file);
  if (lease === null || inode.leases === null) return EAGAIN;
  change(inode.leases, lease, F_UNLCK);
  return 0;
};

/** F_GETLEASE: what the lease is, or what it must become. */
export const getLease = (task: Task, file: OpenFile): number => {
  if (file.inode.leases !== null) expire(file.inode.leases, task.kernel.clock.monotonicNs());
  const lease = find(file);
  if (lease === null || !Number.isNaN(lease.unlockNs)) return F_UNLCK;
  return Number.isNaN(lease.downgradeNs) ? lease.type : F_RDLCK;
};

/** The last reference to an open file goes, and its lease with it. */
export const dropLease = (file: OpenFile): void => {
  const lease = find(file);
  if (lease !== null && file.inode.leases !== null) change(file.inode.leases, lease, F_UNLCK);
};
