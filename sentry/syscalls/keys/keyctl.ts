import * as OP from "../../../syscall-tables/flags/system.ts";
import { EACCES, EFAULT, EINVAL, EOPNOTSUPP, EPERM, isErrno } from "../../abi/errno.ts";
import { KEY_SEARCH, keyStoreOf } from "../../keys/key.ts";
import { joinSession, lookUpKey, newSession, taskKeys, validate } from "../../keys/task-keys.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import {
  chownKey,
  describeKey,
  invalidateKey,
  readKey,
  revokeKey,
  securityLabel,
  setExpiry,
  setPermissions,
  updatePayload,
} from "./key-ops.ts";
import { clearRing, linkTo, moveKey, restrictRing, searchTree, sessionToParent, unlinkFrom } from "./keyring-ops.ts";

const DESCRIPTION_MAX = 4096;
const PAGE_SIZE = 4096;
const REQKEY_DEFAULT_MAX = 7;
const REQKEY_NO_CHANGE = -1;
const REQKEY_GROUP = 6;
/** KEYCTL_CAPS0_CAPABILITIES, INVALIDATE, RESTRICT_KEYRING, MOVE; CAPS1: namespaces of keyring names and tags. */
const CAPS = Uint8Array.of(0x01 | 0x20 | 0x40 | 0x80, 0x03);

const id32 = (value: number): number => value | 0;

const join = (task: Task, nameAddr: UserAddr): number => {
  if (nameAddr === 0) return newSession(task, null).serial;
  const name = task.memory.readCString(nameAddr, DESCRIPTION_MAX);
  if (isErrno(name)) return name === EFAULT ? EFAULT : EINVAL;
  if (name.startsWith(".")) return EPERM;
  return joinSession(task, name).serial;
};

const setRequestDefault = (task: Task, which: number): number => {
  const keys = taskKeys(task);
  const old = keys.requestDefault;
  if (which === REQKEY_NO_CHANGE) return old;
  if (which < 0 || which >= REQKEY_DEFAULT_MAX + 1 || which === REQKEY_GROUP) return EINVAL;
  keys.requestDefault = which;
  return old;
};

const keyringId = (task: Task, id: number, isCreating: boolean): number => {
  const found = lookUpKey(task, id, isCreating, KEY_SEARCH);
  return isErrno(found) ? found : found.key.serial;
};

const capabilities = (task: Task, addr: UserAddr, room: number): number => {
  const length = Math.min(room, CAPS.length);
  if (length > 0 && task.memory.copyOut(addr, CAPS.subarray(0, length)) < 0) return EFAULT;
  if (room > length && task.memory.copyOut(addr + length, new Uint8Array(Math.min(room - length, PAGE_SIZE))) < 0) return EFAULT;
  return CAPS.length;
};

/** keyctl(2) */
export const sys_keyctl = implement(
  "keyctl",
  { level: "partial", note: "no asymmetric or Diffie-Hellman operations, no watches, no persistent keyrings" },
  (task, option, a, b, c, d) => {
    switch (option) {
      case OP.KEYCTL_GET_KEYRING_ID:
        return keyringId(task, id32(a), b !== 0);
      case OP.KEYCTL_JOIN_SESSION_KEYRING:
        return join(task, a);
      case OP.KEYCTL_UPDATE:
        return updatePayload(task, id32(a), b, c);
      case OP.KEYCTL_REVOKE:
        return revokeKey(task, id32(a));
      case OP.KEYCTL_DESCRIBE:
        return describeKey(task, id32(a), b, c);
      case OP.KEYCTL_CLEAR:
        return clearRing(task, id32(a));
      case OP.KEYCTL_LINK:
        return linkTo(task, id32(a), id32(b));
      case OP.KEYCTL_UNLINK:
        return unlinkFrom(task, id32(a), id32(b));
      case OP.KEYCTL_SEARCH:
        return searchTree(task, id32(a), b, c, id32(d));
      case OP.KEYCTL_READ:
        return readKey(task, id32(a), b, c);
      case OP.KEYCTL_CHOWN:
        return chownKey(task, id32(a), b >>> 0, c >>> 0);
      case OP.KEYCTL_SETPERM:
        return setPermissions(task, id32(a), b >>> 0);
      case OP.KEYCTL_INSTANTIATE:
      case OP.KEYCTL_NEGATE:
      case OP.KEYCTL_REJECT:
      case OP.KEYCTL_INSTANTIATE_IOV:
        // Nobody holds the right to make a key for somebody else.
        return EPERM;
      case OP.KEYCTL_SET_REQKEY_KEYRING:
        return setRequestDefault(task, id32(a));
      case OP.KEYCTL_SET_TIMEOUT:
        return setExpiry(task, id32(a), b >>> 0);
      case OP.KEYCTL_ASSUME_AUTHORITY: {
        if (id32(a) < 0) return EINVAL;
        if (id32(a) === 0) return 0;
        const found = lookUpKey(task, id32(a), false, 0);
        return isErrno(found) ? found : validate(keyStoreOf(task.kernel), found.key) || EACCES;
      }
      case OP.KEYCTL_GET_SECURITY:
        return securityLabel(task, id32(a), b, c);
      case OP.KEYCTL_SESSION_TO_PARENT:
        return sessionToParent(task);
      case OP.KEYCTL_INVALIDATE:
        return invalidateKey(task, id32(a));
      case OP.KEYCTL_RESTRICT_KEYRING:
        return restrictRing(task, id32(a), b, c);
      case OP.KEYCTL_MOVE:
        return moveKey(task, id32(a), id32(b), id32(c), d >>> 0);
      case OP.KEYCTL_CAPABILITIES:
        return capabilities(task, a, b);
      default:
        return EOPNOTSUPP;
    }
  },
);
