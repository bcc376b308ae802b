/** A container's cgroups, whatever the machine has: what the commands ask of them. */
import { type CgroupFiles, hostFiles } from "./files.ts";
import { type CgroupHost, readCgroupHost } from "./host.ts";
import { type CgroupPaths, cgroupfsPaths, type SystemdUnit, systemdPaths, systemdUnit } from "./paths.ts";
import { CgroupError, type DeviceRule, type Resources } from "./resources.ts";
import type { CgroupStats } from "./stats.ts";
import { CgroupSystemd } from "./systemd.ts";
import { SystemdBus } from "./systemd-bus.ts";
import { annotatedProperties } from "./systemd-properties.ts";
import { CgroupV1 } from "./v1.ts";
import { CgroupV2 } from "./v2.ts";

export interface CgroupManager {
  /** Directories; after `create` and `join` those that the caller may use. */
  readonly paths: CgroupPaths;
  exists(): boolean;
  create(): void;
  /** Moves a process with all its threads; no error when it is gone. */
  join(pid: number): void | Promise<void>;
  /** Null leaves the devices as they are. */
  set(resources: Resources, devices: readonly DeviceRule[] | null): void;
  freeze(frozen: boolean): Promise<void>;
  isFrozen(): boolean;
  pids(): number[];
  stats(): CgroupStats;
  destroy(): Promise<void>;
}

/** As it is kept with the container's state. */
export interface StoredCgroup {
  readonly paths: CgroupPaths;
  readonly isV2: boolean;
  readonly systemd: SystemdUnit | null;
  readonly isRootless: boolean;
}

export interface CgroupPlan {
  readonly cgroupsPath: string;
  readonly id: string;
  readonly usesSystemd: boolean;
  readonly isRootless: boolean;
  readonly annotations: Readonly<Record<string, string>>;
}

const managerAt = (files: CgroupFiles, host: () => CgroupHost, { paths, isV2, systemd, isRootless }: StoredCgroup): CgroupManager => {
  if (systemd === null) return isV2 ? new CgroupV2(files, host, paths[""], isRootless) : new CgroupV1(files, host, paths, isRootless);
  const bus = new SystemdBus(isRootless);
  const inner = isV2
    ? new CgroupV2(files, host, paths[""], isRootless, (pid) => bus.attach(systemd.unit, pid))
    : new CgroupV1(files, host, paths, isRootless);
  return new CgroupSystemd(inner, systemd, bus, isV2);
};

/** Where the cgroups of a new container will be; refuses annotations that are none of a unit's properties. */
export const planCgroup = (host: CgroupHost, { cgroupsPath, id, usesSystemd, isRootless, annotations }: CgroupPlan): StoredCgroup => {
  const isV2 = host.mode === "v2";
  if (!usesSystemd) return { paths: host.mode === "none" ? {} : cgroupfsPaths(host, cgroupsPath, id), isV2, systemd: null, isRootless };
  annotatedProperties(annotations);
  const systemd = systemdUnit(cgroupsPath, id, isRootless, annotations);
  const manager = isRootless && isV2 ? new SystemdBus(true).controlGroup() : "/";
  return { paths: host.mode === "none" ? {} : systemdPaths(host, systemd, manager), isV2, systemd, isRootless };
};

export const openCgroup = (stored: StoredCgroup): CgroupManager => managerAt(hostFiles, readCgroupHost, stored);

/** Refuses a cgroup that others use. */
export const checkNew = (cgroup: CgroupManager): void => {
  if (!cgroup.exists()) return;
  if (cgroup.isFrozen()) throw new CgroupError("container's cgroup unexpectedly frozen");
  const others = cgroup.pids().length;
  if (others > 0) throw new CgroupError(`container's cgroup is not empty: ${others} process(es) found`);
};
