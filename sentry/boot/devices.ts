/** What runc puts below /dev when everything is mounted: the nodes of linux.devices, links, a console (libcontainer, createDevices and setupDevSymlinks). */

import type { DeviceConfig, TreesConfig } from "../../runtime/sandbox/mount-config.ts";
import { MS_RELATIME } from "../../syscall-tables/flags/mount.ts";
import { S_IFBLK, S_IFCHR, S_IFIFO } from "../../syscall-tables/flags/open.ts";
import { EEXIST, type Errno, isErrno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import { initialUserNamespace } from "../task/user-namespace.ts";
import { addDentry, removeDentry } from "../vfs/dentry-cache.ts";
import { makedev } from "../vfs/devices.ts";

import { Mount } from "../vfs/mount.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import { placeAt } from "./place.ts";

const TYPES: Readonly<Record<DeviceConfig["type"], number>> = { c: S_IFCHR, b: S_IFBLK, p: S_IFIFO };

const LINKS: readonly (readonly [string, string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
];

const CONSOLE: DeviceConfig = { path: "/dev/console", type: "c", major: 5, minor: 1, mode: 0o620, uid: 0, gid: 0 };

/** Nodes are the host's, as those that runc binds; links are the container's root's. */
const kuid = (uid: number): number => initialUserNamespace().toKuid(uid);
const kgid = (gid: number): number => initialUserNamespace().toKgid(gid);

/** Where nodes cannot be made, as on the host's files without the right to: a node of its own filesystem over an empty file. */
const bindNode = (kernel: Kernel, namespace: MountNamespace, device: DeviceConfig): number => {
  const factory = kernel.vfs.filesystemType("tmpfs");
  const fs = factory === null ? EEXIST : factory(null, "devtmpfs", "");
  if (isErrno(fs)) return fs;
  const node = fs.root.create(
    "node",
    TYPES[device.type] | device.mode,
    kuid(device.uid),
    kgid(device.gid),
    makedev(device.major, device.minor),
  );
  if (isErrno(node)) return node;
  const mount = kernel.vfs.newMount(fs, "devtmpfs");
  const found = kernel.vfs.child(null, { mount, dentry: mount.root }, "node");
  const at = placeAt(kernel, namespace, device.path, "file");
  if (isErrno(found) || isErrno(at)) return isErrno(found) ? found : (at as Errno);
  namespace.attach(new Mount(fs, found.dentry, MS_RELATIME, "devtmpfs"), at.mount, at.dentry);
  return 0;
};

const makeDevice = (kernel: Kernel, namespace: MountNamespace, device: DeviceConfig): number => {
  const slash = device.path.lastIndexOf("/");
  const name = device.path.slice(slash + 1);
  const parent = placeAt(kernel, namespace, device.path.slice(0, slash + 1), "directory");
  if (isErrno(parent)) return parent;
  // What is there already stays, as with runc.
  if (!isErrno(kernel.vfs.child(null, parent, name))) return 0;
  const mode = TYPES[device.type] | device.mode;
  const made = parent.dentry.inode.create(name, mode, device.uid, device.gid, makedev(device.major, device.minor));
  if (!isErrno(made) || made === EEXIST) return 0;
  return device.type === "p" ? made : bindNode(kernel, namespace, device);
};

export const makeDevices = (
  kernel: Kernel,
  namespace: MountNamespace,
  { nodes, hasConsole }: NonNullable<TreesConfig["devices"]>,
): void => {
  for (const device of hasConsole ? [...nodes, CONSOLE] : nodes) {
    const error = makeDevice(kernel, namespace, device);
    if (error < 0) throw new Error(`cannot make the device ${device.path}: errno ${-error}`);
  }
  const dev = placeAt(kernel, namespace, "/dev", "directory");
  if (isErrno(dev)) throw new Error(`cannot make /dev: errno ${-dev}`);
  const { inode } = dev.dentry;
  // A devpts of the container's own has its ptmx; what the image has there is of no use.
  const ptmx = kernel.vfs.child(null, dev, "ptmx");
  if (!isErrno(ptmx) && !ptmx.dentry.inode.isDirectory && inode.unlink("ptmx", ptmx.dentry.inode) >= 0) removeDentry(ptmx.dentry);
  const link = inode.symlink("ptmx", "pts/ptmx", kuid(0), kgid(0));
  // The name may still be known for what it was, or as one that is not there.
  if (!isErrno(link)) addDentry(dev.dentry, "ptmx", link);
  for (const [name, target] of LINKS) inode.symlink(name, target, kuid(0), kgid(0));
};
