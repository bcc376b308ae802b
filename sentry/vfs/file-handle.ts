/** File handles (fs/fhandle.c, fs/exportfs/expfs.c): a file's name for life, without a path. */
import { type Errno, ESTALE, isErrno } from "../abi/errno.ts";
import { lookupDentry } from "./dentry-cache.ts";
import type { Filesystem } from "./filesystem.ts";
import type { Dentry } from "./path.ts";

const FILEID_INO32_GEN = 1;
const FILEID_INO64_GEN = 0x81;
const FILEID_NSFS = 0xf1;
const FILEID_KERNFS = 0xfe;

export interface FileHandle {
  readonly type: number;
  readonly bytes: Uint8Array;
}

type Kind = "memory" | "disk" | "kernfs" | "nsfs" | "none";

/** Who has export operations; what the gofer serves goes by the names of disks. */
const KINDS: Readonly<Record<string, Kind>> = {
  tmpfs: "memory",
  devtmpfs: "memory",
  cgroup: "kernfs",
  cgroup2: "kernfs",
  pidfs: "kernfs",
  nsfs: "nsfs",
  ext2: "disk",
  ext3: "disk",
  ext4: "disk",
  xfs: "disk",
  btrfs: "disk",
  f2fs: "disk",
};

export const kindOf = ({ type }: Filesystem): Kind => KINDS[type] ?? "none";

/** Handles that a filesystem has given out and can still resolve; the oldest go stale. */
const REMEMBERED = 1 << 16;

const given = new WeakMap<Filesystem, Map<number, Dentry>>();

/** i_generation: inode numbers are not used twice here. */
const GENERATION = 0x4d4f_4154;

const LENGTHS: Readonly<Record<Kind, number>> = { memory: 12, disk: 8, kernfs: 8, nsfs: 16, none: 12 };
const TYPES: Readonly<Record<Kind, number>> = {
  memory: FILEID_INO32_GEN,
  disk: FILEID_INO32_GEN,
  kernfs: FILEID_KERNFS,
  nsfs: FILEID_NSFS,
  none: FILEID_INO64_GEN,
};

/** exportfs_encode_fh() */
export const handleOf = (dentry: Dentry): FileHandle => {
  const { fs, ino } = dentry.inode;
  const kind = kindOf(fs);
  const bytes = new Uint8Array(LENGTHS[kind]);
  const words = new DataView(bytes.buffer);
  const low = ino >>> 0;
  const high = Math.floor(ino / 2 ** 32) >>> 0;
  // Each has an order of its own: shmem_encode_fh() begins with the generation, struct nsfs_file_handle ends with the number.
  const values: Readonly<Record<Kind, readonly number[]>> = {
    memory: [GENERATION, low, high],
    disk: [low, (GENERATION ^ high) >>> 0],
    kernfs: [low, high],
    nsfs: [low, high, 0, low],
    none: [low, high, GENERATION],
  };
  values[kind].forEach((value, index) => {
    words.setUint32(index * 4, value, true);
  });
  if (kind !== "none") remember(dentry);
  return { type: TYPES[kind], bytes };
};

const remember = (dentry: Dentry): void => {
  const { fs, ino } = dentry.inode;
  const dentries = given.get(fs) ?? new Map<number, Dentry>();
  given.set(fs, dentries);
  const known = dentries.get(ino);
  if (known !== undefined && known.inode === dentry.inode && isAlive(known)) return;
  dentries.delete(ino);
  dentries.set(ino, dentry);
  for (const oldest of dentries.keys()) {
    if (dentries.size <= REMEMBERED) break;
    dentries.delete(oldest);
  }
};

const isAlive = (dentry: Dentry): boolean =>
  dentry.pins > 0 || (dentry.isUnlinked ? dentry.inode.cachedNames > 0 : dentry.isCached || dentry.parent === null);

/** The dentry itself, or where it has left the cache the one that stands at its name now. */
const current = (dentry: Dentry): Dentry | Errno => {
  const names: Dentry[] = [];
  let at = dentry;
  for (; !isAlive(at); at = at.parent) {
    if (at.isUnlinked || at.parent === null) return ESTALE;
    names.push(at);
  }
  for (let next = names.pop(); next !== undefined; next = names.pop()) {
    const found = lookupDentry(at, next.name, null);
    if (isErrno(found) || found.inode.ino !== next.inode.ino || found.inode.fs !== next.inode.fs) return ESTALE;
    at = found;
  }
  return at;
};

/** exportfs_decode_fh(): what `handle` names in `fs`, or ESTALE. */
export const dentryOf = (fs: Filesystem, { type, bytes }: FileHandle): Dentry | Errno => {
  const kind = kindOf(fs);
  // shmem_fh_to_dentry() does not look at the type.
  if (kind === "none" || (kind !== "memory" && type !== TYPES[kind]) || bytes.length < LENGTHS[kind]) return ESTALE;
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = kind === "memory" ? 4 : 0;
  const high = kind === "disk" ? (words.getUint32(4, true) ^ GENERATION) >>> 0 : words.getUint32(at + 4, true);
  if (kind === "memory" && words.getUint32(0, true) !== GENERATION) return ESTALE;
  const known = given.get(fs)?.get(words.getUint32(at, true) + high * 2 ** 32);
  return known === undefined ? ESTALE : current(known);
};
