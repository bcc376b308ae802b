import { EACCES, EFAULT, EINVAL, ENODEV, ENOKEY, ENOTDIR, EPERM, type Errno, isErrno } from "../../abi/errno.ts";
import { isDescription, isPayload, KEY_LINK, KEY_WRITE, type Key, type KeyType, keyStoreOf } from "../../keys/key.ts";
import { type Found, lookUpKey, mayUse, searchOwn } from "../../keys/task-keys.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const PAYLOAD_MAX = 1024 * 1024 - 1;
/** KEY_POS_VIEW, SEARCH, LINK, SETATTR and KEY_USR_VIEW; KEY_POS_READ and KEY_POS_WRITE where the type can. */
const DEFAULT_PERM = 0x3901_0000;
const POSSESSOR_READ = 0x0200_0000;
const POSSESSOR_WRITE = 0x0400_0000;

const types: readonly string[] = ["keyring", "user", "logon"] satisfies KeyType[];

/** key_get_type_from_user(): 0 or why the name cannot be a type's. */
export const checkType = (type: string): 0 | Errno => {
  if (type === "") return EINVAL;
  return type.startsWith(".") ? EPERM : 0;
};

export const isType = (type: string): type is KeyType => types.includes(type);

/** KEYCTL_UPDATE's part of __key_update(). */
export const updateKey = (task: Task, found: Found, payload: Uint8Array): number => {
  const { key } = found;
  if (!mayUse(task.creds, found, KEY_WRITE)) return EACCES;
  const error = keyStoreOf(task.kernel).charge(key.uid, 0, payload.length - key.payload.length);
  if (error < 0) return error;
  key.payload = payload.slice();
  key.expiry = 0;
  return key.serial;
};

/** key_link() after its checks. */
export const linkKey = (task: Task, ring: Key, key: Key): number => {
  if (!ring.isKeyring) return ENOTDIR;
  if (ring.isRestricted) return EPERM;
  keyStoreOf(task.kernel).link(ring, key);
  return 0;
};

const permOf = (type: KeyType): number => (DEFAULT_PERM | (type === "logon" ? 0 : POSSESSOR_READ) | POSSESSOR_WRITE) >>> 0;

/** add_key(2) */
export const sys_add_key = implement("add_key", { level: "full" }, (task, type, description, payloadAddr, length, ringId) => {
  if (length > PAYLOAD_MAX) return EINVAL;
  const bad = checkType(type);
  if (bad < 0) return bad;
  if (type === "keyring" && description.startsWith(".")) return EPERM;
  const payload = length === 0 ? new Uint8Array(0) : task.memory.copyIn(payloadAddr, length);
  if (isErrno(payload)) return EFAULT;
  const ring = lookUpKey(task, ringId, true, KEY_WRITE);
  if (isErrno(ring)) return ring;
  if (!isType(type)) return ENODEV;
  if (!ring.key.isKeyring) return ENOTDIR;
  if (!isPayload(type, length) || !isDescription(type, description)) return EINVAL;
  if (ring.key.isRestricted) return EPERM;
  const old = type === "keyring" ? undefined : ring.key.links.find((key) => key.type === type && key.description === description);
  if (old !== undefined && !old.isRevoked) return updateKey(task, { key: old, isPossessed: ring.isPossessed }, payload);
  const store = keyStoreOf(task.kernel);
  const key = store.create(type, description, task.creds, permOf(type), payload);
  if (isErrno(key)) return key;
  store.link(ring.key, key);
  return key.serial;
});

/** request_key(2): what is not there cannot be made, for there is no /sbin/request-key to ask. */
export const sys_request_key = implement("request_key", { level: "full" }, (task, type, description, calloutAddr, ringId) => {
  const bad = checkType(type);
  if (bad < 0) return bad;
  if (calloutAddr !== 0) {
    const text = task.memory.readCString(calloutAddr, 4096);
    if (isErrno(text)) return text === EFAULT ? EFAULT : EINVAL;
  }
  const ring = ringId === 0 ? null : lookUpKey(task, ringId, true, KEY_WRITE);
  if (isErrno(ring)) return ring;
  if (!isType(type)) return ENOKEY;
  const key = searchOwn(task, type, description);
  if (isErrno(key)) return key;
  if (ring !== null) {
    if (!mayUse(task.creds, { key, isPossessed: true }, KEY_LINK)) return EACCES;
    const error = linkKey(task, ring.key, key);
    if (error < 0) return error;
  }
  return key.serial;
});
