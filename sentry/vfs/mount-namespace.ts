/** A mount namespace (mount_namespaces(7)): a tree of mounts. */
import { initialUserNamespace, type UserNamespace } from "../task/user-namespace.ts";
import type { Mount } from "./mount.ts";
import { copyTree, displace, place, releaseTree, treeOf } from "./mount-tree.ts";
import type { Dentry } from "./path.ts";

let lastId = 0xf000_0000;

export class MountNamespace {
  /** The inode number of /proc/pid/ns/mnt. */
  readonly id = lastId++;
  root: Mount;
  /** Whose CAP_SYS_ADMIN may change it. */
  owner: UserNamespace = initialUserNamespace();
  /** In mount order, as /proc/mounts lists them. */
  readonly mounts = new Set<Mount>();

  /** A file stands for it (/proc/PID/ns/mnt was followed): it may be entered again. */
  isKept = false;
  #users = 0;

  constructor(root: Mount) {
    this.root = root;
    this.adopt(root);
  }

  /** Places `mount` on (`parent`, `mountpoint`), and there alone. */
  attach(mount: Mount, parent: Mount, mountpoint: Dentry): void {
    place(mount, parent, mountpoint);
    this.adopt(mount);
  }

  /** A context of tasks lies in it. */
  take(): this {
    this.#users++;
    return this;
  }

  /** put_mnt_ns(): when nobody is left and nobody can come, its mounts end. */
  put(): void {
    if (--this.#users > 0 || this.isKept) return;
    releaseTree(this.root);
  }

  /** `mount` and everything below it belong to this namespace now. */
  adopt(top: Mount): void {
    for (const mount of treeOf(top)) {
      mount.namespace = this;
      mount.revive();
      this.mounts.add(mount);
    }
  }

  /** Takes `mount` off its place; its own children stay on it. */
  detach(top: Mount): void {
    displace(top);
    for (const mount of treeOf(top)) {
      mount.namespace = null;
      this.mounts.delete(mount);
    }
  }

  /** CLONE_NEWNS: a copy of the whole tree for `owner`. `copies` collects old mount → new mount. */
  fork(copies: Map<Mount, Mount>, owner: UserNamespace): MountNamespace {
    const kinship = owner === this.owner ? "peer" : "guest";
    const copy = new MountNamespace(copyTree(this.root, { kinship, takesUnbindable: true, copies }));
    copy.owner = owner;
    return copy;
  }
}
