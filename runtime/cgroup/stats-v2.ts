/** Statistics from the files of cgroup v2, under the names of v1 that runc keeps. */
import { type CgroupFiles, readText } from "./files.ts";
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

const MICRO_NS = 1000n;

/** "8:0 rbytes=1 wbytes=2 rios=3 …" */
const blockEntries = (text: string): { bytes: BlockIoEntry[]; calls: BlockIoEntry[] } => {
  const bytes: BlockIoEntry[] = [];
  const calls: BlockIoEntry[] = [];
  const kinds: Readonly<Record<string, readonly [BlockIoEntry[], string]>> = {
    rbytes: [bytes, "Read"],
    wbytes: [bytes, "Write"],
    rios: [calls, "Read"],
    wios: [calls, "Write"],
  };
  for (const line of text.split("\n")) {
    const [device, ...values] = line.trim().split(" ");
    const match = /^(\d+):(\d+)$/.exec(device);
    if (!match) continue;
    for (const value of values) {
      const [name, number] = value.split("=");
      if (!Object.hasOwn(kinds, name)) continue;
      const [list, op] = kinds[name];
      list.push({ major: unlessZero(counter(match[1])), minor: unlessZero(counter(match[2])), op, value: unlessZero(counter(number)) });
    }
  }
  return { bytes, calls };
};

export const statsV2 = (files: CgroupFiles, directory: string): CgroupStats => {
  const read = (file: string): string => readText(files, `${directory}/${file}`);
  const cpu = keyed(read("cpu.stat"));
  const raw = keyed(read("memory.stat"));
  const events = keyed(read("memory.events"));
  const current = counter(read("memory.current"));
  const swapCurrent = counter(read("memory.swap.current"));
  const limitOf = (file: string): bigint => counter(read(file) || "0");
  const memoryLimit = limitOf("memory.max");
  const swapLimit = limitOf("memory.swap.max");
  const usage: MemoryEntry = {
    limit: memoryLimit,
    usage: unlessZero(current),
    max: unlessZero(counter(read("memory.peak"))),
    failcnt: events.max ?? 0n,
  };
  // v1 counts both together.
  const swap: MemoryEntry = {
    limit: swapLimit === NO_LIMIT || memoryLimit === NO_LIMIT ? NO_LIMIT : swapLimit + memoryLimit,
    usage: unlessZero(swapCurrent + current),
    failcnt: 0n,
  };
  const pidsLimit = limitOf("pids.max");
  const io = blockEntries(read("io.stat"));
  const hugetlb: Record<string, { usage?: bigint | undefined; failcnt: bigint }> = {};
  for (const name of files.names(directory)) {
    const size = /^hugetlb\.(\w+)\.current$/.exec(name)?.[1];
    if (size === undefined) continue;
    hugetlb[size] = { usage: unlessZero(counter(read(name))), failcnt: keyed(read(`hugetlb.${size}.events`)).max ?? 0n };
  }
  return {
    cpu: {
      usage: {
        total: unlessZero((cpu.usage_usec ?? 0n) * MICRO_NS),
        kernel: (cpu.system_usec ?? 0n) * MICRO_NS,
        user: (cpu.user_usec ?? 0n) * MICRO_NS,
      },
      throttling: {
        periods: unlessZero(cpu.nr_periods ?? 0n),
        throttledPeriods: unlessZero(cpu.nr_throttled ?? 0n),
        throttledTime: unlessZero((cpu.throttled_usec ?? 0n) * MICRO_NS),
      },
    },
    cpuset: Object.fromEntries(CPUSET_NUMBERS.map((name) => [name, 0n])),
    memory: {
      cache: unlessZero(raw.file ?? 0n),
      usage,
      swap,
      kernel: { limit: 0n, failcnt: 0n },
      kernelTCP: { limit: 0n, failcnt: 0n },
      raw,
    },
    pids: { current: unlessZero(counter(read("pids.current"))), limit: pidsLimit === NO_LIMIT ? undefined : unlessZero(pidsLimit) },
    blkio: { ioServiceBytesRecursive: unlessEmpty(io.bytes), ioServicedRecursive: unlessEmpty(io.calls) },
    hugetlb,
    intel_rdt: {},
    network_interfaces: null,
  };
};
