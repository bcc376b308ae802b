/** Keys and keyrings (keyrings(7), security/keys/key.c). A key lives while something links to it or has it as its keyring. */
import { TWO_32 } from "../../syscall-tables/limits.ts";
import { EDQUOT, type Errno, isErrno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Credentials } from "../task/credentials.ts";

/** Rights; each stands four times in a mask: for possessors, the owner, the group, others. */
export const KEY_VIEW = 0x01;
export const KEY_READ = 0x02;
export const KEY_WRITE = 0x04;
export const KEY_SEARCH = 0x08;
export const KEY_LINK = 0x10;
export const KEY_SETATTR = 0x20;
export const KEY_ALL = 0x3f;
export const KEY_PERMISSIONS = 0x3f3f_3f3f;

export type KeyType = "keyring" | "user" | "logon";

const USER_MAX = 32_767;
const ROOT_QUOTA = { keys: 1_000_000, bytes: 25_000_000 };
const USER_QUOTA = { keys: 200, bytes: 20_000 };

export class Key {
  readonly serial: number;
  readonly type: KeyType;
  readonly description: string;
  uid: number;
  gid: number;
  perm: number;
  payload = new Uint8Array(0);
  /** Of a keyring: what it links to, the newest last. */
  readonly links: Key[] = [];
  /** CLOCK_REALTIME in s; 0: never. */
  expiry = 0;
  isRevoked = false;
  /** KEYCTL_RESTRICT_KEYRING without a type: nothing more may be linked. */
  isRestricted = false;
  /** Links and keyrings of processes. */
  references = 0;

  constructor(serial: number, type: KeyType, description: string, uid: number, gid: number, perm: number) {
    this.serial = serial;
    this.type = type;
    this.description = description;
    this.uid = uid;
    this.gid = gid;
    this.perm = perm;
  }

  get isKeyring(): boolean {
    return this.type === "keyring";
  }

  get quotaBytes(): number {
    return this.description.length + 1 + this.payload.length;
  }
}

interface Quota {
  keys: number;
  bytes: number;
}

/** The payload is one that the type takes. */
export const isPayload = (type: KeyType, length: number): boolean =>
  type === "keyring" ? length === 0 : length >= 1 && length <= USER_MAX;

/** logon_vet_description(): the service's prefix and a colon. */
export const isDescription = (type: KeyType, description: string): boolean =>
  type === "logon" ? description.indexOf(":") > 0 : description !== "";

export class KeyStore {
  readonly keys = new Map<number, Key>();
  readonly quotas = new Map<number, Quota>();
  /** "_uid.N" and "_uid_ses.N", by user. */
  readonly userKeyrings = new Map<number, { readonly user: Key; readonly session: Key }>();
  readonly #kernel: Kernel;
  readonly #random = new Uint8Array(4);

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  now(): number {
    const { clock } = this.#kernel;
    clock.readRealtime();
    return clock.sec;
  }

  #serial(): number {
    for (;;) {
      this.#kernel.random(this.#random, 0, 4);
      const serial = new DataView(this.#random.buffer).getUint32(0, true) & 0x7fff_ffff;
      if (serial > 2 && !this.keys.has(serial)) return serial;
    }
  }

  quotaOf(uid: number): Quota {
    let quota = this.quotas.get(uid);
    if (quota === undefined) {
      quota = { keys: 0, bytes: 0 };
      this.quotas.set(uid, quota);
    }
    return quota;
  }

  limitsOf(uid: number): Quota {
    return uid === 0 ? ROOT_QUOTA : USER_QUOTA;
  }

  /** Counts `keys` and `bytes` more for a user: 0 or EDQUOT. */
  charge(uid: number, keys: number, bytes: number): 0 | Errno {
    const quota = this.quotaOf(uid);
    const limits = this.limitsOf(uid);
    if (quota.keys + keys > limits.keys || quota.bytes + bytes > limits.bytes) return EDQUOT;
    quota.keys += keys;
    quota.bytes += bytes;
    return 0;
  }

  /** A key that nothing refers to yet. */
  create(type: KeyType, description: string, creds: Credentials, perm: number, payload: Uint8Array): Key | Errno {
    const key = new Key(this.#serial(), type, description, creds.fsuid, creds.fsgid, perm);
    key.payload = payload.slice();
    const error = this.charge(key.uid, 1, key.quotaBytes);
    if (isErrno(error)) return error;
    this.keys.set(key.serial, key);
    return key;
  }

  /** A keyring of the kernel's own making, outside any quota's limit. */
  createKeyring(description: string, uid: number, gid: number, perm: number): Key {
    const key = new Key(this.#serial(), "keyring", description, uid, gid, perm);
    const quota = this.quotaOf(uid);
    quota.keys++;
    quota.bytes += key.quotaBytes;
    this.keys.set(key.serial, key);
    return key;
  }

  hold(key: Key): Key {
    key.references++;
    return key;
  }

  drop(key: Key | null): void {
    if (key === null || --key.references > 0) return;
    this.keys.delete(key.serial);
    this.charge(key.uid, -1, -key.quotaBytes);
    this.clear(key);
  }

  clear(keyring: Key): void {
    for (const key of keyring.links.splice(0)) this.drop(key);
  }

  link(keyring: Key, key: Key): void {
    this.hold(key);
    const at = keyring.links.findIndex(({ type, description }) => type === key.type && description === key.description);
    if (at < 0) keyring.links.push(key);
    else this.drop(keyring.links.splice(at, 1, key)[0]);
  }

  unlink(keyring: Key, key: Key): boolean {
    const at = keyring.links.indexOf(key);
    if (at >= 0) this.drop(keyring.links.splice(at, 1)[0]);
    return at >= 0;
  }

  /** KEYCTL_INVALIDATE: every link goes at once. */
  invalidate(key: Key): void {
    this.hold(key);
    for (const other of [...this.keys.values()]) if (other.isKeyring) this.unlink(other, key);
    key.isRevoked = true;
    this.keys.delete(key.serial);
    this.drop(key);
  }

  /** Is `wanted` below `keyring`, or the same (keyring_detect_cycle)? */
  reaches(keyring: Key, wanted: Key, depth = 0): boolean {
    if (keyring === wanted) return true;
    return depth < 64 && keyring.links.some((link) => link.isKeyring && this.reaches(link, wanted, depth + 1));
  }
}

const stores = new WeakMap<Kernel, KeyStore>();

export const keyStoreOf = (kernel: Kernel): KeyStore => {
  let store = stores.get(kernel);
  if (store === undefined) {
    store = new KeyStore(kernel);
    stores.set(kernel, store);
  }
  return store;
};

/** KEYCTL_SET_TIMEOUT: from now, or never. */
export const expiryOf = (store: KeyStore, seconds: number): number => (seconds === 0 ? 0 : (store.now() + seconds) % TWO_32 ** 2);
