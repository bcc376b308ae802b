/** Load average, CPU time and memory use of the whole sandbox (fs/proc/{loadavg,stat,uptime,meminfo}.c). */
import type { Clock } from "../../loop/clock.ts";
import type { PidNamespace } from "../../task/pid-namespace.ts";
import type { Process } from "../../task/process.ts";
import type { Task } from "../../task/task.ts";
import { usageOf } from "../../task/usage.ts";
import type { HostFacts } from "./host-facts.ts";
import { isRunnable, residentPages, ticks } from "./task-state.ts";

const SECOND = 1e9;
/** The periods of loadavg, in seconds. */
const PERIODS = [60, 300, 900] as const;
const averages = [0, 0, 0];
let sampledNs = -1;
let idleNs = 0;

interface Counts {
  tasks: number;
  running: number;
  userNs: number;
  systemNs: number;
  residentPages: number;
}

const count = (pids: PidNamespace): Counts => {
  const counts: Counts = { tasks: 0, running: 0, userNs: 0, systemNs: 0, residentPages: 0 };
  const spaces = new Set<Process["leader"]["mm"]>();
  for (const process of pids.processes()) {
    const usage = usageOf(process);
    counts.userNs += usage.userNs;
    counts.systemNs += usage.systemNs;
    for (const task of process.tasks.values()) {
      counts.tasks++;
      if (isRunnable(task)) counts.running++;
      if (spaces.has(task.mm)) continue;
      spaces.add(task.mm);
      counts.residentPages += residentPages(task);
    }
  }
  return counts;
};

const uptimeNs = (clock: Clock): number => clock.monotonicNs() + clock.bootOffsetNs;

const hundredths = (ns: number): string => {
  const hundred = Math.floor(ns / 1e7);
  return `${Math.floor(hundred / 100)}.${String(hundred % 100).padStart(2, "0")}`;
};

/** A reader in a time namespace sees the machine started when the namespace says. */
export const uptimeText = (reader: Task, clock: Clock, pids: PidNamespace, { cpus }: HostFacts): string => {
  const up = uptimeNs(clock);
  const { userNs, systemNs } = count(pids);
  // What a task used is known when it was last asked for: the rest must not shrink meanwhile.
  idleNs = Math.max(idleNs, up * cpus.length - userNs - systemNs);
  return `${hundredths(up + reader.timeNamespace.boottimeNs)} ${hundredths(idleNs)}\n`;
};

/** The averages move when they are asked for: an idle sandbox is not woken every five seconds for them. */
const sampleLoad = (clock: Clock, running: number): void => {
  const now = clock.monotonicNs();
  if (sampledNs >= 0) {
    const seconds = (now - sampledNs) / SECOND;
    PERIODS.forEach((period, i) => {
      const decay = Math.exp(-seconds / period);
      averages[i] = averages[i] * decay + running * (1 - decay);
    });
  }
  sampledNs = now;
};

/** The three averages, and how many tasks there are. */
export const loadAverages = (clock: Clock, pids: PidNamespace): { averages: readonly number[]; running: number; tasks: number } => {
  const { tasks, running } = count(pids);
  sampleLoad(clock, running);
  return { averages, running, tasks };
};

/** Bytes that guest memory holds. */
/** Of all processes, and what those had used that they have reaped. */
export const sandboxUsage = (pids: PidNamespace): { userNs: number; systemNs: number; residentPages: number } => {
  const { userNs, systemNs, residentPages } = count(pids);
  const total = { userNs, systemNs, residentPages };
  for (const { childrenUsage } of pids.processes()) {
    total.userNs += childrenUsage.userNs;
    total.systemNs += childrenUsage.systemNs;
  }
  return total;
};

export const usedMemory = (pids: PidNamespace): number => count(pids).residentPages * 4096;

/** `reader`: whose last id is shown (loadavg_proc_show). */
export const loadavgText = (clock: Clock, pids: PidNamespace, reader: PidNamespace): string => {
  const { running, tasks } = loadAverages(clock, pids);
  return `${averages.map((load) => load.toFixed(2)).join(" ")} ${running}/${tasks} ${reader.lastPid}\n`;
};

const cpuLine = (name: string, user: number, system: number, idle: number): string =>
  `${name} ${ticks(user)} 0 ${ticks(system)} ${ticks(Math.max(0, idle))} 0 0 0 0 0 0\n`;

export const statText = (reader: Task, clock: Clock, pids: PidNamespace, { cpus }: HostFacts): string => {
  const { userNs, systemNs, running } = count(pids);
  const up = uptimeNs(clock);
  const bootSeconds = Math.floor((clock.realtimeNs() - up - reader.timeNamespace.boottimeNs) / SECOND);
  // Which CPU a guest thread ran on is the host's affair: shown as shared evenly.
  let text = cpuLine("cpu ", userNs, systemNs, up * cpus.length - userNs - systemNs);
  const shares = cpus.length;
  for (const cpu of cpus) {
    text += cpuLine(`cpu${cpu}`, userNs / shares, systemNs / shares, up - (userNs + systemNs) / shares);
  }
  const softirq = `softirq 0${" 0".repeat(10)}\n`;
  return `${text}intr 0\nctxt 0\nbtime ${bootSeconds}\nprocesses ${pids.lastPid}\nprocs_running ${running}\nprocs_blocked 0\n${softirq}`;
};

const memoryLine = (name: string, kilobytes: number): string =>
  `${`${name}:`.padEnd(16)}${String(Math.max(0, Math.floor(kilobytes))).padStart(8)} kB\n`;

export const meminfoText = (pids: PidNamespace, { memTotalBytes }: HostFacts): string => {
  const total = memTotalBytes / 1024;
  const used = Math.min(total, count(pids).residentPages * 4);
  const free = total - used;
  const rows: readonly (readonly [string, number])[] = [
    ["MemTotal", total],
    ["MemFree", free],
    ["MemAvailable", free],
    ["Buffers", 0],
    ["Cached", 0],
    ["SwapCached", 0],
    ["Active", used],
    ["Inactive", 0],
    ["Active(anon)", used],
    ["Inactive(anon)", 0],
    ["Active(file)", 0],
    ["Inactive(file)", 0],
    ["Unevictable", 0],
    ["Mlocked", 0],
    ["SwapTotal", 0],
    ["SwapFree", 0],
    ["Zswap", 0],
    ["Zswapped", 0],
    ["Dirty", 0],
    ["Writeback", 0],
    ["AnonPages", used],
    ["Mapped", 0],
    ["Shmem", 0],
    ["KReclaimable", 0],
    ["Slab", 0],
    ["SReclaimable", 0],
    ["SUnreclaim", 0],
    ["KernelStack", 0],
    ["PageTables", 0],
    ["SecPageTables", 0],
    ["NFS_Unstable", 0],
    ["Bounce", 0],
    ["WritebackTmp", 0],
    ["CommitLimit", total / 2],
    ["Committed_AS", used],
    ["VmallocTotal", 34_359_738_367],
    ["VmallocUsed", 0],
    ["VmallocChunk", 0],
    ["Percpu", 0],
    ["AnonHugePages", 0],
    ["ShmemHugePages", 0],
    ["ShmemPmdMapped", 0],
    ["FileHugePages", 0],
    ["FilePmdMapped", 0],
  ];
  const hugePages = ["Total", "Free", "Rsvd", "Surp"].map((name) => `${`HugePages_${name}:`.padEnd(16)}${"0".padStart(8)}\n`).join("");
  return (
    rows.map(([name, value]) => memoryLine(name, value)).join("") + hugePages + memoryLine("Hugepagesize", 2048) + memoryLine("Hugetlb", 0)
  );
};
