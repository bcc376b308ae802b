/** Paths while nothing runs yet: links are followed, and what is missing can be made (mkdir -p). */
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../syscall-tables/flags/open.ts";
import { ELOOP, ENOENT, ENOTDIR, type Errno, isErrno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import { initialUserNamespace } from "../task/user-namespace.ts";

import type { MountNamespace } from "../vfs/mount-namespace.ts";
import type { Path } from "../vfs/path.ts";
import { overmounted } from "../vfs/tree.ts";

const MAX_LINKS = 40;
/** No filesystem asks who reads a link, but the proc filesystem's own links, which exist for tasks only. */
const NOBODY = null as unknown as Task;

/** What to make of components that do not exist: nothing, or directories with this at the end. */
export type Missing = "refuse" | "directory" | "file";

export const placeAt = (kernel: Kernel, namespace: MountNamespace, path: string, missing: Missing = "refuse"): Path | Errno => {
  const root = overmounted(namespace.root, namespace.root.root);
  const trail: Path[] = [];
  const names = path.split("/").reverse();
  let links = 0;
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      trail.pop();
      continue;
    }
    const parent = trail.length === 0 ? root : trail[trail.length - 1];
    if (!parent.dentry.inode.isDirectory) return ENOTDIR;
    if (names.length > 0) parent.dentry.inode.lookAhead([name, ...[...names].reverse()].join("/"), 0);
    let next = kernel.vfs.child(null, parent, name);
    if (next === ENOENT && missing !== "refuse") {
      const isLast = names.every((rest) => rest === "" || rest === ".");
      const mode = isLast && missing === "file" ? S_IFREG | 0o644 : S_IFDIR | 0o755;
      const made = parent.dentry.inode.create(name, mode, initialUserNamespace().toKuid(0), initialUserNamespace().toKgid(0), 0);
      if (isErrno(made)) return made;
      next = kernel.vfs.child(null, parent, name);
    }
    if (isErrno(next)) return next;
    const { inode } = next.dentry;
    if ((inode.mode & S_IFMT) !== S_IFLNK) {
      trail.push(next);
      continue;
    }
    if (++links > MAX_LINKS) return ELOOP;
    const target = inode.readlink(NOBODY);
    if (isErrno(target)) return target;
    if (target.startsWith("/")) trail.length = 0;
    names.push(...target.split("/").reverse());
  }
  return trail.length === 0 ? root : trail[trail.length - 1];
};
