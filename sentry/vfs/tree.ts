/** Moving through the mount tree. */
import type { Mount } from "./mount.ts";
import type { Dentry, Path } from "./path.ts";

/** What is visible at `dentry`: the top of the mounts on it. */
export const overmounted = (mount: Mount, dentry: Dentry): Path => {
  let at = mount;
  let top = dentry;
  while (top.mounts !== 0) {
    const over = at.children.get(top);
    if (over === undefined) break;
    at = over;
    top = over.root;
  }
  return { mount: at, dentry: top };
};

/** prepend_path(): up to `root`, or as far up as there is something. */
const nameUpTo = (path: Path, root: Path | null): { readonly name: string; readonly isOutside: boolean } => {
  let { mount, dentry } = path;
  let name = "";
  const tail = dentry.isUnlinked ? " (deleted)" : "";
  for (;;) {
    if (root !== null && mount === root.mount && dentry === root.dentry) {
      return { name: `${name === "" ? "/" : name}${tail}`, isOutside: false };
    }
    if (dentry === mount.root) {
      if (mount.parent === null || mount.mountpoint === null) {
        return { name: `${name === "" ? "/" : name}${tail}`, isOutside: root !== null || mount.namespace === null };
      }
      dentry = mount.mountpoint;
      mount = mount.parent;
      continue;
    }
    if (dentry.parent === null) return { name: `${dentry.name}${name}${tail}`, isOutside: false };
    name = `/${dentry.name}${name}`;
    dentry = dentry.parent;
  }
};

/** d_path(): the name of `path` as seen from `root`, " (deleted)" behind removed ones; of what lies outside, the name below its own root. */
export const pathName = (path: Path, root: Path | null): string => nameUpTo(path, root).name;

/** getcwd(2) alone marks what lies outside. */
export const cwdName = (cwd: Path, root: Path): string => {
  const { name, isOutside } = nameUpTo(cwd, root);
  return isOutside ? `(unreachable)${name}` : name;
};

/** The path of `dentry` within its filesystem (the root column of mountinfo). */
export const nameInFilesystem = (dentry: Dentry): string => {
  let name = "";
  for (let at = dentry; at.parent !== null; at = at.parent) name = `/${at.name}${name}`;
  name = dentry.inode.fs.rootName + name;
  return name === "" ? "/" : name;
};

/** is_path_reachable(): does `path` lie at or below `root` in the mount tree? */
export const isReachable = (path: Path, root: Path): boolean => {
  let { mount, dentry } = path;
  for (;;) {
    if (mount === root.mount) {
      for (let at: Dentry | null = dentry; at !== null; at = at.parent) if (at === root.dentry) return true;
    }
    if (mount.parent === null || mount.mountpoint === null) return false;
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
};
