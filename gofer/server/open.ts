import { openAt } from "../../native/ffi/file-calls-unsafe.ts";
import { O_ACCMODE, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDONLY, S_IFDIR, S_IFREG } from "../../syscall-tables/flags/open.ts";
import { EINVAL, EISDIR, ENXIO, EROFS } from "../protocol/errno.ts";
import { open } from "../protocol/messages.ts";
import { handle, nodeOf } from "./handler.ts";
import type { FileServer } from "./server.ts";
import type { Node } from "./tree.ts";

/**
 * Opens a regular file through its own O_PATH fd, so no name is looked up again. Pipes,
 * sockets and devices are never opened: they would be the host's, and the guest's are in
 * the sentry.
 */
export const openNode = (server: FileServer, node: Node, flags: number): number => {
  if (node.type !== S_IFREG) return node.type === S_IFDIR ? EISDIR : ENXIO;
  if ((flags & O_ACCMODE) === O_ACCMODE) return EINVAL;
  if (node.tree.isReadOnly && (flags & O_ACCMODE) !== O_RDONLY) return EROFS;
  const fd = server.nodes.fd(node);
  return fd < 0 ? fd : openAt(server.procFd, String(fd), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
};

export const onOpen = handle(open, (server, id, flags) => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  const fd = openNode(server, node, flags);
  if (fd < 0) return fd;
  server.donate(fd);
  return [0];
});
