import { chmodAt, chownFd, closeFd, openAt, setTimesFd, stat, statAt, truncateFd } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_EMPTY_PATH, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_WRONLY, S_IFDIR, S_IFREG, UTIME_OMIT } from "../../syscall-tables/flags/open.ts";
import { EINVAL, EISDIR, EOVERFLOW, EPERM } from "../protocol/errno.ts";
import { SET_GID, SET_MODE, SET_SIZE, SET_UID, setattr } from "../protocol/messages.ts";
import { pushAttributes } from "./attributes.ts";
import { handle, writableNode } from "./handler.ts";
import { hostGid, hostUid } from "./owner.ts";
import type { FileServer } from "./server.ts";
import type { Node } from "./tree.ts";

const truncate = (server: FileServer, node: Node, fd: number, size: number): number => {
  if (node.type !== S_IFREG) return node.type === S_IFDIR ? EISDIR : EINVAL;
  const file = openAt(server.procFd, String(fd), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) return file;
  const result = truncateFd(file, size);
  closeFd(file);
  return result;
};

/** Unprivileged, only a change to what the file shows already succeeds. */
const chown = (fd: number, uid: number, gid: number): number => {
  const result = chownFd(fd, uid, gid);
  if (result !== EPERM && result !== EINVAL) return result;
  const seen = statAt(fd, "", AT_EMPTY_PATH);
  if (seen < 0) return seen;
  return (uid === -1 || uid === stat.uid()) && (gid === -1 || gid === stat.gid()) ? 0 : EPERM;
};

export const onSetattr = handle(setattr, (server, id, mask, mode, uid, gid, size, atime, atimeNsec, mtime, mtimeNsec) => {
  const node = writableNode(server, id);
  if (typeof node === "number") return node;
  const fd = server.nodes.fd(node);
  if (fd < 0) return fd;
  let result = 0;
  if ((mask & SET_SIZE) !== 0) result = truncate(server, node, fd, size);
  if (result >= 0 && (mask & (SET_UID | SET_GID)) !== 0) {
    const owner = (mask & SET_UID) !== 0 ? hostUid(server, node.tree, uid) : null;
    const group = (mask & SET_GID) !== 0 ? hostGid(server, node.tree, gid) : null;
    result = owner === -1 || group === -1 ? EOVERFLOW : chown(fd, owner ?? -1, group ?? -1);
  }
  // After chown(2), which clears the set-id bits.
  if (result >= 0 && (mask & SET_MODE) !== 0) result = chmodAt(server.procFd, String(fd), mode);
  if (result >= 0 && (atimeNsec !== UTIME_OMIT || mtimeNsec !== UTIME_OMIT)) result = setTimesFd(fd, atime, atimeNsec, mtime, mtimeNsec);
  if (result >= 0) result = statAt(fd, "", AT_EMPTY_PATH);
  if (result < 0) return result;
  const now: number[] = [];
  pushAttributes(now, server, node.tree, id);
  return [0, now];
});
