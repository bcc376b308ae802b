import { renameAt, statAt, unlinkAt } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, RENAME_EXCHANGE } from "../../syscall-tables/flags/open.ts";
import { EXDEV } from "../protocol/errno.ts";
import { rename, rmdir, unlink } from "../protocol/messages.ts";
import { handle, writableNode } from "./handler.ts";
import type { FileServer } from "./server.ts";
import type { Node } from "./tree.ts";

/** What the sentry holds under a name, if anything. */
const held = (server: FileServer, parent: Node, parentFd: number, name: string): Node | undefined =>
  statAt(parentFd, name, AT_SYMLINK_NOFOLLOW) < 0 ? undefined : server.nodes.known(parent.tree);

const remove = (server: FileServer, parentId: number, name: string, flags: number): readonly [0] | number => {
  const parent = writableNode(server, parentId);
  if (typeof parent === "number") return parent;
  const parentFd = server.nodes.fd(parent);
  if (parentFd < 0) return parentFd;
  const node = held(server, parent, parentFd, name);
  if (node !== undefined) server.nodes.pin(node);
  const result = unlinkAt(parentFd, name, flags);
  if (result < 0 && node !== undefined) server.nodes.move(node, parent, name);
  return result < 0 ? result : [0];
};

export const onUnlink = handle(unlink, (server, parentId, name) => remove(server, parentId, name, 0));
export const onRmdir = handle(rmdir, (server, parentId, name) => remove(server, parentId, name, AT_REMOVEDIR));

export const onRename = handle(rename, (server, parentId, name, newParentId, newName, flags) => {
  const parent = writableNode(server, parentId);
  if (typeof parent === "number") return parent;
  const newParent = writableNode(server, newParentId);
  if (typeof newParent === "number") return newParent;
  if (parent.tree !== newParent.tree) return EXDEV;
  const parentFd = server.nodes.fd(parent);
  if (parentFd < 0) return parentFd;
  const newParentFd = server.nodes.fd(newParent);
  if (newParentFd < 0) return newParentFd;
  const moved = held(server, parent, parentFd, name);
  const victim = held(server, newParent, newParentFd, newName);
  if (victim !== undefined && victim !== moved) server.nodes.pin(victim);
  const result = renameAt(parentFd, name, newParentFd, newName, flags);
  if (result < 0) {
    if (victim !== undefined) server.nodes.move(victim, newParent, newName);
    return result;
  }
  if (moved !== undefined) server.nodes.move(moved, newParent, newName);
  if (victim !== undefined && victim !== moved && flags === RENAME_EXCHANGE) server.nodes.move(victim, parent, name);
  return [0];
});
