/** Drivers of device nodes, found by number. `makedev` and friends as in gnu_dev_makedev(3) with the kernel's encoding. */
import { O_ACCMODE, O_RDONLY, O_WRONLY, S_IFBLK, S_IFMT } from "../../syscall-tables/flags/open.ts";
import { ENXIO, EPERM, type Errno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { mayUseDevice } from "./device-rules.ts";
import type { Inode } from "./inode.ts";
import type { OpenFile } from "./open-file.ts";
import type { Path } from "./path.ts";

/** The 32-bit dev_t of system calls and st_dev/st_rdev (new_encode_dev). */
export const makedev = (major: number, minor: number): number => ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
export const majorOf = (device: number): number => (device >>> 8) & 0xfff;
export const minorOf = (device: number): number => (device & 0xff) | ((device >>> 12) & 0xfff00);

export type DeviceOpen = (inode: Inode, path: Path, flags: number, task: Task) => OpenFile | Errno;

interface Driver {
  readonly first: number;
  readonly last: number;
  readonly open: DeviceOpen;
}

const charDrivers = new Map<number, Driver[]>();
const blockDrivers = new Map<number, Driver[]>();

const register = (drivers: Map<number, Driver[]>, major: number, minors: number | readonly [number, number], open: DeviceOpen): void => {
  const [first, last] = typeof minors === "number" ? [minors, minors] : minors;
  const list = drivers.get(major) ?? [];
  drivers.set(major, [{ first, last, open }, ...list]);
};

/** `minors`: one, or an inclusive range. */
export const registerCharDevice = (major: number, minors: number | readonly [number, number], open: DeviceOpen): void =>
  register(charDrivers, major, minors, open);
export const registerBlockDevice = (major: number, minors: number | readonly [number, number], open: DeviceOpen): void =>
  register(blockDrivers, major, minors, open);

/** Opens the device that `inode.rdev` names; ENXIO when nothing drives it. Called by the VFS, never by a filesystem. */
export const openDevice: DeviceOpen = (inode, path, flags, task) => {
  const drivers = (inode.mode & S_IFMT) === S_IFBLK ? blockDrivers : charDrivers;
  // inode_permission() asks the devices cgroup before the file is opened.
  const access = `${(flags & O_ACCMODE) === O_WRONLY ? "" : "r"}${(flags & O_ACCMODE) === O_RDONLY ? "" : "w"}`;
  if (!mayUseDevice(inode.mode, inode.rdev, access)) return EPERM;
  const minor = minorOf(inode.rdev);
  for (const driver of drivers.get(majorOf(inode.rdev)) ?? []) {
    if (minor >= driver.first && minor <= driver.last) return driver.open(inode, path, flags, task);
  }
  return ENXIO;
};
