/** The files of a cgroup that change by themselves: what the guest uses, as the sentry counts it. */
import { TICK_NS } from "../../../syscall-tables/limits.ts";
import type { Kernel } from "../../kernel.ts";
import { machine } from "../../task/machine.ts";
import type { Task } from "../../task/task.ts";
import { sandboxUsage } from "../proc/system-load.ts";

export type UsageText = (kernel: Kernel, reader: Task | null) => string;
const MICRO_NS = 1000;
const PAGE = 4096;

const number = (value: number): string => `${Math.floor(value)}\n`;
const lines = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${Math.floor(value)}\n`)
    .join("");

let peakBytes = 0;
let peakTasks = 0;

const usedBytes = (kernel: Kernel): number => {
  const bytes = sandboxUsage(kernel.pids).residentPages * PAGE;
  peakBytes = Math.max(peakBytes, bytes);
  return bytes;
};

const taskCount = (kernel: Kernel): number => {
  const tasks = kernel.pids.countTasks();
  peakTasks = Math.max(peakTasks, tasks);
  return tasks;
};

const memory: UsageText = (kernel) => number(usedBytes(kernel));
const peak: UsageText = (kernel) => {
  usedBytes(kernel);
  return number(peakBytes);
};
const zero: UsageText = () => "0\n";

/** Processes that the reader can see. */
const processes: UsageText = (kernel, reader) => {
  const namespace = reader?.pidNamespace ?? kernel.pids;
  let text = "";
  for (const process of namespace.processes()) if (!process.isZombie) text += `${process.leader.pid.in(namespace)}\n`;
  return text;
};

const threads: UsageText = (kernel, reader) => {
  const namespace = reader?.pidNamespace ?? kernel.pids;
  let text = "";
  for (const process of namespace.processes()) for (const task of process.tasks.values()) text += `${task.pid.in(namespace)}\n`;
  return text;
};

/** The names of memory.stat that programs look at; what is not counted apart is 0. */
const memoryStatV1: UsageText = (kernel) => {
  const rss = usedBytes(kernel);
  const own = { cache: 0, rss, rss_huge: 0, shmem: 0, mapped_file: 0, dirty: 0, writeback: 0, swap: 0, pgpgin: 0, pgpgout: 0 };
  const lists = { pgfault: 0, pgmajfault: 0, inactive_anon: 0, active_anon: rss, inactive_file: 0, active_file: 0, unevictable: 0 };
  const all = { ...own, ...lists };
  const totals = Object.fromEntries(Object.entries(all).map(([name, value]) => [`total_${name}`, value]));
  return lines({ ...all, hierarchical_memory_limit: machine.memTotalBytes, ...totals });
};

const memoryStatV2: UsageText = (kernel) => {
  const anon = usedBytes(kernel);
  const own = { anon, file: 0, kernel: 0, kernel_stack: 0, pagetables: 0, sock: 0, shmem: 0, file_mapped: 0, file_dirty: 0 };
  return lines({
    ...own,
    file_writeback: 0,
    inactive_anon: 0,
    active_anon: anon,
    inactive_file: 0,
    active_file: 0,
    unevictable: 0,
    slab: 0,
  });
};

const cpuStatV2: UsageText = (kernel) => {
  const { userNs, systemNs } = sandboxUsage(kernel.pids);
  const times = { usage_usec: (userNs + systemNs) / MICRO_NS, user_usec: userNs / MICRO_NS, system_usec: systemNs / MICRO_NS };
  return lines({ ...times, nr_periods: 0, nr_throttled: 0, throttled_usec: 0 });
};

const cpuNs: UsageText = (kernel) => {
  const { userNs, systemNs } = sandboxUsage(kernel.pids);
  return number(userNs + systemNs);
};

/** Which CPU it was is the host's affair: shown as shared evenly. */
const cpuNsEach: UsageText = (kernel) => {
  const { userNs, systemNs } = sandboxUsage(kernel.pids);
  return `${machine.cpus.map(() => Math.floor((userNs + systemNs) / machine.cpus.length)).join(" ")} \n`;
};

const V1: Readonly<Record<string, Readonly<Record<string, UsageText>>>> = {
  cpu: { "cpu.stat": () => lines({ nr_periods: 0, nr_throttled: 0, throttled_time: 0 }) },
  cpuacct: {
    "cpuacct.usage": cpuNs,
    "cpuacct.usage_percpu": cpuNsEach,
    "cpuacct.stat": (kernel) => {
      const { userNs, systemNs } = sandboxUsage(kernel.pids);
      return lines({ user: userNs / TICK_NS, system: systemNs / TICK_NS });
    },
  },
  memory: {
    "memory.usage_in_bytes": memory,
    "memory.max_usage_in_bytes": peak,
    "memory.failcnt": zero,
    "memory.memsw.usage_in_bytes": memory,
    "memory.memsw.max_usage_in_bytes": peak,
    "memory.memsw.failcnt": zero,
    "memory.kmem.usage_in_bytes": zero,
    "memory.stat": memoryStatV1,
  },
  pids: { "pids.current": (kernel) => number(taskCount(kernel)), "pids.events": () => "max 0\n" },
};

const V2: Readonly<Record<string, UsageText>> = {
  "cgroup.threads": threads,
  "cgroup.events": () => "populated 1\nfrozen 0\n",
  "cgroup.freeze": zero,
  "cgroup.stat": () => lines({ nr_descendants: 0, nr_dying_descendants: 0 }),
  "cpu.stat": cpuStatV2,
  "io.stat": () => "",
  "memory.current": memory,
  "memory.peak": peak,
  "memory.stat": memoryStatV2,
  "memory.events": () => lines({ low: 0, high: 0, max: 0, oom: 0, oom_kill: 0, oom_group_kill: 0 }),
  "memory.swap.current": zero,
  "pids.current": (kernel) => number(taskCount(kernel)),
  "pids.peak": (kernel) => {
    taskCount(kernel);
    return number(peakTasks);
  },
  "pids.events": () => "max 0\n",
};

/** By file name; `controller` "" is v2. */
export const usageFiles = (controller: string): Readonly<Record<string, UsageText>> =>
  controller === "" ? { "cgroup.procs": processes, ...V2 } : { "cgroup.procs": processes, tasks: threads, ...V1[controller] };
