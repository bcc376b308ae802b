/**
 * The state directory: one directory per container with `state.json`, which is only ever replaced, and the
 * monitor's `control` and `exit-status`. A command that changes a container holds the lock
 * of its directory. Statuses are derived: whoever crashed has left nothing to repair.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockFile } from "../../native/ffi/file-lock-unsafe.ts";
import { openCgroup, type StoredCgroup } from "../cgroup/manager.ts";
import type { Resources } from "../cgroup/resources.ts";
import type { TimeOffsetsConfig } from "../sandbox/config.ts";
import type { Hook } from "../spec/spec.ts";
import type { UserMappings } from "../spec/validate-namespaces.ts";
import { ContainerError } from "./container-error.ts";

export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/** state.json */
export interface Stored {
  readonly ociVersion: string;
  readonly id: string;
  /** The monitor and its start time (/proc/pid/stat, field 22), which tells it from a later process of that number. */
  readonly pid: number;
  readonly pidStart: string;
  readonly status: "creating" | "created" | "running";
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  readonly owner: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly personality: number;
  /** Of its user namespace; null: it has none. */
  readonly user: UserMappings | null;
  /** Of its time namespace; null: the machine's. */
  readonly timeOffsets: TimeOffsetsConfig | null;
  /** What was set in its IPC namespace; those who join it set it again in their own. */
  readonly ipcSysctls: readonly (readonly [string, string])[];
  readonly startContainer: readonly Hook[];
  readonly poststart: readonly Hook[];
  readonly poststop: readonly Hook[];
  readonly cgroup: StoredCgroup;
  /** As `update` has changed them. */
  readonly resources: Resources;
  readonly hasCgroupNamespace: boolean;
  /** The container in whose sandbox it lives; "": in its own. */
  readonly sandbox: string;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Docker gives all its runtimes one directory: what runc has written below its own containers' names is none of Moat's. */
const isOwn = (state: Partial<Stored> | null): state is Stored =>
  isObject(state) &&
  typeof state.pid === "number" &&
  typeof state.pidStart === "string" &&
  isObject(state.cgroup) &&
  isObject(state.annotations);

/** user_namespaces(7): the first one maps everything to itself. */
const isFirstUserNamespace = (): boolean => {
  try {
    return /^ *0 +0 +4294967295\n$/.test(readFileSync("/proc/self/uid_map", "latin1"));
  } catch {
    return true;
  }
};

/** Root of the machine keeps it in /run; root of a user's namespace (rootless engines) is an ordinary user. */
export const defaultRoot = (): string => {
  const isRoot = process.geteuid?.() === 0;
  const isUserNamespace = !isFirstUserNamespace();
  if (isRoot && !isUserNamespace) return "/run/moat";
  const { XDG_RUNTIME_DIR, USER } = process.env;
  // As runc: who calls himself root is at home in the namespace.
  if (XDG_RUNTIME_DIR && !(isRoot && USER === "root")) return join(XDG_RUNTIME_DIR, "moat");
  return isRoot ? "/run/moat" : `/tmp/moat-${process.getuid?.()}`;
};

export const checkId = (id: string): string => {
  if (!/^[\w+.-]+$/.test(id) || id === "." || id === "..") throw new ContainerError("invalid container ID format");
  return id;
};

/** The start time of a living process, "" for a dead one or a zombie. */
export const startTimeOf = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "" : fields[19];
  } catch {
    return "";
  }
};

export const statusOf = (stored: Stored): Status => {
  if (stored.pid === 0 || startTimeOf(stored.pid) !== stored.pidStart) return "stopped";
  return stored.status !== "creating" && openCgroup(stored.cgroup).isFrozen() ? "paused" : stored.status;
};

const missing = (): ContainerError => new ContainerError("container does not exist");

export class Store {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  directory(id: string): string {
    return join(this.root, checkId(id));
  }

  /** A new container's directory, locked; release with `unlock`. */
  create(id: string): number {
    mkdirSync(this.root, { recursive: true, mode: 0o711 });
    try {
      mkdirSync(this.directory(id), 0o700);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") throw new ContainerError("container with given ID already exists");
      throw error;
    }
    return this.lock(id);
  }

  lock(id: string): number {
    for (;;) {
      let fd: number;
      try {
        fd = openSync(this.directory(id), "r");
      } catch {
        throw missing();
      }
      lockFile(fd);
      // Deleted while this waited, and perhaps made anew?
      try {
        if (statSync(this.directory(id)).ino === statSync(`/proc/self/fd/${fd}`).ino) return fd;
      } catch {
        closeSync(fd);
        throw missing();
      }
      closeSync(fd);
    }
  }

  unlock(fd: number): void {
    closeSync(fd);
  }

  write(stored: Stored): void {
    const path = join(this.directory(stored.id), "state.json");
    writeFileSync(`${path}.new`, JSON.stringify(stored), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  read(id: string): Stored {
    let state: Partial<Stored> | null;
    try {
      state = JSON.parse(readFileSync(join(this.directory(id), "state.json"), "utf8")) as Partial<Stored> | null;
    } catch (error) {
      if (error instanceof ContainerError) throw error;
      throw missing();
    }
    if (!isOwn(state)) throw missing();
    return state;
  }

  /** It has a state, but another runtime's. */
  isAnother(id: string): boolean {
    try {
      return !readFileSync(join(this.directory(id), "state.json"), "utf8").includes('"pidStart"');
    } catch {
      return false;
    }
  }

  exists(id: string): boolean {
    try {
      return statSync(this.directory(id)).isDirectory();
    } catch (error) {
      if (error instanceof ContainerError) throw error;
      return false;
    }
  }

  ids(): string[] {
    try {
      return readdirSync(this.root).sort();
    } catch {
      return [];
    }
  }

  /** As the monitor left it; null before its end, or when it was killed. */
  exitStatus(id: string): number | null {
    try {
      return Number(readFileSync(join(this.directory(id), "exit-status"), "utf8"));
    } catch {
      return null;
    }
  }

  remove(id: string): void {
    rmSync(this.directory(id), { recursive: true, force: true });
  }
}
