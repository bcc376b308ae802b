/**
 * The names that walks have looked up (the dcache). Filesystems that change only through
 * the VFS are never asked twice, for missing names neither; volatile ones are asked each time.
 */
import { NAME_MAX } from "../../syscall-tables/limits.ts";
import { ENAMETOOLONG, ENOENT, ENOTDIR, type Errno, isErrno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import type { Inode } from "./inode.ts";
import { Dentry } from "./path.ts";

/** Dentries kept when nothing holds them. */
const CAPACITY = 1 << 14;
/** Missing names remembered per directory. */
const MAX_NEGATIVES = 512;

/** Every cached dentry, in no order; `hand` goes round it as in the clock algorithm. */
const ring: Dentry[] = [];
let hand = 0;

const isIdle = (dentry: Dentry): boolean =>
  dentry.pins === 0 && dentry.mounts === 0 && (dentry.children === null || dentry.children.size === dentry.negatives);

const drop = (index: number): void => {
  const dentry = ring[index];
  const last = ring.pop() as Dentry;
  if (last !== dentry) ring[index] = last;
  dentry.isCached = false;
};

/** Makes room for one more: forgets a name that was not looked up since the hand came by last. */
const evictOne = (): void => {
  for (let steps = 0; steps < 64; steps++) {
    if (hand >= ring.length) hand = 0;
    const dentry = ring[hand];
    const parent = dentry.parent;
    if (parent === null || dentry.isUnlinked || parent.children?.get(dentry.name) !== dentry) {
      drop(hand);
      return;
    }
    if (dentry.isRecent) dentry.isRecent = false;
    else if (isIdle(dentry)) {
      parent.children.delete(dentry.name);
      drop(hand);
      if (--dentry.inode.cachedNames === 0) dentry.inode.evict();
      return;
    }
    hand++;
  }
};

/** A string of its own: a slice would keep the whole path it came from alive. */
const ownString = (name: string): string => (name.length < 13 ? name : Buffer.from(name, "latin1").toString("latin1"));

const setChild = (parent: Dentry, name: string, child: Dentry | null): void => {
  parent.children ??= new Map();
  const { children } = parent;
  if (children.get(name) === null) parent.negatives--;
  if (child === null) {
    if (parent.negatives >= MAX_NEGATIVES) forgetNegatives(parent);
    parent.negatives++;
  }
  children.set(name, child);
};

const forgetNegatives = (parent: Dentry): void => {
  if (parent.children !== null) for (const [name, child] of parent.children) if (child === null) parent.children.delete(name);
  parent.negatives = 0;
};

/** `name` in `parent` is `inode` from now on. */
export const addDentry = (parent: Dentry, name: string, inode: Inode): Dentry => {
  if (ring.length >= CAPACITY) evictOne();
  const owned = ownString(name);
  const dentry = new Dentry(owned, parent, inode);
  setChild(parent, owned, dentry);
  dentry.isCached = true;
  inode.cachedNames++;
  ring.push(dentry);
  return dentry;
};

/** The name is gone: unlink, rmdir, or replaced by a rename. */
export const removeDentry = (dentry: Dentry): void => {
  const { parent } = dentry;
  if (dentry.isUnlinked) return;
  dentry.isUnlinked = true;
  dentry.inode.cachedNames--;
  if (parent === null || parent.children?.get(dentry.name) !== dentry) return;
  if (parent.inode.fs.isVolatile) parent.children.delete(dentry.name);
  else setChild(parent, dentry.name, null);
};

/** rename(2): `dentry` stands at `name` in `newParent` now (d_move). What stood there has been removed. */
export const moveDentry = (dentry: Dentry, newParent: Dentry, name: string): void => {
  const { parent } = dentry;
  if (parent !== null && parent.children?.get(dentry.name) === dentry) {
    if (parent.inode.fs.isVolatile) parent.children.delete(dentry.name);
    else setChild(parent, dentry.name, null);
  }
  dentry.name = ownString(name);
  dentry.parent = newParent;
  setChild(newParent, dentry.name, dentry);
};

/** RENAME_EXCHANGE. */
export const exchangeDentries = (a: Dentry, b: Dentry): void => {
  const { name, parent } = a;
  a.name = b.name;
  a.parent = b.parent;
  b.name = name;
  b.parent = parent;
  if (a.parent !== null) setChild(a.parent, a.name, a);
  if (b.parent !== null) setChild(b.parent, b.name, b);
};

/** Somebody else has removed the name: its inode goes with the last one, unless it is in use. */
const dropStale = (known: Dentry): void => {
  const isUnused = isIdle(known);
  removeDentry(known);
  if (isUnused && known.inode.cachedNames === 0) known.inode.evict();
};

/** Asks the filesystem. */
const lookupSlow = (parent: Dentry, name: string, task: Task | null, known: Dentry | null): Dentry | Errno => {
  const dir = parent.inode;
  if (!dir.isDirectory) return ENOTDIR;
  if (parent.isUnlinked) return ENOENT;
  if (name.length > NAME_MAX) return ENAMETOOLONG;
  const found = dir.lookup(name, task);
  if (isErrno(found)) {
    if (known !== null) dropStale(known);
    // The kernel's own look-ups (no task) come before it makes what is missing.
    if (found === ENOENT && !dir.fs.isVolatile && task !== null) setChild(parent, ownString(name), null);
    return found;
  }
  if (known !== null) {
    if (known.inode === found) return known;
    // What is mounted on a name stays reachable though its inode was made anew.
    if (known.mounts > 0) {
      known.inode = found;
      return known;
    }
    dropStale(known);
  }
  return addDentry(parent, name, found);
};

/** The child `name` (not "." or ".."), ENOENT, or another errno. */
export const lookupDentry = (parent: Dentry, name: string, task: Task | null): Dentry | Errno => {
  const { children } = parent;
  if (children !== null) {
    const child = children.get(name);
    if (child !== undefined) {
      if (child === null) return ENOENT;
      if (parent.inode.fs.isVolatile) return lookupSlow(parent, name, task, child);
      child.isRecent = true;
      return child;
    }
  }
  return lookupSlow(parent, name, task, null);
};

/** The one dentry of a filesystem's root. */
export const rootDentry = (fs: Inode["fs"]): Dentry => {
  fs.rootDentry ??= new Dentry("", null, fs.root);
  return fs.rootDentry;
};
