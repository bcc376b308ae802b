/** What a container takes over from namespaces that config.json names by path. */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import {
  type IdExtentConfig,
  type JoinConfig,
  MOST_OFFSET_SECONDS,
  type TimeOffsetsConfig,
  type UserNamespaceConfig,
} from "../sandbox/config.ts";
import type { ProcessConfig } from "../sandbox/process-config.ts";
import type { IdMapping, Spec } from "../spec/spec.ts";
import { checkMapped, type SpecNamespaces, type UserMappings } from "../spec/validate-namespaces.ts";
import { ContainerError } from "./container-error.ts";
import { type Store, type Stored, statusOf } from "./store.ts";

/** Moat's containers have no host namespaces of these kinds: one is known by its monitor's pid. */
const containerOf = (store: Store, path: string, kind: "uts" | "user" | "pid" | "ipc" | "time"): Stored | null => {
  const match = /^\/proc\/([0-9]+)\/ns\/([a-z]+)$/.exec(path);
  if (match === null || match[2] !== kind) return null;
  for (const id of store.ids()) {
    try {
      const stored = store.read(id);
      if (stored.pid === Number(match[1])) return stored;
    } catch {
      // Being made, or being deleted.
    }
  }
  return null;
};

/** The host name in the UTS namespace that the container is to live in: "" the host's, "new", or a path. */
export const sharedHostname = (store: Store, namespace: string, own: string): string => {
  if (namespace === "" || namespace === "new") return own;
  const container = containerOf(store, namespace, "uts");
  if (container !== null) return container.hostname;
  let inode: number;
  try {
    inode = statSync(namespace).ino;
  } catch {
    throw new ContainerError(`unable to create new parent process: namespace path: lstat ${namespace}: no such file or directory`);
  }
  if (inode === statSync("/proc/self/ns/uts").ino) return own;
  const result = spawnSync("nsenter", [`--uts=${namespace}`, "uname", "-n"], { encoding: "latin1" });
  if (result.status !== 0) throw new ContainerError(`linux.namespaces: cannot enter the UTS namespace ${namespace}`);
  return result.stdout.trimEnd();
};

const IPC_SYSCTL = /^(?:kernel\/(?:msg|sem|shm)|fs\/mqueue\/)/;

/** What was set in the IPC namespace that the container is to live in (a pod's, whose first container sets it), and what it sets there. */
export const ipcSysctls = (store: Store, spec: Pick<Spec, "namespaces" | "sysctls">): Stored["ipcSysctls"] => [
  ...(containerOf(store, spec.namespaces.ipc, "ipc")?.ipcSysctls ?? []),
  ...spec.sysctls.filter(([path]) => IPC_SYSCTL.test(path)),
];

const inodeOf = (path: string): number => {
  try {
    return statSync(path).ino;
  } catch {
    throw new ContainerError(`unable to create new parent process: namespace path: lstat ${path}: no such file or directory`);
  }
};

/** Whose sandbox the container lives in. */
const sandboxOf = (container: Stored | null): string => (container === null ? "" : container.sandbox || container.id);

export interface JoinedSandbox {
  /** The container whose sentry it is. */
  readonly owner: Stored;
  readonly joins: JoinConfig;
}

/**
 * The sandbox of the pid namespace that config.json names; null: one of its own, which the host's is taken for, too: the
 * processes of a kernel of one's own are all that there is to be seen.
 */
export const joinedSandbox = (store: Store, { pid, uts, ipc, network }: SpecNamespaces): JoinedSandbox | null => {
  if (pid === "" || pid === "new") return null;
  const container = containerOf(store, pid, "pid");
  if (container === null) {
    if (inodeOf(pid) === inodeOf("/proc/self/ns/pid")) return null;
    throw new ContainerError(
      `config.json: linux.namespaces: joining a pid namespace (${pid}) that is no container's of Moat is not supported`,
    );
  }
  const owner = store.read(sandboxOf(container));
  if (statusOf(owner) === "stopped") throw new ContainerError(`config.json: linux.namespaces: the container of ${pid} has stopped`);
  const isShared = (kind: "uts" | "ipc", path: string): boolean => sandboxOf(containerOf(store, path, kind)) === owner.id;
  const isSameNetwork = network !== "new" && inodeOf(network || "/proc/self/ns/net") === inodeOf(`/proc/${owner.pid}/ns/net`);
  return { owner, joins: { uts: isShared("uts", uts), ipc: isShared("ipc", ipc), network: isSameNetwork } };
};

/** /proc/PID/timens_offsets of a process outside: with the offsets of its clocks one shares its namespace's time. */
const readOffsets = (path: string): TimeOffsetsConfig => {
  const text = readFileSync(path, "latin1");
  const of = (clock: string): TimeOffsetsConfig["monotonic"] => {
    const [, sec = "0", nsec = "0"] = new RegExp(`^${clock}\\s+(-?\\d+)\\s+(\\d+)$`, "m").exec(text) ?? [];
    return { sec: Number(sec), nsec: Number(nsec) };
  };
  return { monotonic: of("monotonic"), boottime: of("boottime") };
};

const bootClockS = (): number => Number(readFileSync("/proc/uptime", "latin1").split(" ", 1)[0]);

/** timens_offsets_write(): no clock before its zero or beyond half of its range. */
const checkOffsets = (offsets: TimeOffsetsConfig): void => {
  const nowS = { monotonic: Number(process.hrtime.bigint()) / 1e9, boottime: bootClockS() };
  for (const clock of ["monotonic", "boottime"] as const) {
    const then = nowS[clock] + offsets[clock].sec + offsets[clock].nsec / 1e9;
    if (then < 0 || then > MOST_OFFSET_SECONDS / 2) {
      throw new ContainerError("unable to start container process: failed to update time namespace offsets: numerical result out of range");
    }
  }
};

/** The offsets of the time namespace that the container is to live in; null: the machine's own. */
export const timeOffsets = (store: Store, { time, timeOffsets: own }: SpecNamespaces): TimeOffsetsConfig | null => {
  if (time === "") return null;
  if (time === "new") {
    checkOffsets(own);
    return own;
  }
  const container = containerOf(store, time, "time");
  if (container !== null) return container.timeOffsets ?? null;
  if (inodeOf(time) === inodeOf("/proc/self/ns/time")) return null;
  const directory = /^(\/proc\/[0-9]+)\/ns\/time$/.exec(time)?.[1];
  if (directory === undefined)
    throw new ContainerError(`config.json: linux.namespaces: joining the time namespace ${time} is not supported`);
  return readOffsets(`${directory}/timens_offsets`);
};

/** uid_map or gid_map of a process outside. */
const readMap = (path: string): IdMapping[] =>
  readFileSync(path, "latin1")
    .trim()
    .split("\n")
    .map((line) => {
      const [containerId, hostId, size] = line.trim().split(/\s+/).map(Number);
      return { containerId, hostId, size };
    });

/** The mappings of the user namespace that the container is to live in: its own, or those of the one that is named by path. */
export const userMappings = (store: Store, { user, userPath }: SpecNamespaces): UserMappings | null => {
  if (userPath === "") return user;
  const container = containerOf(store, userPath, "user");
  if (container !== null) return container.user;
  const directory = /^(\/proc\/([0-9]+|self))\/ns\/user$/.exec(userPath)?.[1];
  if (directory === undefined)
    throw new ContainerError(`config.json: linux.namespaces: joining the user namespace ${userPath} is not supported`);
  try {
    if (statSync(userPath).ino === statSync("/proc/self/ns/user").ino) return null;
    return { uids: readMap(`${directory}/uid_map`), gids: readMap(`${directory}/gid_map`) };
  } catch {
    throw new ContainerError(`unable to create new parent process: namespace path: lstat ${userPath}: no such file or directory`);
  }
};

/** As the sentry takes them. An ordinary user has given up setgroups(2) for the right to a mapping. */
export const userNamespaceConfig = (user: UserMappings | null): UserNamespaceConfig | null => {
  if (user === null) return null;
  const extents = (mappings: readonly IdMapping[]): IdExtentConfig[] =>
    mappings.map(({ containerId, hostId, size }) => ({ inside: containerId, outside: hostId, count: size }));
  return { uids: extents(user.uids), gids: extents(user.gids), isSetgroupsAllowed: process.geteuid?.() === 0 };
};

/** Refuses a process whose ids the mappings do not have. */
export const mustBeMapped = (user: UserMappings | null, process: Pick<ProcessConfig, "uid" | "gid" | "groups">): void => {
  const complaint = user === null ? null : checkMapped(user, process);
  if (complaint !== null) throw new ContainerError(`unable to start container process: unable to setup user: ${complaint}`);
};
