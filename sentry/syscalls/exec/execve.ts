import { AT_EMPTY_PATH, AT_EXECVE_CHECK, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, ENOENT, isErrno } from "../../abi/errno.ts";
import { ExecOp } from "../../exec/exec.ts";
import { openExecutable } from "../../exec/open.ts";
import { implement } from "../implement.ts";

/** execve(2) */
export const sys_execve = implement("execve", { level: "full" }, (task, path, argvAddr, envAddr) =>
  task.block(new ExecOp({ dirfd: AT_FDCWD, path, flags: 0, args: { argvAddr, envAddr } })),
);

const KNOWN_FLAGS = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EXECVE_CHECK;

/** execveat(2) */
export const sys_execveat = implement("execveat", { level: "full" }, (task, dirfd, path, argvAddr, envAddr, flags) => {
  // The name is fetched before the flags are looked at (getname_uflags).
  if (path === "" && (flags & AT_EMPTY_PATH) === 0) return ENOENT;
  if ((flags & ~KNOWN_FLAGS) !== 0) return EINVAL;
  if ((flags & AT_EXECVE_CHECK) === 0) return task.block(new ExecOp({ dirfd, path, flags, args: { argvAddr, envAddr } }));
  const found = openExecutable(task, dirfd, path, flags);
  if (isErrno(found)) return found;
  found.file.put();
  return 0;
});
