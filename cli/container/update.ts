/** update: other limits for a container that runs. */
import { readFileSync } from "node:fs";
import { NO_RESOURCES, type Resources } from "../../runtime/cgroup/resources.ts";
import { ContainerError } from "../../runtime/container/container-error.ts";
import { updateContainer } from "../../runtime/container/update.ts";
import { Field } from "../../runtime/spec/field.ts";
import { validateResources } from "../../runtime/spec/validate-resources.ts";
import { readHostFacts } from "../host-facts.ts";
import { type GlobalOptions, storeOf } from "./context.ts";

export interface UpdateFlags {
  readonly resources?: string;
  readonly blkioWeight?: string;
  readonly cpuPeriod?: string;
  readonly cpuQuota?: string;
  readonly cpuBurst?: string;
  readonly cpuShare?: string;
  readonly cpuRtPeriod?: string;
  readonly cpuRtRuntime?: string;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly cpuIdle?: string;
  readonly memory?: string;
  readonly memoryReservation?: string;
  readonly memorySwap?: string;
  readonly pidsLimit?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
}

const SIZES = "kmgtp";
const MOST = 2 ** 63;

const integer = (name: string, text: string | undefined, least: number): number | null => {
  if (text === undefined) return null;
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || value < least || value >= MOST)
    throw new ContainerError(`invalid value for ${name}: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
};

/** "64m", "1.5GiB", "-1". */
export const bytes = (name: string, text: string | undefined): number | null => {
  if (text === undefined) return null;
  if (text === "-1") return -1;
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (!match) throw new ContainerError(`invalid value for ${name}: invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * 1024 ** (match[2] === "" ? 0 : SIZES.indexOf(match[2].toLowerCase()) + 1));
};

const fromFile = (path: string): Resources => {
  try {
    return validateResources(new Field(JSON.parse(readFileSync(path === "-" ? 0 : path, "utf8")), ""));
  } catch (error) {
    throw new ContainerError((error as Error).message);
  }
};

const fromFlags = (flags: UpdateFlags): Resources => ({
  ...NO_RESOURCES,
  memory: {
    ...NO_RESOURCES.memory,
    limit: bytes("memory", flags.memory),
    reservation: bytes("memory-reservation", flags.memoryReservation),
    swap: bytes("memory-swap", flags.memorySwap),
  },
  cpu: {
    shares: integer("cpu-share", flags.cpuShare, 0),
    quota: integer("cpu-quota", flags.cpuQuota, -MOST),
    period: integer("cpu-period", flags.cpuPeriod, 0),
    burst: integer("cpu-burst", flags.cpuBurst, 0),
    realtimeRuntime: integer("cpu-rt-runtime", flags.cpuRtRuntime, -MOST),
    realtimePeriod: integer("cpu-rt-period", flags.cpuRtPeriod, 0),
    idle: integer("cpu-idle", flags.cpuIdle, -MOST),
    cpus: flags.cpusetCpus ?? "",
    mems: flags.cpusetMems ?? "",
  },
  pids: integer("pids-limit", flags.pidsLimit, -MOST),
  blockIo: { ...NO_RESOURCES.blockIo, weight: integer("blkio-weight", flags.blkioWeight, 0) },
});

export const update = (id: string, flags: UpdateFlags, globals: GlobalOptions): Promise<void> => {
  for (const [name, value] of [
    ["l3-cache-schema", flags.l3CacheSchema],
    ["mem-bw-schema", flags.memBwSchema],
  ]) {
    if (value) throw new ContainerError(`${name}: Intel RDT is not supported`);
  }
  // What is wrong with the container comes before what is wrong with the flags, as with runc.
  storeOf(globals).read(id);
  return updateContainer(
    storeOf(globals),
    id,
    flags.resources === undefined ? fromFlags(flags) : fromFile(flags.resources),
    readHostFacts(),
  );
};
