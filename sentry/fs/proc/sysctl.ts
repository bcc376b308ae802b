/** /proc/sys: knobs by path. A knob without `write` is read-only, for root too (fs/proc/proc_sysctl.c). */
import { O_ACCMODE, O_RDONLY, S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { EACCES, EINVAL, ENOENT, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";

import { type DirectoryEntry, ListedDirectory, TextInode } from "./generated.ts";
import type { Procfs } from "./procfs.ts";
import { type Sysctl, type SysctlSource, sysctlSources, sysctls } from "./registries.ts";
import { defaultSysctls, sysctlDirectories } from "./sysctl-values.ts";

export class SysctlInode extends TextInode {
  readonly #sysctl: Sysctl;

  constructor(fs: Procfs, sysctl: Sysctl) {
    super(fs, fs.allocateIno(), sysctl.mode ?? (sysctl.write === undefined ? 0o444 : 0o644));
    this.#sysctl = sysctl;
  }

  get isWritable(): boolean {
    return this.#sysctl.write !== undefined;
  }

  /** test_perm(): the mode alone counts, capabilities do not go round it. */
  protected override mayOpen(flags: number, _task: Task): number {
    return (flags & O_ACCMODE) !== O_RDONLY && this.#sysctl.write === undefined ? EACCES : 0;
  }

  override text(task: Task): string {
    return this.#sysctl.read(task);
  }

  override store(text: string, task: Task, offset: number): number {
    // sysctl_writes_strict: a write that does not begin at 0 is taken and has no effect.
    if (offset !== 0) return text.length;
    const error = this.#sysctl.write?.(text.replace(/[\0\s]+$/, ""), task) ?? EINVAL;
    return error < 0 ? error : text.length;
  }
}

class SysctlDirectory extends ListedDirectory {
  readonly #fs: Procfs;
  readonly #path: string;
  readonly #children = new Map<string, Inode>();
  /** Those of a source. */
  readonly #shown = new Map<string, Inode>();

  constructor(fs: Procfs, path: string) {
    super(fs, fs.allocateIno(), S_IFDIR | 0o555);
    this.#fs = fs;
    this.#path = path;
    this.nlink = 1;
    fs.stamp(this);
  }

  get #source(): SysctlSource | null {
    const end = this.#path.indexOf("/");
    return end < 0 ? null : (sysctlSources.get(this.#path.slice(0, end + 1)) ?? null);
  }

  /** What a source shows now: an inode, or null. */
  #sourced(name: string): Inode | null {
    const source = this.#source;
    const names = source?.names(this.#path) ?? [];
    const isDirectory = names.includes(`${name}/`);
    if (source === null || (!isDirectory && !names.includes(name))) return null;
    let inode = this.#shown.get(name) ?? null;
    if (inode !== null) return inode;
    const path = this.#path + name;
    inode = isDirectory ? new SysctlDirectory(this.#fs, `${path}/`) : new SysctlInode(this.#fs, source.sysctl(path));
    this.#fs.stamp(inode);
    this.#shown.set(name, inode);
    return inode;
  }

  #names(): Set<string> {
    const names = new Set<string>();
    const prefix = this.#path;
    const source = this.#source;
    if (source !== null) for (const name of source.names(prefix)) names.add(name.replace(/\/$/, ""));
    for (const path of [...sysctlDirectories, ...defaultSysctls(this.#fs).keys(), ...sysctls.keys()]) {
      if (path.startsWith(prefix) && path.length > prefix.length) names.add(path.slice(prefix.length).split("/", 1)[0]);
    }
    return names;
  }

  #child(name: string): Inode | null {
    const sourced = this.#sourced(name);
    if (sourced !== null) return sourced;
    const known = this.#children.get(name);
    if (known !== undefined) return known;
    const path = this.#path + name;
    const sysctl = sysctls.get(path) ?? defaultSysctls(this.#fs).get(path);
    let inode: Inode | null = null;
    if (sysctl !== undefined) inode = new SysctlInode(this.#fs, sysctl);
    else if (this.#names().has(name)) inode = new SysctlDirectory(this.#fs, `${path}/`);
    if (inode === null) return null;
    this.#fs.stamp(inode);
    this.#children.set(name, inode);
    return inode;
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    return this.#child(name) ?? ENOENT;
  }

  override *entries(): Iterable<DirectoryEntry> {
    for (const name of [...this.#names()].sort()) {
      const inode = this.#child(name);
      if (inode !== null) yield { name, inode };
    }
  }
}

export const sysctlDirectory = (fs: Procfs): ListedDirectory => new SysctlDirectory(fs, "");
