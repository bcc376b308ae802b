/** linux.sysctl of config.json: written where a program would write it, before any runs. */
import { ENOENT, isErrno } from "../abi/errno.ts";
import { SysctlInode } from "../fs/proc/sysctl.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import { placeAt } from "./place.ts";

/** Throws runc's words. */
export const writeSysctls = (
  kernel: Kernel,
  namespace: MountNamespace,
  task: Task,
  sysctls: readonly (readonly [string, string])[],
): void => {
  for (const [path, value] of sysctls) {
    const name = `/proc/sys/${path}`;
    const place = placeAt(kernel, namespace, name);
    const inode = isErrno(place) ? null : place.dentry.inode;
    if (!(inode instanceof SysctlInode)) {
      throw new Error(`open ${name}: ${place === ENOENT ? "no such file or directory" : "permission denied"}`);
    }
    if (!inode.isWritable) throw new Error(`open ${name}: permission denied`);
    if (inode.store(value, task, 0) < 0) throw new Error(`write ${name}: invalid argument`);
  }
};
