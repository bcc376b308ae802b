/**
 * Extended attributes (xattr(7)). The guest may read and write its own ("user.") and file
 * capabilities, which execve(2) needs and images bring. The rest means something to the host: trusted.
 * and other security. must not be made by a guest, and access control lists would be enforced by
 * nobody.
 */

import { closeFd, data, getXattrFd, listXattrFd, openAt, removeXattrFd, setXattrFd } from "../../native/ffi/file-calls-unsafe.ts";
import { O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDONLY, S_IFDIR, S_IFREG } from "../../syscall-tables/flags/open.ts";
import { EACCES, ENODATA, EOPNOTSUPP, EPERM } from "../protocol/errno.ts";
import { getxattr, listxattr, removexattr, setxattr } from "../protocol/messages.ts";
import { isReadableXattr } from "../protocol/xattr.ts";
import { handle, nodeOf, writableNode } from "./handler.ts";
import type { FileServer } from "./server.ts";
import type { Node } from "./tree.ts";

/** Links, pipes, sockets and devices have none of the readable kinds, so those are never opened. */
const hasXattrs = (node: Node): boolean => node.type === S_IFREG || node.type === S_IFDIR;

/**
 * Linux wants no read permission for names and file capabilities, so a file that the caller of
 * Moat may not open is shown as one without any: `ls -l` asks this of every file.
 *
 * O_PATH fds serve no f…xattr call: a real one, for `action` only.
 */
const withFile = (server: FileServer, node: Node, action: (fd: number) => number): number => {
  const pathFd = server.nodes.fd(node);
  if (pathFd < 0) return pathFd;
  const fd = openAt(server.procFd, String(pathFd), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return fd;
  const result = action(fd);
  closeFd(fd);
  return result;
};

export const onGetxattr = handle(getxattr, (server, id, name) => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  if (!isReadableXattr(name) || !hasXattrs(node)) return ENODATA;
  const length = withFile(server, node, (fd) => getXattrFd(fd, name));
  if (length === EACCES) return ENODATA;
  return length < 0 ? length : [0, data.subarray(0, length)];
});

export const onListxattr = handle(listxattr, (server, id) => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  if (!hasXattrs(node)) return [0, []];
  const length = withFile(server, node, listXattrFd);
  if (length === EOPNOTSUPP || length === EACCES) return [0, []];
  return length < 0 ? length : [0, data.toString("latin1", 0, length).split("\0").filter(isReadableXattr)];
});

export const onSetxattr = handle(setxattr, (server, id, name, value, flags) => {
  const node = writableNode(server, id);
  if (typeof node === "number") return node;
  if (!isReadableXattr(name)) return EOPNOTSUPP;
  if (!hasXattrs(node)) return EPERM;
  const result = withFile(server, node, (fd) => setXattrFd(fd, name, value, flags));
  return result < 0 ? result : [0];
});

export const onRemovexattr = handle(removexattr, (server, id, name) => {
  const node = writableNode(server, id);
  if (typeof node === "number") return node;
  if (!isReadableXattr(name)) return EOPNOTSUPP;
  if (!hasXattrs(node)) return EPERM;
  const result = withFile(server, node, (fd) => removeXattrFd(fd, name));
  return result < 0 ? result : [0];
});
