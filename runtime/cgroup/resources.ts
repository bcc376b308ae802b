/** linux.resources of config.json, checked (runtime/spec/validate-resources.ts). null: not given, the value stays what it is. */

export interface DeviceRule {
  readonly allow: boolean;
  readonly type: "a" | "b" | "c";
  /** null: any. */
  readonly major: number | null;
  readonly minor: number | null;
  /** Some of "rwm". */
  readonly access: string;
}

export interface DeviceRate {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

export interface DeviceWeight {
  readonly major: number;
  readonly minor: number;
  readonly weight: number | null;
  readonly leafWeight: number | null;
}

export interface MemoryResources {
  readonly limit: number | null;
  readonly reservation: number | null;
  /** Memory and swap together, as cgroup v1 counts. */
  readonly swap: number | null;
  readonly swappiness: number | null;
  readonly disableOomKiller: boolean;
  /** A limit below what is in use is refused, instead of reclaiming and killing. */
  readonly checkBeforeUpdate: boolean;
}

export interface CpuResources {
  readonly shares: number | null;
  readonly quota: number | null;
  readonly period: number | null;
  readonly burst: number | null;
  readonly realtimeRuntime: number | null;
  readonly realtimePeriod: number | null;
  readonly idle: number | null;
  /** "0-3,7"; "": not given. */
  readonly cpus: string;
  readonly mems: string;
}

export interface BlockIoResources {
  readonly weight: number | null;
  readonly leafWeight: number | null;
  readonly weightDevice: readonly DeviceWeight[];
  readonly throttleReadBpsDevice: readonly DeviceRate[];
  readonly throttleWriteBpsDevice: readonly DeviceRate[];
  readonly throttleReadIopsDevice: readonly DeviceRate[];
  readonly throttleWriteIopsDevice: readonly DeviceRate[];
}

export interface Resources {
  readonly memory: MemoryResources;
  readonly cpu: CpuResources;
  /** Tasks; null: not given, <= 0: without limit. */
  readonly pids: number | null;
  readonly blockIo: BlockIoResources;
  /** Page sizes as the files are named ("2MB"). */
  readonly hugepages: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly rdma: Readonly<Record<string, { readonly handles: number | null; readonly objects: number | null }>>;
  readonly network: {
    readonly classId: number | null;
    readonly priorities: readonly { readonly name: string; readonly priority: number }[];
  };
  readonly devices: readonly DeviceRule[];
  /** Files of cgroup v2 and what to write. */
  readonly unified: Readonly<Record<string, string>>;
}

export const NO_RESOURCES: Resources = {
  memory: { limit: null, reservation: null, swap: null, swappiness: null, disableOomKiller: false, checkBeforeUpdate: false },
  cpu: {
    shares: null,
    quota: null,
    period: null,
    burst: null,
    realtimeRuntime: null,
    realtimePeriod: null,
    idle: null,
    cpus: "",
    mems: "",
  },
  pids: null,
  blockIo: {
    weight: null,
    leafWeight: null,
    weightDevice: [],
    throttleReadBpsDevice: [],
    throttleWriteBpsDevice: [],
    throttleReadIopsDevice: [],
    throttleWriteIopsDevice: [],
  },
  hugepages: [],
  rdma: {},
  network: { classId: null, priorities: [] },
  devices: [],
  unified: {},
};

const anything = (value: unknown): boolean =>
  typeof value === "object" && value !== null ? Object.values(value).some(anything) : value !== null && value !== "" && value !== false;

/** True when a limit is asked for; device rules are no limit, for every container has them. */
export const limitsAnything = ({ devices: _, ...limits }: Resources): boolean => anything(limits);

/** Thrown for what a cgroup refuses; the text is the user's. */
export class CgroupError extends Error {}
