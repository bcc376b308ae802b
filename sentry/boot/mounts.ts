/** The guest's mount tree, as the config lists it. */
import type { MountConfig } from "../../runtime/sandbox/config.ts";
import { ENODEV, ENOTDIR, type Errno, isErrno } from "../abi/errno.ts";
import { GoferFilesystem } from "../fs/gofer/filesystem.ts";
import { Overlay } from "../fs/overlay/overlay.ts";
import type { GoferClient } from "../host/gofer-client.ts";
import type { Kernel } from "../kernel.ts";
import type { Filesystem } from "../vfs/filesystem.ts";
import { Mount, MS_RDONLY } from "../vfs/mount.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import { mountFlags } from "../vfs/mounting.ts";
import { placeAt } from "./place.ts";

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

const refuse = (mount: MountConfig, error: number): never => {
  throw new Error(`mount of ${mount.type} on ${mount.target}: errno ${-error}`);
};

/** Mounts everything in order; the first one is the root. Throws an Error that names the mount that failed. */
export const buildMounts = (kernel: Kernel, gofer: GoferClient, mounts: readonly MountConfig[], memoryShare: number): MountNamespace => {
  let namespace: MountNamespace | null = null;
  for (const mount of mounts) {
    const fs = filesystemOf(kernel, gofer, mount, memoryShare);
    if (isErrno(fs)) return refuse(mount, fs);
    const flags = mountFlags(mount.flags | (mount.readOnly ? MS_RDONLY : 0));
    if (namespace === null) {
      namespace = kernel.vfs.createNamespace(fs, mount.type, flags);
      continue;
    }
    const place = placeAt(kernel, namespace, mount.target, fs.root.isDirectory ? "directory" : "file");
    if (isErrno(place)) return refuse(mount, place);
    if (place.dentry.inode.isDirectory !== fs.root.isDirectory) return refuse(mount, ENOTDIR);
    namespace.attach(kernel.vfs.newMount(fs, mount.type, flags), place.mount, place.dentry);
  }
  return namespace as MountNamespace;
};

/** maskedPaths and readonlyPaths of config.json: what does not exist needs neither. */
export const restrictPaths = (kernel: Kernel, namespace: MountNamespace, masked: readonly string[], readOnly: readonly string[]): void => {
  for (const path of readOnly) {
    const place = placeAt(kernel, namespace, path);
    if (isErrno(place)) continue;
    namespace.attach(new Mount(place.mount.fs, place.dentry, place.mount.flags | MS_RDONLY, place.mount.source), place.mount, place.dentry);
  }
  const nothing = placeAt(kernel, namespace, "/dev/null");
  for (const path of masked) {
    const place = placeAt(kernel, namespace, path);
    if (isErrno(place)) continue;
    if (place.dentry.inode.isDirectory) {
      const empty = kernel.vfs.filesystemType("tmpfs")?.(null, "tmpfs", "") ?? ENODEV;
      if (!isErrno(empty)) namespace.attach(kernel.vfs.newMount(empty, "tmpfs", mountFlags(MS_RDONLY)), place.mount, place.dentry);
    } else if (!isErrno(nothing)) {
      namespace.attach(new Mount(nothing.mount.fs, nothing.dentry, nothing.mount.flags, nothing.mount.source), place.mount, place.dentry);
    }
  }
};
