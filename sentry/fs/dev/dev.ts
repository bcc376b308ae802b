/** /dev: the nodes of a container, on a tmpfs; and the drivers behind them wherever mknod(2) puts their numbers. */
import { S_IFCHR, S_IFDIR, S_IFMT } from "../../../syscall-tables/flags/open.ts";
import { type Errno, isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { exitHooks } from "../../task/exit-hooks.ts";
import { makedev } from "../../vfs/devices.ts";
import type { Filesystem } from "../../vfs/filesystem.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { MountNamespace } from "../../vfs/mount-namespace.ts";
import type { Path } from "../../vfs/path.ts";
import { overmounted } from "../../vfs/tree.ts";
import { registerDevpts } from "../devpts/devpts.ts";
import { hostTerminal } from "../tty/host-tty.ts";
import { sessionLeaderExited } from "../tty/job-control.ts";
import { registerMemoryDevices } from "./memory-devices.ts";
import { registerTtyDevices } from "./tty-devices.ts";

/** Name, major, minor, permissions. */
const NODES: readonly (readonly [string, number, number, number])[] = [
  ["null", 1, 3, 0o666],
  ["zero", 1, 5, 0o666],
  ["full", 1, 7, 0o666],
  ["random", 1, 8, 0o666],
  ["urandom", 1, 9, 0o666],
  ["tty", 5, 0, 0o666],
  ["console", 5, 1, 0o620],
];

const LINKS: readonly (readonly [string, string])[] = [
  ["ptmx", "pts/ptmx"],
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["core", "/proc/kcore"],
];

/** Mount points for devpts, tmpfs and mqueue. */
const DIRECTORIES = ["pts", "shm", "mqueue"] as const;

/** Makes the nodes in `root`, the root of an empty in-memory filesystem. 0 or the errno of the one that failed. */
export const populateDev = (root: Inode): number => {
  for (const [name, major, minor, mode] of NODES) {
    const node = root.create(name, S_IFCHR | mode, 0, 0, makedev(major, minor));
    if (isErrno(node)) return node;
  }
  for (const [name, target] of LINKS) {
    const link = root.symlink(name, target, 0, 0);
    if (isErrno(link)) return link;
  }
  for (const name of DIRECTORIES) {
    const directory = root.create(name, S_IFDIR | 0o755, 0, 0, 0);
    if (isErrno(directory)) return directory;
  }
  return 0;
};

/** A filesystem for /dev: a tmpfs with the nodes. `options` as for tmpfs. */
export const createDev = (kernel: Kernel, options: string): Filesystem | Errno => {
  const factory = kernel.vfs.filesystemType("tmpfs");
  if (factory === null) throw new Error("tmpfs is not registered");
  const fs = factory(null, "tmpfs", options);
  if (isErrno(fs)) return fs;
  const error = populateDev(fs.root);
  return error < 0 ? (error as Errno) : fs;
};

/** The place of /dev/console, under which the caller's terminal is known inside; null without one. */
export const consolePath = (kernel: Kernel, namespace: MountNamespace): Path | null => {
  let place = overmounted(namespace.root, namespace.root.root);
  for (const name of ["dev", "console"]) {
    const next = kernel.vfs.child(null, place, name);
    if (isErrno(next)) return null;
    place = next;
  }
  return (place.dentry.inode.mode & S_IFMT) === S_IFCHR ? place : null;
};

/** Serves the device numbers, and devpts and devtmpfs to mount(2). */
export const registerDevices = (kernel: Kernel): void => {
  registerMemoryDevices();
  registerTtyDevices(() => hostTerminal.terminal);
  registerDevpts(kernel);
  kernel.vfs.registerFilesystem("devtmpfs", (_task, _source, data) => createDev(kernel, data === "" ? "mode=755" : data));
  exitHooks.sessionLeaderExit = sessionLeaderExited;
};
