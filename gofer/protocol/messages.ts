/**
 * The messages between sentry (which asks) and gofer (which answers). A request is the array
 * [id, ...request fields], an answer [0, ...reply fields] or [negative errno]. At most one fd
 * travels beside an answer. A message is never larger than the bounds below.
 */
import { UTIME_NOW } from "../../syscall-tables/flags/open.ts";
import { attributes } from "./attributes.ts";
import { bits, bytes, type Field, type Fields, int, list, name, nodeId, text, wide } from "./fields.ts";
import { ROW_BYTES } from "./packed.ts";

export const MAX_REQUEST = 80 * 1024;
export const MAX_REPLY = 160 * 1024;
/** XATTR_SIZE_MAX. */
export const MAX_XATTR = 65536;
/** PATH_MAX less its NUL. */
export const MAX_TARGET = 4095;
export const MAX_WALK = 16;
/** Links that one walk meets. */
export const MAX_WALK_LINKS = 8;
/** Bytes of entries that a walk brings along: a directory of one block. */
export const MAX_WALK_LISTING = 4096;
export const MAX_STATS = 128;
export const MAX_FORGET = 128;
/** Bytes of entries in one answer to `readdir`. */
export const MAX_LISTING = 65536;
/** Bytes of records in one answer to `scan`; the least and most that may be asked for. */
export const MAX_SCAN = 128 * 1024;
export const MIN_SCAN = 4096;
/** Directories that one `scan` may name. */
export const MAX_SCAN_NAMES = 256;

/** walk: donate a read-only fd of the last component when it is a regular file. */
export const WALK_OPEN = 1;
/** walk: go on behind symbolic links whose targets are names one below the other. */
export const WALK_LINKS = 2;
/** walk: list the directory in which a name is missing, if it is small. */
export const WALK_LIST = 4;

/** scan: attributes of everything, not of directories alone. */
export const SCAN_FULL = 1;

/** open: the flags that a request may carry (O_ACCMODE, O_APPEND, O_NONBLOCK). */
export const OPEN_FLAGS = 0o3 | 0o2000 | 0o4000;

/** setattr: which fields count. */
export const SET_MODE = 1;
export const SET_UID = 2;
export const SET_GID = 4;
export const SET_SIZE = 8;

export interface Message<Request extends readonly unknown[], Reply extends readonly unknown[]> {
  readonly id: number;
  readonly request: readonly Field<unknown>[];
  readonly reply: readonly Field<unknown>[];
  /** Type only: what its fields hold. */
  readonly values?: { readonly request: Request; readonly reply: Reply };
}

const message = <Request extends readonly unknown[], Reply extends readonly unknown[]>(
  id: number,
  request: readonly [...Fields<Request>],
  reply: readonly [...Fields<Reply>],
): Message<Request, Reply> => ({ id, request, reply });

const u32 = (label: string): Field<number> => int(label, 0, 0xffff_ffff);
const permissions = int("mode", 0, 0o7777);
const xattrName = text("name", 255);
const nsec = (label: string): Field<number> => int(label, 0, UTIME_NOW);

/** A directory that the sentry need not hold: names below a node, one after the other, no links. */
const directory = [nodeId("node"), list(name("path"), 0, MAX_WALK)] as const;

/** The root of a tree. */
export const attach = message(1, [int("tree", 0, 255)], [attributes("root", 1), int("isReadOnly", 0, 1)]);

/**
 * Looks up `names` one below the other, as far as it gets: `found` has a row per component.
 * It stops behind anything but a directory. `error` tells why the next component has no
 * row, 0 when it was not asked for. `targets` are those of the symlinks met, the last of which may have been followed or not:
 * with WALK_LINKS the target's names take the link's place, below the directory it stands in, or below `root` (0: none) when they
 * begin with a slash. `isListed`: `entries` is all that the directory without the next component holds. `hasXattrs`:
 * 0 when the file whose fd is donated has no extended attribute that is shown.
 */
export const walk = message(
  2,
  [
    nodeId("node"),
    list(name("names"), 1, MAX_WALK),
    bits("flags", WALK_OPEN | WALK_LINKS | WALK_LIST),
    int("root", 0, Number.MAX_SAFE_INTEGER),
  ],
  [
    int("error", -4095, 0),
    attributes("found", MAX_WALK),
    list(text("targets", MAX_TARGET), 0, MAX_WALK_LINKS),
    int("isListed", 0, 1),
    bytes("entries", MAX_WALK_LISTING),
    int("hasXattrs", 0, 1),
  ],
);

/** The next entries of a directory as packed.ts has them; `restart` begins a new listing, which ends with `isLast`. */
export const readdir = message(3, [...directory, int("restart", 0, 1)], [int("isLast", 0, 1), bytes("entries", MAX_LISTING)]);

/** Attributes of names in a directory: packed rows in the same order, MODE 0 for what is not there. */
export const stats = message(4, [...directory, list(name("names"), 1, MAX_STATS)], [bytes("rows", MAX_STATS * ROW_BYTES)]);

/** Fresh attributes, a row per node; MODE is 0 for one that is gone. */
export const getattr = message(5, [list(nodeId("nodes"), 1, MAX_STATS)], [attributes("rows", MAX_STATS)]);

/** Donates an fd. */
export const open = message(6, [nodeId("node"), bits("flags", OPEN_FLAGS)], []);

/** A new regular file; donates an fd opened for reading and writing. */
export const create = message(7, [nodeId("parent"), name("name"), permissions, u32("uid"), u32("gid")], [attributes("child", 1)]);

export const mkdir = message(8, [nodeId("parent"), name("name"), permissions, u32("uid"), u32("gid")], [attributes("child", 1)]);

/** A fifo, a socket, or (a character device) a whiteout: `mode` has the type. */
export const mknod = message(9, [nodeId("parent"), name("name"), int("mode", 0, 0xffff), u32("uid"), u32("gid")], [attributes("child", 1)]);

export const symlink = message(
  10,
  [nodeId("parent"), name("name"), text("target", MAX_TARGET), u32("uid"), u32("gid")],
  [attributes("child", 1)],
);

/** One more name for `target`; its attributes come back. */
export const link = message(11, [nodeId("parent"), name("name"), nodeId("target")], [attributes("target", 1)]);

/** An unnamed file (O_TMPFILE); donates an fd opened for reading and writing. */
export const tmpfile = message(12, [nodeId("parent"), permissions, u32("uid"), u32("gid")], [attributes("child", 1)]);

export const unlink = message(13, [nodeId("parent"), name("name")], []);
export const rmdir = message(14, [nodeId("parent"), name("name")], []);

/** renameat2(2) with RENAME_NOREPLACE (1), RENAME_EXCHANGE (2) or RENAME_WHITEOUT (4). */
export const rename = message(15, [nodeId("parent"), name("name"), nodeId("newParent"), name("newName"), bits("flags", 7)], []);

/** `mask`: SET_*. A time is left alone by UTIME_OMIT. Steps before a failing one stay done, as in chown(2) followed by chmod(2). */
export const setattr = message(
  16,
  [
    nodeId("node"),
    bits("mask", SET_MODE | SET_UID | SET_GID | SET_SIZE),
    permissions,
    u32("uid"),
    u32("gid"),
    int("size", 0, Number.MAX_SAFE_INTEGER),
    wide("atime"),
    nsec("atimeNsec"),
    wide("mtime"),
    nsec("mtimeNsec"),
  ],
  [attributes("now", 1)],
);

export const readlink = message(17, [nodeId("node")], [text("target", MAX_TARGET)]);
export const getxattr = message(18, [nodeId("node"), xattrName], [bytes("value", MAX_XATTR)]);
/** `flags`: XATTR_CREATE 1, XATTR_REPLACE 2. */
export const setxattr = message(19, [nodeId("node"), xattrName, bytes("value", MAX_XATTR), bits("flags", 3)], []);
export const listxattr = message(20, [nodeId("node")], [list(xattrName, 0, MAX_XATTR / 2)]);
export const removexattr = message(21, [nodeId("node"), xattrName], []);

/** The figures of FilesystemStatistics, in its order. */
export const statfs = message(22, [nodeId("node")], [list(wide("figures"), 8, 8)]);

/** The sentry will not name these nodes again. Without an answer. */
export const forget = message(23, [list(nodeId("nodes"), 1, MAX_FORGET)], []);

/**
 * The sentry runs on this CPU: a gofer beside it answers sooner, for one of the two always
 * sleeps and handing over on one CPU is cheap (docs/adr/0006). Without an answer.
 */
export const place = message(24, [int("cpu", 0, 1023)], []);

/**
 * A tree walk has come to `names[0]` of a directory: what it, and then the other names hold, with
 * all that is below them, depth first, in records of packed.ts, until `budget` bytes are full. The
 * first directory comes whatever the budget, unless MAX_SCAN is too small for it: then nothing
 * comes. SCAN_FULL: attributes and link targets of all entries. Other devices are left out.
 */
export const scan = message(
  25,
  [...directory, list(name("names"), 1, MAX_SCAN_NAMES), int("budget", MIN_SCAN, MAX_SCAN), bits("flags", SCAN_FULL)],
  [bytes("records", MAX_SCAN)],
);

/** What is watched on the host: what host processes change. IN_OPEN, IN_ACCESS and the like would tell of the gofer itself. */
export const WATCH_MASK = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800;

/** Donates the fd of the one inotify instance. */
export const inotify = message(26, [], []);
/** Watches a file or directory on it: the watch descriptor. */
export const watch = message(27, [nodeId("node"), bits("mask", WATCH_MASK)], [int("wd", 1, 0x7fff_ffff)]);
export const unwatch = message(28, [int("wd", 1, 0x7fff_ffff)], []);

/** Requests that get no answer. */
export const isOneWay = (id: number): boolean => id === forget.id || id === place.id;

export const MAX_MESSAGE_ID = 28;
