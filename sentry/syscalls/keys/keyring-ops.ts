/** keyctl(2) on keyrings as such: links, searches, restrictions. */
import {
  EACCES,
  EDEADLK,
  EEXIST,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOKEY,
  ENOTDIR,
  EOPNOTSUPP,
  EPERM,
  type Errno,
  isErrno,
} from "../../abi/errno.ts";
import { KEY_LINK, KEY_SEARCH, KEY_SETATTR, KEY_WRITE, keyStoreOf } from "../../keys/key.ts";
import { lookUpKey, mayUse, searchRing, taskKeys } from "../../keys/task-keys.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { checkType, isType, linkKey } from "./add-key.ts";

const TYPE_MAX = 32;
const DESCRIPTION_MAX = 4096;
const KEYCTL_MOVE_EXCL = 1;

const text = (task: Task, addr: UserAddr, max: number): string | Errno => {
  const read = task.memory.readCString(addr, max);
  return isErrno(read) && read !== EFAULT ? EINVAL : read;
};

export const clearRing = (task: Task, id: number): number => {
  const found = lookUpKey(task, id, true, KEY_WRITE);
  if (isErrno(found)) return found;
  if (!found.key.isKeyring) return ENOTDIR;
  keyStoreOf(task.kernel).clear(found.key);
  return 0;
};

export const linkTo = (task: Task, id: number, ringId: number): number => {
  const ring = lookUpKey(task, ringId, true, KEY_WRITE);
  if (isErrno(ring)) return ring;
  const found = lookUpKey(task, id, true, KEY_LINK);
  if (isErrno(found)) return found;
  if (!ring.key.isKeyring) return ENOTDIR;
  if (found.key.isKeyring && keyStoreOf(task.kernel).reaches(found.key, ring.key)) return EDEADLK;
  return linkKey(task, ring.key, found.key);
};

export const unlinkFrom = (task: Task, id: number, ringId: number): number => {
  const ring = lookUpKey(task, ringId, false, KEY_WRITE);
  if (isErrno(ring)) return ring;
  const found = lookUpKey(task, id, false, 0, true);
  if (isErrno(found)) return found;
  if (!ring.key.isKeyring) return ENOTDIR;
  return keyStoreOf(task.kernel).unlink(ring.key, found.key) ? 0 : ENOENT;
};

export const searchTree = (task: Task, ringId: number, typeAddr: UserAddr, descriptionAddr: UserAddr, destinationId: number): number => {
  const type = text(task, typeAddr, TYPE_MAX);
  if (isErrno(type)) return type;
  const bad = checkType(type);
  if (bad < 0) return bad;
  const description = text(task, descriptionAddr, DESCRIPTION_MAX);
  if (isErrno(description)) return description;
  const ring = lookUpKey(task, ringId, false, KEY_SEARCH);
  if (isErrno(ring)) return ring;
  const destination = destinationId === 0 ? null : lookUpKey(task, destinationId, true, KEY_WRITE);
  if (isErrno(destination)) return destination;
  if (!isType(type)) return ENOKEY;
  const key = searchRing(task, ring, (one) => one.type === type && one.description === description);
  if (isErrno(key)) return key;
  if (destination !== null) {
    if (!mayUse(task.creds, { key, isPossessed: ring.isPossessed }, KEY_LINK)) return EACCES;
    const error = linkKey(task, destination.key, key);
    if (error < 0) return error;
  }
  return key.serial;
};

/** keyring_restrict(): without a type nothing may be linked any more; no type here has rules of its own. */
export const restrictRing = (task: Task, id: number, typeAddr: UserAddr, ruleAddr: UserAddr): number => {
  const found = lookUpKey(task, id, false, KEY_SETATTR);
  if (isErrno(found)) return found;
  if (typeAddr !== 0) {
    const type = text(task, typeAddr, TYPE_MAX);
    if (isErrno(type)) return type;
    const bad = checkType(type);
    if (bad < 0) return bad;
    const rule = ruleAddr === 0 ? "" : text(task, ruleAddr, DESCRIPTION_MAX);
    if (isErrno(rule)) return rule;
    if (!found.key.isKeyring) return ENOTDIR;
    return isType(type) ? ENOENT : ENOKEY;
  }
  if (ruleAddr !== 0) return EINVAL;
  if (!found.key.isKeyring) return ENOTDIR;
  if (found.key.isRestricted) return EEXIST;
  found.key.isRestricted = true;
  return 0;
};

export const moveKey = (task: Task, id: number, fromId: number, toId: number, flags: number): number => {
  if ((flags & ~KEYCTL_MOVE_EXCL) !== 0) return EINVAL;
  const found = lookUpKey(task, id, true, KEY_LINK);
  if (isErrno(found)) return found;
  const from = lookUpKey(task, fromId, false, KEY_WRITE);
  if (isErrno(from)) return from;
  const to = lookUpKey(task, toId, true, KEY_WRITE);
  if (isErrno(to)) return to;
  if (!from.key.isKeyring || !to.key.isKeyring) return ENOTDIR;
  if (from.key === to.key) return 0;
  const { key } = found;
  const store = keyStoreOf(task.kernel);
  if (!from.key.links.includes(key)) return ENOENT;
  const isTaken = to.key.links.some((one) => one.type === key.type && one.description === key.description);
  if (isTaken && (flags & KEYCTL_MOVE_EXCL) !== 0) return EEXIST;
  if (key.isKeyring && store.reaches(key, to.key)) return EDEADLK;
  if (to.key.isRestricted) return EPERM;
  store.link(to.key, key);
  store.unlink(from.key, key);
  return 0;
};

/** keyctl_session_to_parent() */
export const sessionToParent = (task: Task): number => {
  const { session } = taskKeys(task);
  const parent = task.process.parent?.leader ?? null;
  if (session === null) return EOPNOTSUPP;
  if (parent === null || parent.process.tasks.size !== 1 || parent.isDead) return EPERM;
  const own = task.creds;
  const its = parent.creds;
  const isSame =
    [its.uid, its.euid, its.suid].every((id) => id === own.euid) && [its.gid, its.egid, its.sgid].every((id) => id === own.egid);
  if (!isSame || parent.process.isUnkillable) return EPERM;
  const keys = taskKeys(parent);
  const store = keyStoreOf(task.kernel);
  store.hold(session);
  store.drop(keys.session);
  keys.session = session;
  return 0;
};
