/** keyctl(2) on single keys. */
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EACCES, EFAULT, EINVAL, EOPNOTSUPP, isErrno } from "../../abi/errno.ts";
import { expiryOf, KEY_PERMISSIONS, KEY_READ, KEY_SEARCH, KEY_SETATTR, KEY_VIEW, KEY_WRITE, type Key, keyStoreOf } from "../../keys/key.ts";
import { lookUpKey, mayUse } from "../../keys/task-keys.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { INVALID_ID } from "../../task/user-namespace.ts";
import { updateKey } from "./add-key.ts";

const PAGE_SIZE = 4096;
/** The longest payload of a key of type user or logon. */
const USER_MAX = 32_767;

/** What fits goes out whole or not at all; the length is told. */
const putWhole = (task: Task, bytes: Uint8Array, addr: UserAddr, room: number): number => {
  if (addr !== 0 && room >= bytes.length && bytes.length > 0 && task.memory.copyOut(addr, bytes) < 0) return EFAULT;
  return bytes.length;
};

const serials = (keys: readonly Key[]): Uint8Array => new Uint8Array(Int32Array.from(keys, ({ serial }) => serial).buffer);

export const readKey = (task: Task, id: number, addr: UserAddr, room: number): number => {
  const found = lookUpKey(task, id, false, 0);
  if (isErrno(found)) return found;
  const { key } = found;
  // What can be searched for may be read, too.
  if (!mayUse(task.creds, found, KEY_READ) && !(found.isPossessed && mayUse(task.creds, found, KEY_SEARCH))) return EACCES;
  if (key.type === "logon") return EOPNOTSUPP;
  return putWhole(task, key.isKeyring ? serials(key.links) : key.payload, addr, room);
};

export const describeKey = (task: Task, id: number, addr: UserAddr, room: number): number => {
  const found = lookUpKey(task, id, false, KEY_VIEW, true);
  if (isErrno(found)) return found;
  const { key } = found;
  const ns = task.creds.userNamespace;
  const gid = ns.showGid(key.gid);
  const text = `${key.type};${ns.showUid(key.uid) | 0};${gid | 0};${(key.perm >>> 0).toString(16).padStart(8, "0")};${key.description}\0`;
  return putWhole(task, Buffer.from(text, "latin1"), addr, room);
};

export const updatePayload = (task: Task, id: number, addr: UserAddr, length: number): number => {
  if (length > PAGE_SIZE) return EINVAL;
  const payload = length === 0 ? new Uint8Array(0) : task.memory.copyIn(addr, length);
  if (isErrno(payload)) return EFAULT;
  const found = lookUpKey(task, id, false, KEY_WRITE);
  if (isErrno(found)) return found;
  if (found.key.isKeyring) return EOPNOTSUPP;
  if (length === 0 || length > USER_MAX) return EINVAL;
  return Math.min(0, updateKey(task, found, payload));
};

export const revokeKey = (task: Task, id: number): number => {
  let found = lookUpKey(task, id, false, KEY_WRITE);
  if (found === EACCES) found = lookUpKey(task, id, false, KEY_SETATTR);
  if (isErrno(found)) return found;
  const { key } = found;
  key.isRevoked = true;
  if (key.isKeyring) keyStoreOf(task.kernel).clear(key);
  return 0;
};

export const chownKey = (task: Task, id: number, uid: number, gid: number): number => {
  if (uid === 0xffff_ffff && gid === 0xffff_ffff) return 0;
  const { creds } = task;
  const found = lookUpKey(task, id, true, KEY_SETATTR, true);
  if (isErrno(found)) return found;
  const { key } = found;
  const ns = creds.userNamespace;
  const newUid = uid === 0xffff_ffff ? key.uid : ns.toKuid(uid);
  const newGid = gid === 0xffff_ffff ? key.gid : ns.toKgid(gid);
  if (newUid === INVALID_ID || newGid === INVALID_ID) return EINVAL;
  if (!creds.has(CAP_SYS_ADMIN)) {
    if (newUid !== key.uid) return EACCES;
    if (newGid !== key.gid && newGid !== creds.fsgid && !creds.groups.includes(newGid)) return EACCES;
  }
  if (newUid !== key.uid) {
    const store = keyStoreOf(task.kernel);
    const error = store.charge(newUid, 1, key.quotaBytes);
    if (error < 0) return error;
    store.charge(key.uid, -1, -key.quotaBytes);
    key.uid = newUid;
  }
  key.gid = newGid;
  return 0;
};

export const setPermissions = (task: Task, id: number, perm: number): number => {
  if ((perm & ~KEY_PERMISSIONS) !== 0) return EINVAL;
  const found = lookUpKey(task, id, true, KEY_SETATTR, true);
  if (isErrno(found)) return found;
  if (found.key.uid !== task.creds.fsuid && !task.creds.has(CAP_SYS_ADMIN)) return EACCES;
  found.key.perm = perm >>> 0;
  return 0;
};

export const setExpiry = (task: Task, id: number, seconds: number): number => {
  const found = lookUpKey(task, id, true, KEY_SETATTR, true);
  if (isErrno(found)) return found;
  found.key.expiry = expiryOf(keyStoreOf(task.kernel), seconds);
  return 0;
};

export const invalidateKey = (task: Task, id: number): number => {
  const found = lookUpKey(task, id, false, KEY_SEARCH);
  if (isErrno(found)) return found;
  keyStoreOf(task.kernel).invalidate(found.key);
  return 0;
};

export const securityLabel = (task: Task, id: number, addr: UserAddr, room: number): number => {
  const found = lookUpKey(task, id, false, KEY_VIEW, true);
  if (isErrno(found)) return found;
  // No security module has a label for it: an empty string.
  if (addr !== 0 && room > 0 && task.memory.copyOut(addr, new Uint8Array(1)) < 0) return EFAULT;
  return 1;
};
