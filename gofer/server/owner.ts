/** Who owns what the guest makes. */
import { chownFd } from "../../native/ffi/file-calls-unsafe.ts";
import { EINVAL, EPERM } from "../protocol/errno.ts";
import type { FileServer } from "./server.ts";

export const hostUid = (server: FileServer, uid: number): number =>
  server.ownerMap !== null && uid === server.ownerMap.guestUid ? server.ownerMap.hostUid : uid;

export const hostGid = (server: FileServer, gid: number): number =>
  server.ownerMap !== null && gid === server.ownerMap.guestGid ? server.ownerMap.hostGid : gid;

/**
 * Gives a new file to the guest's ids. Without the privilege (EPERM), or for ids that the
 * gofer's user namespace does not have (EINVAL), it stays the gofer's: a rootless container
 * has but one owner.
 */
export const giveTo = (server: FileServer, fd: number, uid: number, gid: number): number => {
  const result = chownFd(fd, hostUid(server, uid), hostGid(server, gid));
  return result === EPERM || result === EINVAL ? 0 : result;
};
