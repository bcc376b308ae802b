/** What CLONE_FS shares (struct fs_struct): root, working directory, umask; and with them the mount namespace. */
import type { UserNamespace } from "../task/user-namespace.ts";
import { lockTree } from "./locked-mounts.ts";
import type { Mount } from "./mount.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import { type Path, putPath, takePath } from "./path.ts";

export class FsContext {
  #root: Path;
  #cwd: Path;
  umask: number;
  /** CLONE_NEWNS excludes CLONE_FS (clone(2)), so a context lies in one namespace. */
  namespace: MountNamespace;
  #references = 1;

  constructor(namespace: MountNamespace, root: Path, cwd: Path, umask = 0o022) {
    this.namespace = namespace.take();
    this.#root = takePath(root);
    this.#cwd = takePath(cwd);
    this.umask = umask;
  }

  get root(): Path {
    return this.#root;
  }
  set root(path: Path) {
    takePath(path);
    putPath(this.#root);
    this.#root = path;
  }

  get cwd(): Path {
    return this.#cwd;
  }
  set cwd(path: Path) {
    takePath(path);
    putPath(this.#cwd);
    this.#cwd = path;
  }

  /** clone without CLONE_FS, unshare(CLONE_FS). */
  fork(): FsContext {
    return new FsContext(this.namespace, this.#root, this.#cwd, this.umask);
  }

  /** CLONE_NEWNS, for a context nobody else shares: the same places in a copy of the mount tree, which `owner` rules. */
  unshareMounts(owner: UserNamespace = this.namespace.owner): void {
    const translate = new Map<Mount, Mount>();
    const old = this.namespace;
    this.namespace = old.fork(translate, owner).take();
    if (owner !== old.owner) lockTree(this.namespace.root);
    const moved = (path: Path): Path => ({ mount: translate.get(path.mount) ?? path.mount, dentry: path.dentry });
    this.root = moved(this.#root);
    this.cwd = moved(this.#cwd);
    old.put();
  }

  /** setns(2): root and working directory become the namespace's root. */
  enter(namespace: MountNamespace): void {
    const old = this.namespace;
    this.namespace = namespace.take();
    let mount = namespace.root;
    for (let over = mount.children.get(mount.root); over !== undefined; over = mount.children.get(mount.root)) mount = over;
    this.root = { mount, dentry: mount.root };
    this.cwd = this.#root;
    old.put();
  }

  get references(): number {
    return this.#references;
  }

  /** One more task shares it (CLONE_FS). */
  take(): this {
    this.#references++;
    return this;
  }

  /** A task that shared it exits or replaces it. */
  put(): void {
    if (--this.#references > 0) return;
    putPath(this.#root);
    putPath(this.#cwd);
    this.namespace.put();
  }
}
