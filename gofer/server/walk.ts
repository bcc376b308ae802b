import { closeFd, data, listXattrFd, openAt, readDirectoryFd, readlinkAt } from "../../native/ffi/file-calls-unsafe.ts";
import { O_CLOEXEC, O_DIRECTORY, S_IFDIR, S_IFLNK, S_IFREG } from "../../syscall-tables/flags/open.ts";
import { ATTRIBUTE_COUNT, MODE } from "../protocol/attributes.ts";
import { EIO, ENOENT, EOPNOTSUPP } from "../protocol/errno.ts";
import { isAbsolute, targetNames } from "../protocol/link-target.ts";
import { MAX_TARGET, MAX_WALK, MAX_WALK_LINKS, MAX_WALK_LISTING, WALK_LINKS, WALK_LIST, WALK_OPEN, walk } from "../protocol/messages.ts";
import { isReadableXattr } from "../protocol/xattr.ts";
import { pushAttributes } from "./attributes.ts";
import { handle, nodeOf } from "./handler.ts";
import { openNode } from "./open.ts";
import { copyEntries } from "./readdir.ts";
import type { FileServer } from "./server.ts";
import type { Node } from "./tree.ts";

const NO_ENTRIES = Buffer.alloc(0);
const entries = Buffer.alloc(MAX_WALK_LISTING);
/** Any x bit: of what may be executed the sentry wants to know the capabilities. */
const ANY_EXEC = 0o111;

/** The target, "" for one that cannot be told. */
const readTarget = (server: FileServer, link: Node): string => {
  const fd = server.nodes.fd(link);
  const length = fd < 0 ? fd : readlinkAt(fd, "");
  return length > 0 && length <= MAX_TARGET ? data.toString("latin1", 0, length) : "";
};

/** All that `dir` holds, or null for one that is not small. */
const listSmall = (server: FileServer, dir: Node): Buffer | null => {
  if (dir.size > MAX_WALK_LISTING) return null;
  const dirFd = server.nodes.fd(dir);
  const fd = dirFd < 0 ? dirFd : openAt(dirFd, ".", O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return null;
  let used = 0;
  let length = 0;
  do {
    length = readDirectoryFd(fd, data.length);
    if (length > MAX_WALK_LISTING - used) length = EIO;
    else if (length > 0) used = copyEntries(entries, used, dir.tree, length);
  } while (length > 0);
  closeFd(fd);
  return length < 0 ? null : entries.subarray(0, used);
};

/** 0 when the file certainly has none that are shown. */
const hasXattrs = (fd: number): number => {
  const length = listXattrFd(fd);
  if (length <= 0) return length === 0 || length === EOPNOTSUPP ? 0 : 1;
  return data.toString("latin1", 0, length).split("\0").some(isReadableXattr) ? 1 : 0;
};

export const onWalk = handle(walk, (server, id, names, flags, rootId) => {
  const start = nodeOf(server, id);
  if (typeof start === "number") return start;
  const found: number[] = [];
  const targets: string[] = [];
  let left: readonly string[] = names;
  let at = 0;
  let dir = start;
  let last: Node | null = null;
  let error = 0;
  while (at < left.length && found.length < MAX_WALK * ATTRIBUTE_COUNT) {
    const child = server.nodes.child(dir, left[at]);
    if (typeof child === "number") {
      error = child;
      break;
    }
    at++;
    pushAttributes(found, server, child.tree, child.id);
    if (child.type === S_IFDIR) {
      dir = child;
      continue;
    }
    last = child;
    if (child.type !== S_IFLNK) break;
    const target = readTarget(server, child);
    if (target === "" || targets.push(target) === MAX_WALK_LINKS || (flags & WALK_LINKS) === 0) break;
    const next = targetNames(target);
    const base = isAbsolute(target) ? server.nodes.get(rootId) : dir;
    if (next === null || base === undefined || base.type !== S_IFDIR || base.tree !== dir.tree) break;
    last = null;
    dir = base;
    left = at < left.length ? [...next, ...left.slice(at)] : next;
    at = 0;
  }
  let xattrs = 1;
  if (last !== null && last.type === S_IFREG && (flags & WALK_OPEN) !== 0) {
    // Best effort: a failing open is asked for again by `open`, which says why.
    const fd = openNode(server, last, 0);
    if (fd >= 0) {
      server.donate(fd);
      if ((found[found.length - ATTRIBUTE_COUNT + MODE] & ANY_EXEC) !== 0) xattrs = hasXattrs(fd);
    }
  }
  const listed = error === ENOENT && (flags & WALK_LIST) !== 0 ? listSmall(server, dir) : null;
  return [0, error, found, targets, listed === null ? 0 : 1, listed ?? NO_ENTRIES, xattrs];
});
