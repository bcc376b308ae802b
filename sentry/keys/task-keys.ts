/** The keyrings of a thread and its process, and what they reach (security/keys/process_keys.c). */
import { CLONE_THREAD } from "../../syscall-tables/flags/process.ts";
import { EACCES, EINVAL, EKEYEXPIRED, EKEYREVOKED, ENOKEY, ENOTDIR, type Errno, isErrno } from "../abi/errno.ts";
import type { Credentials } from "../task/credentials.ts";
import type { Task } from "../task/task.ts";
import { KEY_ALL, KEY_LINK, KEY_READ, KEY_SEARCH, KEY_VIEW, type Key, type KeyStore, type KeyType, keyStoreOf } from "./key.ts";

export const KEY_SPEC_THREAD_KEYRING = -1;
export const KEY_SPEC_PROCESS_KEYRING = -2;
export const KEY_SPEC_SESSION_KEYRING = -3;
export const KEY_SPEC_USER_KEYRING = -4;
export const KEY_SPEC_USER_SESSION_KEYRING = -5;
const KEY_SPEC_GROUP_KEYRING = -6;
const KEY_SPEC_REQKEY_AUTH_KEY = -7;
const KEY_SPEC_REQUESTOR_KEYRING = -8;

const POSSESSOR = 24;
const OWNER = 16;
const GROUP = 8;

const ALL_FOR_POSSESSOR = (KEY_ALL << POSSESSOR) >>> 0;
/** Of "_tid" and "_pid"; of an unnamed session; of a named one. */
const OWN_PERM = ALL_FOR_POSSESSOR | (KEY_VIEW << OWNER);
const SESSION_PERM = ALL_FOR_POSSESSOR | ((KEY_VIEW | KEY_READ) << OWNER);
const NAMED_PERM = ALL_FOR_POSSESSOR | ((KEY_VIEW | KEY_READ | KEY_LINK) << OWNER);
const USER_PERM = (0x1f << POSSESSOR) | (KEY_ALL << OWNER);

/** A key with the way it was found: possessed or not. */
export interface Found {
  readonly key: Key;
  readonly isPossessed: boolean;
}

export class TaskKeys {
  thread: Key | null = null;
  /** Shared by the threads of a process. */
  process: { ring: Key | null } = { ring: null };
  session: Key | null = null;
  /** KEYCTL_SET_REQKEY_KEYRING */
  requestDefault = 0;
}

/** A thread's keyrings, from their first use on. */
export const taskKeys = (task: Task): TaskKeys => {
  if (task.keys === null) {
    task.keys = new TaskKeys();
    for (const sibling of task.process.tasks.values())
      if (sibling !== task && sibling.keys !== null) task.keys.process = sibling.keys.process;
  }
  return task.keys;
};

/** copy_creds() */
export const inheritKeys = (parent: Task, child: Task, flags: number): void => {
  const from = parent.keys;
  if (from === null) return;
  const keys = new TaskKeys();
  child.keys = keys;
  if (from.session !== null) keys.session = keyStoreOf(parent.kernel).hold(from.session);
  keys.requestDefault = from.requestDefault;
  if ((flags & CLONE_THREAD) === 0) return;
  keys.process = from.process;
  if (from.thread !== null) keys.thread = own(child, "_tid");
};

/** execve(2): the session's keyring alone is kept (commit_creds of prepare_exec_creds). */
export const keysAfterExec = (task: Task): void => {
  const { keys } = task;
  if (keys === null) return;
  const store = keyStoreOf(task.kernel);
  store.drop(keys.thread);
  store.drop(keys.process.ring);
  keys.thread = null;
  keys.process = { ring: null };
};

export const dropKeys = (task: Task): void => {
  const { keys } = task;
  if (keys === null) return;
  const store = keyStoreOf(task.kernel);
  store.drop(keys.thread);
  store.drop(keys.session);
  if (task.process.tasks.size === 0) store.drop(keys.process.ring);
  task.keys = null;
};

/** key_task_permission() */
export const mayUse = (creds: Credentials, { key, isPossessed }: Found, need: number): boolean => {
  let rights: number;
  if (key.uid === creds.fsuid) rights = key.perm >>> OWNER;
  else if (((key.perm >>> GROUP) & KEY_ALL) !== 0 && (key.gid === creds.fsgid || creds.groups.includes(key.gid)))
    rights = key.perm >>> GROUP;
  else rights = key.perm;
  if (isPossessed) rights |= key.perm >>> POSSESSOR;
  return (rights & need) === need;
};

/** key_validate() */
export const validate = (store: KeyStore, key: Key): 0 | Errno => {
  if (key.isRevoked) return EKEYREVOKED;
  return key.expiry !== 0 && store.now() >= key.expiry ? EKEYEXPIRED : 0;
};

/** Keyrings of `uid`, made when first asked for (install_user_keyrings). */
const userKeyrings = (task: Task): { readonly user: Key; readonly session: Key } => {
  const store = keyStoreOf(task.kernel);
  const { uid } = task.creds;
  let rings = store.userKeyrings.get(uid);
  if (rings === undefined) {
    const shown = task.creds.userNamespace.showUid(uid);
    const user = store.hold(store.createKeyring(`_uid.${shown}`, uid, 0xffff_ffff, USER_PERM));
    const session = store.hold(store.createKeyring(`_uid_ses.${shown}`, uid, 0xffff_ffff, USER_PERM));
    store.link(session, user);
    rings = { user, session };
    store.userKeyrings.set(uid, rings);
  }
  return rings;
};

/** join_session_keyring() without a name. */
export const newSession = (task: Task, name: string | null): Key => {
  const store = keyStoreOf(task.kernel);
  const keys = taskKeys(task);
  const ring =
    name === null
      ? store.createKeyring("_ses", task.creds.fsuid, task.creds.fsgid, SESSION_PERM)
      : store.createKeyring(name, task.creds.fsuid, task.creds.fsgid, NAMED_PERM);
  store.hold(ring);
  store.drop(keys.session);
  keys.session = ring;
  return ring;
};

const own = (task: Task, description: string): Key => {
  const store = keyStoreOf(task.kernel);
  return store.hold(store.createKeyring(description, task.creds.fsuid, task.creds.fsgid, OWN_PERM));
};

const special = (task: Task, id: number, isCreating: boolean): Key | Errno => {
  const keys = taskKeys(task);
  switch (id) {
    case KEY_SPEC_THREAD_KEYRING:
      if (keys.thread === null && isCreating) keys.thread = own(task, "_tid");
      return keys.thread ?? ENOKEY;
    case KEY_SPEC_PROCESS_KEYRING:
      if (keys.process.ring === null && isCreating) keys.process.ring = own(task, "_pid");
      return keys.process.ring ?? ENOKEY;
    case KEY_SPEC_SESSION_KEYRING: {
      const { session } = userKeyrings(task);
      if (keys.session === null && !isCreating) keys.session = keyStoreOf(task.kernel).hold(session);
      return keys.session === null || (isCreating && keys.session === session) ? newSession(task, null) : keys.session;
    }
    case KEY_SPEC_USER_KEYRING:
      return userKeyrings(task).user;
    case KEY_SPEC_USER_SESSION_KEYRING:
      return userKeyrings(task).session;
    case KEY_SPEC_REQKEY_AUTH_KEY:
    case KEY_SPEC_REQUESTOR_KEYRING:
      return ENOKEY;
    default:
      return id === KEY_SPEC_GROUP_KEYRING || id < 0 ? EINVAL : ENOKEY;
  }
};

const roots = (task: Task): Key[] => {
  const { thread, process, session } = taskKeys(task);
  const rings = [thread, process.ring, session ?? userKeyrings(task).session];
  return rings.filter((ring): ring is Key => ring !== null);
};

/** keyring_search(): the first fitting key at or below `ring` that the caller may find. */
export const searchRing = (task: Task, ring: Found, matches: (key: Key) => boolean): Key | Errno => {
  const store = keyStoreOf(task.kernel);
  const { creds } = task;
  if (!ring.key.isKeyring) return ENOTDIR;
  if (!mayUse(creds, ring, KEY_SEARCH)) return EACCES;
  const error = validate(store, ring.key);
  if (isErrno(error)) return error;
  let result: Errno = ENOKEY;
  const seen = new Set<Key>();
  const queue = [ring.key];
  for (let at = 0; at < queue.length; at++) {
    for (const key of queue[at].links) {
      const found = { key, isPossessed: ring.isPossessed };
      if (matches(key)) {
        const invalid = validate(store, key);
        if (invalid === 0 && mayUse(creds, found, KEY_SEARCH)) return key;
        result = isErrno(invalid) ? invalid : EACCES;
      }
      if (!key.isKeyring || seen.has(key) || validate(store, key) < 0 || !mayUse(creds, found, KEY_SEARCH)) continue;
      seen.add(key);
      queue.push(key);
    }
  }
  return result;
};

/** search_process_keyrings() */
export const searchOwn = (task: Task, type: KeyType, description: string): Key | Errno => {
  let result: Errno = ENOKEY;
  for (const key of roots(task)) {
    const found = searchRing(task, { key, isPossessed: true }, (one) => one.type === type && one.description === description);
    if (!isErrno(found)) return found;
    if (found !== ENOKEY) result = found;
  }
  return result;
};

export const isPossessed = (task: Task, wanted: Key): boolean =>
  roots(task).some((key) => key === wanted || !isErrno(searchRing(task, { key, isPossessed: true }, (one) => one === wanted)));

/** lookup_user_key(): `need` 0 asks for no right; `isPartial` takes keys that are no longer valid, too. */
export const lookUpKey = (task: Task, id: number, isCreating: boolean, need: number, isPartial = false): Found | Errno => {
  const store = keyStoreOf(task.kernel);
  let found: Found;
  if (id < 1) {
    if (id === 0) return EINVAL;
    const key = special(task, id, isCreating);
    if (isErrno(key)) return key;
    found = { key, isPossessed: true };
  } else {
    const key = store.keys.get(id);
    if (key === undefined) return ENOKEY;
    found = { key, isPossessed: isPossessed(task, key) };
  }
  if (!isPartial) {
    const error = validate(store, found.key);
    if (isErrno(error)) return error;
  }
  return need === 0 || mayUse(task.creds, found, need) ? found : EACCES;
};

/** KEYCTL_JOIN_SESSION_KEYRING: a keyring of that name which may be searched, or a new one. */
export const joinSession = (task: Task, name: string): Key => {
  const store = keyStoreOf(task.kernel);
  for (const key of store.keys.values()) {
    if (!key.isKeyring || key.description !== name || key.isRevoked) continue;
    if (!mayUse(task.creds, { key, isPossessed: false }, KEY_SEARCH)) continue;
    const keys = taskKeys(task);
    store.hold(key);
    store.drop(keys.session);
    keys.session = key;
    return key;
  }
  return newSession(task, name);
};
