/** Finding a directory that the sentry names by a node and a path below it. */

import { closeFd, openAt } from "../../native/ffi/file-calls-unsafe.ts";
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, S_IFDIR } from "../../syscall-tables/flags/open.ts";
import { ENOTDIR } from "../protocol/errno.ts";
import { nodeOf } from "./handler.ts";
import type { FileServer } from "./server.ts";
import type { Tree } from "./tree.ts";

const O_PATH_DIRECTORY = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** A directory in use while one request is answered. */
export interface Place {
  readonly tree: Tree;
  /** O_PATH. */
  readonly fd: number;
  /** The fd is the place's own and not a node's. */
  readonly isOwn: boolean;
}

/** Goes down `path` a name at a time, never through a link. A negative errno when it is not there. */
export const enter = (server: FileServer, id: number, path: readonly string[]): Place | number => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  if (node.type !== S_IFDIR) return ENOTDIR;
  let fd = server.nodes.fd(node);
  if (fd < 0) return fd;
  for (let i = 0; i < path.length; i++) {
    const next = openAt(fd, path[i], O_PATH_DIRECTORY);
    if (i > 0) closeFd(fd);
    if (next < 0) return next;
    fd = next;
  }
  return { tree: node.tree, fd, isOwn: path.length > 0 };
};

export const leave = (place: Place): void => {
  if (place.isOwn) closeFd(place.fd);
};
