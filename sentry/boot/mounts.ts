/** The guest's mount tree, as the config lists it. */
import type { MountConfig } from "../../runtime/sandbox/config.ts";
import { ENODEV, ENOENT, type Errno, isErrno } from "../abi/errno.ts";
import { GoferFilesystem } from "../fs/gofer/filesystem.ts";
import { Overlay } from "../fs/overlay/overlay.ts";
import type { GoferClient } from "../host/gofer-client.ts";
import type { Kernel } from "../kernel.ts";
import type { Filesystem } from "../vfs/filesystem.ts";
import { S_IFDIR } from "../vfs/inode.ts";
import { MS_RDONLY, MS_RELATIME } from "../vfs/mount.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import { overmounted } from "../vfs/tree.ts";

/** Config type → the name that mount(2) knows. */
const REGISTERED: Partial<Record<MountConfig["type"], string>> = {
  tmpfs: "tmpfs",
  proc: "proc",
  sysfs: "sysfs",
  devpts: "devpts",
  dev: "devtmpfs",
};

/** `memoryShare`: bytes that a filesystem in memory may take where its options do not say. */
const filesystemOf = (kernel: Kernel, gofer: GoferClient, mount: MountConfig, memoryShare: number): Filesystem | Errno => {
  if (mount.type === "gofer" || mount.type === "overlay") {
    const isImmutable = mount.type === "overlay";
    const tree = GoferFilesystem.attach(gofer, mount.goferTree, kernel.vfs.allocateDevice(), { isImmutable });
    return isErrno(tree) || !isImmutable ? tree : new Overlay(kernel, tree, { size: memoryShare });
  }
  const factory = kernel.vfs.filesystemType(REGISTERED[mount.type] ?? mount.type);
  return factory ? factory(null, mount.type, mount.options) : ENODEV;
};

/** mkdir -p for a mount point that the root does not have; the overlay takes it in memory. */
const makeDirectories = (kernel: Kernel, namespace: MountNamespace, target: string): void => {
  let place = overmounted(namespace.root, namespace.root.root);
  for (const name of target.split("/")) {
    if (name === "" || name === ".") continue;
    const known = kernel.vfs.child(null, place, name);
    if (isErrno(known) && known === ENOENT) place.dentry.inode.create(name, S_IFDIR | 0o755, 0, 0, 0);
    const next = isErrno(known) ? kernel.vfs.child(null, place, name) : known;
    if (isErrno(next)) return;
    place = next;
  }
};

const refuse = (mount: MountConfig, error: number): never => {
  throw new Error(`mount of ${mount.type} on ${mount.target}: errno ${-error}`);
};

/** Mounts everything in order; the first one is the root. Throws an Error that names the mount that failed. */
export const buildMounts = (kernel: Kernel, gofer: GoferClient, mounts: readonly MountConfig[], memoryShare: number): MountNamespace => {
  let namespace: MountNamespace | null = null;
  for (const mount of mounts) {
    const fs = filesystemOf(kernel, gofer, mount, memoryShare);
    if (isErrno(fs)) return refuse(mount, fs);
    const flags = MS_RELATIME | (mount.readOnly ? MS_RDONLY : 0);
    if (namespace === null) {
      namespace = kernel.vfs.createNamespace(fs, mount.type, flags);
      continue;
    }
    makeDirectories(kernel, namespace, mount.target);
    const placed = kernel.vfs.mountAt(namespace, mount.target, fs, mount.type, flags);
    if (isErrno(placed)) return refuse(mount, placed);
  }
  return namespace as MountNamespace;
};
