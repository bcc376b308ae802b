import { MNT_DETACH, MNT_EXPIRE, MNT_FORCE, UMOUNT_NOFOLLOW } from "../../../syscall-tables/flags/mount.ts";
import { AT_FDCWD } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, isErrno } from "../../abi/errno.ts";
import { WALK_DIRECTORY, WALK_FOLLOW } from "../../vfs/vfs.ts";
import { implement } from "../implement.ts";

/** mount(2) */
export const sys_mount = implement("mount", { level: "full" }, (task, source, target, type, flags, data) => {
  const { vfs } = task.kernel;
  const place = vfs.follow(task, target);
  return isErrno(place) ? place : vfs.mount(task, source ?? "", place, type ?? "", flags, data ?? "");
});

/** umount2(2) */
export const sys_umount2 = implement("umount2", { level: "full" }, (task, target, flags) => {
  if ((flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)) !== 0) return EINVAL;
  const { vfs } = task.kernel;
  const place = vfs.walk(task, AT_FDCWD, target, (flags & UMOUNT_NOFOLLOW) !== 0 ? 0 : WALK_FOLLOW);
  return isErrno(place) ? place : vfs.umount(task, place, flags);
});

/** pivot_root(2) */
export const sys_pivot_root = implement("pivot_root", { level: "full" }, (task, newRoot, putOld) => {
  const { vfs } = task.kernel;
  const root = vfs.walk(task, AT_FDCWD, newRoot, WALK_FOLLOW | WALK_DIRECTORY);
  if (isErrno(root)) return root;
  const old = vfs.walk(task, AT_FDCWD, putOld, WALK_FOLLOW | WALK_DIRECTORY);
  return isErrno(old) ? old : vfs.pivotRoot(task, root, old);
});
