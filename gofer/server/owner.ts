/** Who owns what the guest makes. */
import { chownFd } from "../../native/ffi/file-calls-unsafe.ts";
import { EINVAL, EOVERFLOW, EPERM } from "../protocol/errno.ts";
import { diskId } from "./id-map.ts";
import type { FileServer } from "./server.ts";
import type { Tree } from "./tree.ts";

/** As it is stored; -1 when the tree's mapping has no such id. */
export const hostUid = (server: FileServer, tree: Tree, uid: number): number =>
  diskId(tree.uids, server.ownerMap !== null && uid === server.ownerMap.guestUid ? server.ownerMap.hostUid : uid);

export const hostGid = (server: FileServer, tree: Tree, gid: number): number =>
  diskId(tree.gids, server.ownerMap !== null && gid === server.ownerMap.guestGid ? server.ownerMap.hostGid : gid);

/** EOVERFLOW for a tree on whose disk these ids cannot stand: nothing can be made by them there (may_create). */
export const mayOwn = (server: FileServer, tree: Tree, uid: number, gid: number): number =>
  hostUid(server, tree, uid) < 0 || hostGid(server, tree, gid) < 0 ? EOVERFLOW : 0;

/**
 * Gives a new file to the guest's ids. Without the privilege (EPERM), or for ids that the
 * gofer's user namespace does not have (EINVAL), it stays the gofer's: a rootless container
 * has but one owner.
 */
export const giveTo = (server: FileServer, tree: Tree, fd: number, uid: number, gid: number): number => {
  const result = chownFd(fd, hostUid(server, tree, uid), hostGid(server, tree, gid));
  return result === EPERM || result === EINVAL ? 0 : result;
};
