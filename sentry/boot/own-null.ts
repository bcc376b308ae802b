/**
 * A container's standard file that is the host's /dev/null is the container's own instead, for reading and writing whatever the
 * host's was opened for (reOpenDevNull of runc): engines give one that is open for reading as an output that nobody wants.
 */
import { O_RDWR, S_IFCHR, S_IFMT } from "../../syscall-tables/flags/open.ts";
import { isErrno } from "../abi/errno.ts";
import { NullFile } from "../fs/dev/memory-devices.ts";
import type { Kernel } from "../kernel.ts";
import { makedev } from "../vfs/devices.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { placeAt } from "./place.ts";

const NULL_DEVICE = makedev(1, 3);

export const ownNull = (kernel: Kernel, namespace: MountNamespace, file: OpenFile): OpenFile => {
  const { mode, rdev } = file.inode;
  if ((mode & S_IFMT) !== S_IFCHR || rdev !== NULL_DEVICE) return file;
  const at = placeAt(kernel, namespace, "/dev/null");
  if (isErrno(at) || at.dentry.inode.rdev !== NULL_DEVICE) return file;
  const own = new NullFile(at.dentry.inode, at, O_RDWR);
  file.put();
  return own;
};
