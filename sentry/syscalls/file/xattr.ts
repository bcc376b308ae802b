import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../../syscall-tables/flags/open.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { E2BIG, EFAULT, EINVAL, ERANGE, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Path } from "../../vfs/path.ts";
import { getXattr, listXattr, removeXattr, setXattr } from "../../vfs/xattr.ts";
import { implement } from "../implement.ts";
import { atPath, fdPath } from "./at-path.ts";
import { readExtensible } from "./openat2.ts";

const XATTR_SIZE_MAX = 65536;
const XATTR_NAME_MAX = 255;
const XATTR_ARGS_SIZE = 16;

const set = (task: Task, place: Path | Errno, name: string, valueAddr: number, size: number, flags: number): number => {
  if ((flags & ~3) !== 0) return EINVAL;
  if (name === "" || name.length > XATTR_NAME_MAX) return ERANGE;
  if (size > XATTR_SIZE_MAX) return E2BIG;
  if (isErrno(place)) return place;
  const value = size === 0 ? new Uint8Array(0) : task.memory.copyIn(valueAddr, size);
  return isErrno(value) ? EFAULT : setXattr(task, place, name, value, flags);
};

/** Copies out what fits: a size of 0 asks for the length. */
const answer = (task: Task, bytes: Uint8Array | number, addr: number, size: number): number => {
  if (typeof bytes === "number") return bytes;
  if (size === 0) return bytes.length;
  if (bytes.length > size) return ERANGE;
  const error = bytes.length === 0 ? 0 : task.memory.copyOut(addr, bytes);
  return error < 0 ? error : bytes.length;
};

const get = (task: Task, place: Path | Errno, name: string, valueAddr: number, size: number): number => {
  if (name === "" || name.length > XATTR_NAME_MAX) return ERANGE;
  return isErrno(place) ? place : answer(task, getXattr(task, place, name), valueAddr, size);
};

const list = (task: Task, place: Path | Errno, listAddr: number, size: number): number =>
  isErrno(place) ? place : answer(task, listXattr(task, place), listAddr, size);

const remove = (task: Task, place: Path | Errno, name: string): number => {
  if (name === "" || name.length > XATTR_NAME_MAX) return ERANGE;
  return isErrno(place) ? place : removeXattr(task, place, name);
};

const follow = (task: Task, path: string): Path | Errno => atPath(task, AT_FDCWD, path, 0);
const nofollow = (task: Task, path: string): Path | Errno => atPath(task, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);

/** setxattr(2) */
export const sys_setxattr = implement("setxattr", { level: "full" }, (task, path, name, valueAddr, size, flags) =>
  set(task, follow(task, path), name, valueAddr, size, flags),
);
export const sys_lsetxattr = implement("lsetxattr", { level: "full" }, (task, path, name, valueAddr, size, flags) =>
  set(task, nofollow(task, path), name, valueAddr, size, flags),
);
export const sys_fsetxattr = implement("fsetxattr", { level: "full" }, (task, fd, name, valueAddr, size, flags) =>
  set(task, fdPath(task, fd), name, valueAddr, size, flags),
);

/** getxattr(2) */
export const sys_getxattr = implement("getxattr", { level: "full" }, (task, path, name, valueAddr, size) =>
  get(task, follow(task, path), name, valueAddr, size),
);
export const sys_lgetxattr = implement("lgetxattr", { level: "full" }, (task, path, name, valueAddr, size) =>
  get(task, nofollow(task, path), name, valueAddr, size),
);
export const sys_fgetxattr = implement("fgetxattr", { level: "full" }, (task, fd, name, valueAddr, size) =>
  get(task, fdPath(task, fd), name, valueAddr, size),
);

/** listxattr(2) */
export const sys_listxattr = implement("listxattr", { level: "full" }, (task, path, listAddr, size) =>
  list(task, follow(task, path), listAddr, size),
);
export const sys_llistxattr = implement("llistxattr", { level: "full" }, (task, path, listAddr, size) =>
  list(task, nofollow(task, path), listAddr, size),
);
export const sys_flistxattr = implement("flistxattr", { level: "full" }, (task, fd, listAddr, size) =>
  list(task, fdPath(task, fd), listAddr, size),
);

/** removexattr(2) */
export const sys_removexattr = implement("removexattr", { level: "full" }, (task, path, name) => remove(task, follow(task, path), name));
export const sys_lremovexattr = implement("lremovexattr", { level: "full" }, (task, path, name) =>
  remove(task, nofollow(task, path), name),
);
export const sys_fremovexattr = implement("fremovexattr", { level: "full" }, (task, fd, name) => remove(task, fdPath(task, fd), name));

const at = (task: Task, dirfd: number, path: string | null, flags: number): Path | Errno =>
  (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0 ? EINVAL : atPath(task, dirfd, path, flags);

/** struct xattr_args: value address, size, flags. */
const readArgs = (task: Task, addr: number, size: number): { valueAddr: number; size: number; flags: number } | number => {
  const view = readExtensible(task, addr, size, XATTR_ARGS_SIZE);
  if (typeof view === "number") return view;
  const valueAddr = view.getUint32(0, true) + view.getUint32(4, true) * TWO_32;
  return { valueAddr, size: view.getUint32(8, true), flags: view.getUint32(12, true) };
};

/** setxattrat(2) */
export const sys_setxattrat = implement("setxattrat", { level: "full" }, (task, dirfd, path, flags, name, argsAddr, size) => {
  const args = readArgs(task, argsAddr, size);
  return typeof args === "number" ? args : set(task, at(task, dirfd, path, flags), name, args.valueAddr, args.size, args.flags);
});

/** getxattrat(2) */
export const sys_getxattrat = implement("getxattrat", { level: "full" }, (task, dirfd, path, flags, name, argsAddr, size) => {
  const args = readArgs(task, argsAddr, size);
  if (typeof args === "number") return args;
  return args.flags !== 0 ? EINVAL : get(task, at(task, dirfd, path, flags), name, args.valueAddr, args.size);
});

/** listxattrat(2) */
export const sys_listxattrat = implement("listxattrat", { level: "full" }, (task, dirfd, path, flags, listAddr, size) =>
  list(task, at(task, dirfd, path, flags), listAddr, size),
);

/** removexattrat(2) */
export const sys_removexattrat = implement("removexattrat", { level: "full" }, (task, dirfd, path, flags, name) =>
  remove(task, at(task, dirfd, path, flags), name),
);
