/**
 * What a program has taken from itself (landlock(7), security/landlock/ruleset.c). A ruleset is filled by its fd; enforced, a copy
 * of it becomes the innermost layer of the task's domain, which never changes. Every layer must allow what it handles.
 */
import { E2BIG, type Errno } from "../abi/errno.ts";
import type { Inode } from "../vfs/inode.ts";
import type { Dentry } from "../vfs/path.ts";
import { FS_REFER } from "./access.ts";

/** LANDLOCK_MAX_NUM_LAYERS */
const MOST_LAYERS = 16;

export interface Handled {
  readonly fs: number;
  readonly net: number;
  readonly scoped: number;
}

/** What objects below a directory, and ports, may be used for. */
export class Ruleset {
  readonly handled: Handled;
  readonly #files: Map<Inode, number>;
  readonly #ports: Map<number, number>;

  constructor(handled: Handled, from: Ruleset | null = null) {
    this.handled = handled;
    this.#files = new Map(from === null ? [] : from.#files);
    this.#ports = new Map(from === null ? [] : from.#ports);
  }

  /** Moving things elsewhere is never free where anything is handled. */
  get handledFs(): number {
    return this.handled.fs === 0 ? 0 : this.handled.fs | FS_REFER;
  }

  /** The directory stays known (pinned) as long as the sandbox lives: rules hold for what is there, not for a name. */
  allowBelow(dentry: Dentry, access: number): void {
    const before = this.#files.get(dentry.inode);
    if (before === undefined) dentry.pins++;
    this.#files.set(dentry.inode, (before ?? 0) | access);
  }

  allowPort(port: number, access: number): void {
    this.#ports.set(port, (this.#ports.get(port) ?? 0) | access);
  }

  allowedOf(inode: Inode): number {
    return this.#files.get(inode) ?? 0;
  }

  allowsPort(port: number, access: number): boolean {
    return (this.handled.net & access & ~(this.#ports.get(port) ?? 0)) === 0;
  }

  copy(): Ruleset {
    return new Ruleset(this.handled, this);
  }
}

export class Domain {
  readonly parent: Domain | null;
  readonly rules: Ruleset;
  readonly #depth: number;
  /** Some layer handles rights over files: then mounts stay as they are. */
  readonly handlesFiles: boolean;

  private constructor(parent: Domain | null, rules: Ruleset, depth: number) {
    this.parent = parent;
    this.rules = rules;
    this.#depth = depth;
    this.handlesFiles = rules.handled.fs !== 0 || (parent?.handlesFiles ?? false);
  }

  /** landlock_merge_ruleset(): one more layer. */
  static enforce(parent: Domain | null, rules: Ruleset): Domain | Errno {
    const depth = (parent === null ? 0 : parent.#depth) + 1;
    return depth > MOST_LAYERS ? E2BIG : new Domain(parent, rules.copy(), depth);
  }

  /** The layers, innermost first. */
  *layers(): Generator<Domain> {
    for (let at: Domain | null = this; at !== null; at = at.parent) yield at;
  }

  /** Is `other` this domain or nested in it? */
  contains(other: Domain | null): boolean {
    for (let at = other; at !== null && at.#depth >= this.#depth; at = at.parent) if (at === this) return true;
    return false;
  }

  allowsPort(port: number, access: number): boolean {
    for (const { rules } of this.layers()) if (!rules.allowsPort(port, access)) return false;
    return true;
  }

  /** domain_is_scoped(): does a layer keep its members from those of `other`? */
  keepsFrom(other: Domain | null, scope: number): boolean {
    for (const layer of this.layers()) if ((layer.rules.handled.scoped & scope) !== 0 && !layer.contains(other)) return true;
    return false;
  }
}
