/** A descriptor that keeps a tree of mounts which is in no namespace yet (open_tree(2), fsmount(2)). */
import { O_PATH } from "../../syscall-tables/flags/open.ts";
import type { Mount } from "./mount.ts";
import { releaseTree } from "./mount-tree.ts";
import { PathFile } from "./path-file.ts";

export class TreeFile extends PathFile {
  readonly #mount: Mount;

  constructor(mount: Mount) {
    super({ mount, dentry: mount.root }, O_PATH);
    this.#mount = mount;
  }

  /** dissolve_on_fput(): move_mount(2) has placed it nowhere. */
  protected override release(): void {
    if (this.#mount.namespace === null && this.#mount.parent === null) releaseTree(this.#mount);
    super.release();
  }
}
