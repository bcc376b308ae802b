import {
  chmodAt,
  closeFd,
  linkAt,
  mkdirAt,
  mknodAt,
  openAt,
  stat,
  statAt,
  symlinkAt,
  unlinkAt,
} from "../../native/ffi/file-calls-unsafe.ts";
import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
} from "../../syscall-tables/flags/open.ts";
import { EPERM, EXDEV } from "../protocol/errno.ts";
import { create, link, mkdir, mknod, symlink, tmpfile } from "../protocol/messages.ts";
import { pushAttributes } from "./attributes.ts";
import { type Answer, handle, nodeOf, writableNode } from "./handler.ts";
import { giveTo, mayOwn } from "./owner.ts";
import type { FileServer } from "./server.ts";
import type { Node } from "./tree.ts";

const NEW_FILE = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

/** Sets owner and (what chown(2) clears) the set-id bits of a new file; its attributes are the answer. */
const finish = (server: FileServer, node: Node, mode: number, uid: number, gid: number): Answer<[number[]]> => {
  const fd = server.nodes.fd(node);
  let result = giveTo(server, node.tree, fd, uid, gid);
  if (result >= 0 && node.type !== S_IFLNK) {
    result = statAt(fd, "", AT_EMPTY_PATH);
    // A set-group-id directory passes its bit and group on; the sentry has decided about both.
    const isOff = result >= 0 && (stat.mode() & 0o7777) !== mode;
    if (isOff && (node.type === S_IFDIR || (mode & (S_ISUID | S_ISGID)) !== 0)) result = chmodAt(server.procFd, String(fd), mode);
  }
  if (result >= 0) result = statAt(fd, "", AT_EMPTY_PATH);
  if (result < 0) return result;
  const child: number[] = [];
  pushAttributes(child, server, node.tree, node.id);
  return [0, child];
};

/** The node of a name just made, removed again when it cannot be had. */
const made = (server: FileServer, parent: Node, name: string, type: number, mode: number, uid: number, gid: number): Answer<[number[]]> => {
  const node = server.nodes.child(parent, name);
  // Someone on the host may have put another file there: it is not ours to change.
  if (typeof node !== "number") return node.type === type ? finish(server, node, mode, uid, gid) : EPERM;
  unlinkAt(server.nodes.fd(parent), name, type === S_IFDIR ? AT_REMOVEDIR : 0);
  return node;
};

/** The node of an open new file: the same inode for certain, whatever its name refers to by now. */
const opened = (server: FileServer, parent: Node, name: string, fd: number, mode: number, uid: number, gid: number): Answer<[number[]]> => {
  const pathFd = openAt(server.procFd, String(fd), O_PATH | O_CLOEXEC);
  const node = pathFd < 0 ? pathFd : server.nodes.adopt(parent, name, pathFd);
  if (typeof node !== "number" && name === "") server.nodes.pin(node);
  const answer = typeof node === "number" ? node : finish(server, node, mode, uid, gid);
  if (typeof answer === "number") closeFd(fd);
  else server.donate(fd);
  return answer;
};

export const onCreate = handle(create, (server, parentId, name, mode, uid, gid) => {
  const parent = writableNode(server, parentId);
  if (typeof parent === "number") return parent;
  const refused = mayOwn(server, parent.tree, uid, gid);
  if (refused < 0) return refused;
  const parentFd = server.nodes.fd(parent);
  if (parentFd < 0) return parentFd;
  const fd = openAt(parentFd, name, NEW_FILE, mode);
  if (fd < 0) return fd;
  const answer = opened(server, parent, name, fd, mode, uid, gid);
  if (typeof answer === "number") unlinkAt(parentFd, name, 0);
  return answer;
});

export const onTmpfile = handle(tmpfile, (server, parentId, mode, uid, gid) => {
  const parent = writableNode(server, parentId);
  if (typeof parent === "number") return parent;
  const refused = mayOwn(server, parent.tree, uid, gid);
  if (refused < 0) return refused;
  const parentFd = server.nodes.fd(parent);
  if (parentFd < 0) return parentFd;
  const fd = openAt(parentFd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_NONBLOCK, mode);
  return fd < 0 ? fd : opened(server, parent, "", fd, mode, uid, gid);
});

export const onMkdir = handle(mkdir, (server, parentId, name, mode, uid, gid) => {
  const parent = writableNode(server, parentId);
  if (typeof parent === "number") return parent;
  const refused = mayOwn(server, parent.tree, uid, gid);
  if (refused < 0) return refused;
  const parentFd = server.nodes.fd(parent);
  if (parentFd < 0) return parentFd;
  const result = mkdirAt(parentFd, name, mode);
  return result < 0 ? result : made(server, parent, name, S_IFDIR, mode, uid, gid);
});

export const onMknod = handle(mknod, (server, parentId, name, mode, uid, gid) => {
  const parent = writableNode(server, parentId);
  if (typeof parent === "number") return parent;
  const refused = mayOwn(server, parent.tree, uid, gid);
  if (refused < 0) return refused;
  const type = mode & S_IFMT;
  // Devices on the host are nobody's to make from inside, but for 0:0, a whiteout; regular files come by `create`.
  if (type !== S_IFIFO && type !== S_IFSOCK && type !== S_IFCHR) return EPERM;
  const parentFd = server.nodes.fd(parent);
  if (parentFd < 0) return parentFd;
  const result = mknodAt(parentFd, name, mode);
  return result < 0 ? result : made(server, parent, name, type, mode & 0o7777, uid, gid);
});

export const onSymlink = handle(symlink, (server, parentId, name, target, uid, gid) => {
  const parent = writableNode(server, parentId);
  if (typeof parent === "number") return parent;
  const refused = mayOwn(server, parent.tree, uid, gid);
  if (refused < 0) return refused;
  const parentFd = server.nodes.fd(parent);
  if (parentFd < 0) return parentFd;
  const result = symlinkAt(target, parentFd, name);
  return result < 0 ? result : made(server, parent, name, S_IFLNK, 0, uid, gid);
});

export const onLink = handle(link, (server, parentId, name, targetId) => {
  const parent = writableNode(server, parentId);
  if (typeof parent === "number") return parent;
  const target = nodeOf(server, targetId);
  if (typeof target === "number") return target;
  if (target.tree !== parent.tree) return EXDEV;
  const targetFd = server.nodes.fd(target);
  if (targetFd < 0) return targetFd;
  const parentFd = server.nodes.fd(parent);
  if (parentFd < 0) return parentFd;
  const result = linkAt(server.procFd, String(targetFd), parentFd, name, AT_SYMLINK_FOLLOW);
  if (result < 0) return result;
  const seen = statAt(parentFd, name, AT_SYMLINK_NOFOLLOW);
  if (seen < 0) return seen;
  server.nodes.move(target, parent, name);
  const row: number[] = [];
  pushAttributes(row, server, target.tree, targetId);
  return [0, row];
});
