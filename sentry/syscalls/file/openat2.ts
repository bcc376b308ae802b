import {
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_TMPFILE,
  O_TRUNC,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../../../syscall-tables/flags/open.ts";
import { E2BIG, EAGAIN, EFAULT, EINVAL, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { openFd } from "./open.ts";

const OPEN_HOW_SIZE = 24;
const PAGE = 4096;
const RESOLVE_ALL = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
/** VALID_OPEN_FLAGS: access mode, O_CREAT … O_PATH and __O_TMPFILE. */
const VALID_FLAGS = 0o37777703;

/** copy_struct_from_user(): what a newer caller adds must be zero. */
export const readExtensible = (task: Task, addr: number, size: number, known: number): DataView | number => {
  if (size < known) return EINVAL;
  if (size > PAGE) return E2BIG;
  const view = task.memory.viewIn(addr, size);
  if (isErrno(view)) return EFAULT;
  for (let at = known; at < size; at++) if (view.getUint8(at) !== 0) return E2BIG;
  return view;
};

/** build_open_flags(): openat2 refuses what open ignores. */
const checkHow = (flags: number, mode: number, resolve: number): number => {
  if ((flags & ~VALID_FLAGS) !== 0 || (resolve & ~RESOLVE_ALL) !== 0) return EINVAL;
  if ((resolve & RESOLVE_BENEATH) !== 0 && (resolve & RESOLVE_IN_ROOT) !== 0) return EINVAL;
  const makes = (flags & O_CREAT) !== 0 || (flags & O_TMPFILE & ~O_DIRECTORY) !== 0;
  if (makes ? (mode & ~0o7777) !== 0 : mode !== 0) return EINVAL;
  if ((flags & O_PATH) !== 0 && (flags & ~(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) !== 0) return EINVAL;
  if ((resolve & RESOLVE_CACHED) !== 0 && (makes || (flags & O_TRUNC) !== 0)) return EAGAIN;
  return 0;
};

/** openat2(2) */
export const sys_openat2 = implement("openat2", { level: "full" }, (task, dirfd, path, howAddr, size) => {
  const how = readExtensible(task, howAddr, size, OPEN_HOW_SIZE);
  if (typeof how === "number") return how;
  // No flag lies above bit 31.
  if (how.getUint32(4, true) !== 0 || how.getUint32(12, true) !== 0 || how.getUint32(20, true) !== 0) return EINVAL;
  const flags = how.getUint32(0, true);
  const mode = how.getUint32(8, true);
  const resolve = how.getUint32(16, true);
  const error = checkHow(flags, mode, resolve);
  return error < 0 ? error : openFd(task, dirfd, path, flags, mode, resolve);
});
