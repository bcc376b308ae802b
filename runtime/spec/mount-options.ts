/**
 * Mount options of config.json, as mount(8) and the runtime specification have them: flags of the mount,
 * flags of everything below it ("rro"), propagation, and what is left for the filesystem.
 */
import {
  MS_BIND,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_SHARED,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_UNBINDABLE,
} from "../../syscall-tables/flags/mount.ts";

/** Bits to set and bits to take away. */
export interface FlagChange {
  readonly set: number;
  readonly clear: number;
}

export interface MountOptions {
  /** Of the mount itself. A bind that sets none keeps its source's flags. */
  readonly own: FlagChange;
  /** Of it and all mounts below: "rro", "rnosuid" … (mount_setattr(2), AT_RECURSIVE). */
  readonly all: FlagChange;
  readonly isBind: boolean;
  /** rbind: with what is mounted below the source. */
  readonly isRecursive: boolean;
  /** MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, each perhaps with MS_REC; in order. */
  readonly propagation: readonly number[];
  /** Owners go through the mount's (or container's) id mappings. */
  readonly isIdMapped: boolean;
  /** tmpfs: begins with a copy of what it covers. */
  readonly copiesUp: boolean;
  /** For the filesystem: "size=64m,mode=1777". */
  readonly data: string;
}

const ATIME = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;

/** Name → bits set and bits cleared. The ways to keep access times exclude each other. */
const FLAGS: Readonly<Record<string, FlagChange>> = {
  ro: { set: MS_RDONLY, clear: 0 },
  rw: { set: 0, clear: MS_RDONLY },
  nosuid: { set: MS_NOSUID, clear: 0 },
  suid: { set: 0, clear: MS_NOSUID },
  nodev: { set: MS_NODEV, clear: 0 },
  dev: { set: 0, clear: MS_NODEV },
  noexec: { set: MS_NOEXEC, clear: 0 },
  exec: { set: 0, clear: MS_NOEXEC },
  noatime: { set: MS_NOATIME, clear: ATIME },
  atime: { set: 0, clear: MS_NOATIME },
  relatime: { set: MS_RELATIME, clear: ATIME },
  norelatime: { set: 0, clear: MS_RELATIME },
  strictatime: { set: MS_STRICTATIME, clear: ATIME },
  nostrictatime: { set: 0, clear: MS_STRICTATIME },
  nodiratime: { set: MS_NODIRATIME, clear: 0 },
  diratime: { set: 0, clear: MS_NODIRATIME },
  nosymfollow: { set: MS_NOSYMFOLLOW, clear: 0 },
  symfollow: { set: 0, clear: MS_NOSYMFOLLOW },
};

/** MS_* that an option word of mountinfo sets (proc(5)); 0 for one that is the filesystem's own. */
export const mountFlag = (word: string): number => (Object.hasOwn(FLAGS, word) ? FLAGS[word].set : 0);

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS_PRIVATE,
  slave: MS_SLAVE,
  shared: MS_SHARED,
  unbindable: MS_UNBINDABLE,
};

/** MS_* of "private", "rslave" …; null for another word. */
export const propagationOf = (word: string): number | null => {
  if (word in PROPAGATION) return PROPAGATION[word];
  const rest = word.slice(1);
  return word.startsWith("r") && rest in PROPAGATION ? PROPAGATION[rest] | MS_REC : null;
};

/** Without effect: writes go through at once; times and access lists are the host filesystem's affair. */
const WITHOUT = new Set(
  "defaults async sync dirsync remount acl noacl mand nomand lazytime nolazytime loud silent iversion noiversion".split(" "),
);

const NOTHING: FlagChange = { set: 0, clear: 0 };
const and = (before: FlagChange, next: FlagChange): FlagChange => ({
  set: (before.set & ~next.clear) | next.set,
  clear: (before.clear & ~next.set) | next.clear,
});

export const applyFlags = (flags: number, { set, clear }: FlagChange): number => (flags & ~clear) | set;

export const parseMountOptions = (options: readonly string[]): MountOptions => {
  let own = NOTHING;
  let all = NOTHING;
  let bind = 0;
  let isIdMapped = false;
  let copiesUp = false;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const option of options) {
    const flags = FLAGS[option];
    const recursive = option.startsWith("r") ? FLAGS[option.slice(1)] : undefined;
    const type = propagationOf(option);
    if (flags !== undefined) own = and(own, flags);
    else if (recursive !== undefined) all = and(all, recursive);
    else if (type !== null) propagation.push(type);
    else if (option === "bind") bind |= MS_BIND;
    else if (option === "rbind") bind |= MS_BIND | MS_REC;
    else if (option === "idmap" || option === "ridmap") isIdMapped = true;
    else if (option === "tmpcopyup") copiesUp = true;
    else if (!WITHOUT.has(option)) data.push(option);
  }
  const isBind = bind !== 0;
  return { own, all, isBind, isRecursive: (bind & MS_REC) !== 0, propagation, isIdMapped, copiesUp, data: data.join(",") };
};
