/** Statistics from the files of cgroup v1. */
import { parseList } from "./convert.ts";
import { type CgroupFiles, readText } from "./files.ts";
import type { CgroupPaths } from "./paths.ts";
import {
  type BlockIoEntry,
  type CgroupStats,
  CPUSET_NUMBERS,
  counter,
  keyed,
  type MemoryEntry,
  NO_LIMIT,
  unlessEmpty,
  unlessZero,
} from "./stats.ts";

/** USER_HZ */
const TICK_NS = 10_000_000n;
const BLKIO_FILES: Readonly<Record<string, string>> = {
  ioServiceBytesRecursive: "io_service_bytes_recursive",
  ioServicedRecursive: "io_serviced_recursive",
  ioQueueRecursive: "io_queued_recursive",
  ioServiceTimeRecursive: "io_service_time_recursive",
  ioWaitTimeRecursive: "io_wait_time_recursive",
  ioMergedRecursive: "io_merged_recursive",
  ioTimeRecursive: "time_recursive",
  sectorsRecursive: "sectors_recursive",
};

const blockEntries = (text: string): BlockIoEntry[] =>
  text.split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+)(?: (\w+))? (\d+)$/.exec(line.trim());
    if (!match) return [];
    return [
      { major: unlessZero(counter(match[1])), minor: unlessZero(counter(match[2])), op: match[3], value: unlessZero(counter(match[4])) },
    ];
  });

export const statsV1 = (files: CgroupFiles, paths: CgroupPaths): CgroupStats => {
  const read = (controller: string, file: string): string => {
    const directory = paths[controller];
    return directory === undefined ? "" : readText(files, `${directory}/${file}`);
  };
  const entry = (name: string): MemoryEntry => {
    const limit = read("memory", `${name}.limit_in_bytes`);
    return {
      limit: limit === "" ? 0n : counter(limit),
      usage: unlessZero(counter(read("memory", `${name}.usage_in_bytes`))),
      max: unlessZero(counter(read("memory", `${name}.max_usage_in_bytes`))),
      failcnt: counter(read("memory", `${name}.failcnt`)),
    };
  };
  const usage = keyed(read("cpuacct", "cpuacct.stat"));
  const perCpu = read("cpuacct", "cpuacct.usage_all")
    .split("\n")
    .slice(1)
    .map((line) => line.split(" ").map(counter));
  const raw = keyed(read("memory", "memory.stat"));
  const throttling = keyed(read("cpu", "cpu.stat"));
  const pidsLimit = counter(read("pids", "pids.max"));
  const bfq = read("blkio", "blkio.bfq.io_serviced_recursive") === "" ? "" : "bfq.";
  const blkio: Record<string, readonly BlockIoEntry[] | undefined> = {};
  for (const [name, file] of Object.entries(BLKIO_FILES)) {
    let entries = blockEntries(read("blkio", `blkio.${bfq}${file}`));
    // Devices without a scheduler that counts.
    if (entries.length === 0 && name === "ioServiceBytesRecursive")
      entries = blockEntries(read("blkio", "blkio.throttle.io_service_bytes_recursive"));
    if (entries.length === 0 && name === "ioServicedRecursive")
      entries = blockEntries(read("blkio", "blkio.throttle.io_serviced_recursive"));
    blkio[name] = unlessEmpty(entries);
  }
  const hugetlb: Record<string, { usage?: bigint | undefined; max?: bigint | undefined; failcnt: bigint }> = {};
  if (paths.hugetlb !== undefined) {
    for (const name of files.names(paths.hugetlb)) {
      const size = /^hugetlb\.(\w+)\.usage_in_bytes$/.exec(name)?.[1];
      if (size === undefined) continue;
      hugetlb[size] = {
        usage: unlessZero(counter(read("hugetlb", `hugetlb.${size}.usage_in_bytes`))),
        max: unlessZero(counter(read("hugetlb", `hugetlb.${size}.max_usage_in_bytes`))),
        failcnt: counter(read("hugetlb", `hugetlb.${size}.failcnt`)),
      };
    }
  }
  return {
    cpu: {
      usage: {
        total: unlessZero(counter(read("cpuacct", "cpuacct.usage"))),
        percpu: unlessEmpty(read("cpuacct", "cpuacct.usage_percpu").split(/\s+/).filter(Boolean).map(counter)),
        percpu_kernel: unlessEmpty(perCpu.map(([, , kernel = 0n]) => kernel)),
        percpu_user: unlessEmpty(perCpu.map(([, user = 0n]) => user)),
        kernel: (usage.system ?? 0n) * TICK_NS,
        user: (usage.user ?? 0n) * TICK_NS,
      },
      throttling: {
        periods: unlessZero(throttling.nr_periods ?? 0n),
        throttledPeriods: unlessZero(throttling.nr_throttled ?? 0n),
        throttledTime: unlessZero(throttling.throttled_time ?? 0n),
      },
    },
    cpuset: {
      cpus: unlessEmpty(parseList(read("cpuset", "cpuset.cpus"))),
      cpu_exclusive: counter(read("cpuset", "cpuset.cpu_exclusive")),
      mems: unlessEmpty(parseList(read("cpuset", "cpuset.mems"))),
      ...Object.fromEntries(CPUSET_NUMBERS.slice(1).map((name) => [name, counter(read("cpuset", `cpuset.${name}`))])),
    },
    memory: {
      cache: unlessZero(raw.cache ?? 0n),
      usage: entry("memory"),
      swap: entry("memory.memsw"),
      kernel: entry("memory.kmem"),
      kernelTCP: entry("memory.kmem.tcp"),
      raw,
    },
    pids: { current: unlessZero(counter(read("pids", "pids.current"))), limit: pidsLimit === NO_LIMIT ? undefined : unlessZero(pidsLimit) },
    blkio,
    hugetlb,
    intel_rdt: {},
    network_interfaces: null,
  };
};
