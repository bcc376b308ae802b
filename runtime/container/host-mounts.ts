/** The host's mount table, as far as binds need it: on which mount a path lies, and what is mounted below it. */
import { readFileSync } from "node:fs";
import { mountFlag } from "../spec/mount-options.ts";

/** One line of /proc/self/mountinfo (proc(5)). */
export interface HostMount {
  readonly id: number;
  readonly parent: number;
  /** "254:0" */
  readonly device: string;
  /** The path of its root within its filesystem. */
  readonly root: string;
  readonly path: string;
  /** MS_* */
  readonly flags: number;
  readonly isShared: boolean;
  readonly type: string;
  readonly source: string;
  /** Of the filesystem, without "rw" or "ro". */
  readonly options: string;
}

const unmangled = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

const parseLine = (line: string): HostMount | null => {
  const fields = line.split(" ");
  const dash = fields.indexOf("-", 6);
  if (dash < 0) return null;
  const [id, parent, device, root, path, options] = fields;
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: unmangled(root),
    path: unmangled(path),
    flags: options.split(",").reduce((flags, option) => flags | mountFlag(option), 0),
    isShared: fields.slice(6, dash).some((field) => field.startsWith("shared:")),
    type: fields[dash + 1],
    source: unmangled(fields[dash + 2]),
    options: (fields[dash + 3] ?? "")
      .split(",")
      .filter((option) => option !== "rw" && option !== "ro")
      .join(","),
  };
};

const isBelow = (path: string, directory: string): boolean => directory === "/" || path === directory || path.startsWith(`${directory}/`);

export class HostMounts {
  readonly #mounts: readonly HostMount[];

  constructor(mountinfo: string) {
    this.#mounts = mountinfo
      .split("\n")
      .map(parseLine)
      .filter((mount) => mount !== null);
  }

  static read(): HostMounts {
    return new HostMounts(readFileSync("/proc/self/mountinfo", "latin1"));
  }

  /** The mount that a path without links lies on: of the deepest mount points the one mounted last. */
  at(path: string): HostMount {
    let found: HostMount | null = null;
    for (const mount of this.#mounts) {
      if (isBelow(path, mount.path) && (found === null || mount.path.length >= found.path.length)) found = mount;
    }
    if (found === null) throw new Error(`${path} lies on no mount`);
    return found;
  }

  /** What is mounted below `path` and visible there, parents first. */
  below(path: string): HostMount[] {
    const found: HostMount[] = [];
    const reached = new Map<number, HostMount>([[this.at(path).id, this.at(path)]]);
    for (const mount of this.#mounts) {
      if (mount.path === path || !isBelow(mount.path, path) || !reached.has(mount.parent)) continue;
      reached.set(mount.id, mount);
      // One mounted over another on the same place hides it.
      const hidden = found.findIndex((other) => other.path === mount.path);
      if (hidden >= 0) found.splice(hidden, 1);
      found.push(mount);
    }
    return found.filter((mount) => this.at(mount.path) === mount);
  }
}

/** `path` from `directory` on, without a slash in front; "" for the directory itself. */
export const relativeTo = (directory: string, path: string): string => path.slice(directory === "/" ? 1 : directory.length + 1);

/** What mountinfo's root column shows for a bind of `path`. */
export const shownRoot = (mount: HostMount, path: string): string => {
  const rest = relativeTo(mount.path, path);
  if (rest === "") return mount.root;
  return mount.root === "/" ? `/${rest}` : `${mount.root}/${rest}`;
};
