/** Resource usage (getrusage(2)): of a task, of a process, of reaped children. */
import { TICK_NS } from "../../syscall-tables/limits.ts";
import type { Process } from "./process.ts";
import type { Task } from "./task.ts";

export class Usage {
  userNs = 0;
  systemNs = 0;
  /** KiB */
  maxRss = 0;
  minorFaults = 0;
  majorFaults = 0;
  /** 512-byte blocks. */
  blocksIn = 0;
  blocksOut = 0;
  voluntarySwitches = 0;
  involuntarySwitches = 0;

  add(other: Usage): void {
    this.userNs += other.userNs;
    this.systemNs += other.systemNs;
    this.maxRss = Math.max(this.maxRss, other.maxRss);
    this.minorFaults += other.minorFaults;
    this.majorFaults += other.majorFaults;
    this.blocksIn += other.blocksIn;
    this.blocksOut += other.blocksOut;
    this.voluntarySwitches += other.voluntarySwitches;
    this.involuntarySwitches += other.involuntarySwitches;
  }
}

/** CPU time of a task, as the host counted it. */
export const taskCpuNs = (task: Task): number =>
  task.isDead ? task.usage.userNs + task.usage.systemNs : (task.thread.cpuTimeNs?.() ?? 0) + task.earlierCpuNs;

/** Brings user and system time of a living task up to date: their sum is exact, and neither ever goes back (cputime_adjust). */
const splitCpuTime = (task: Task): void => {
  const { usage } = task;
  const passedNs = Math.max(0, taskCpuNs(task) - usage.userNs - usage.systemNs);
  const measuredNs = (task.thread.systemTimeNs?.() ?? 0) + task.earlierSystemNs;
  const wantedNs = Math.max(0, measuredNs - task.countedSystemNs);
  const systemNs = Math.min(passedNs, wantedNs);
  // Ticks come late, by one at most.
  task.countedSystemNs = measuredNs - Math.min(TICK_NS, wantedNs - systemNs);
  usage.userNs += passedNs - systemNs;
  usage.systemNs += systemNs;
};

/** A snapshot of a task's usage. */
export const usageOfTask = (task: Task): Usage => {
  const usage = new Usage();
  if (!task.isDead) splitCpuTime(task);
  usage.add(task.usage);
  if (!task.isDead) usage.maxRss = task.mm.peakPages * 4;
  return usage;
};

/** A snapshot of all threads of a process, exited ones included. */
export const usageOf = (process: Process): Usage => {
  const usage = new Usage();
  usage.add(process.usage);
  for (const task of process.tasks.values()) usage.add(usageOfTask(task));
  return usage;
};

/** CPU time of a process. */
export const processCpuNs = (process: Process): number => {
  let ns = process.usage.userNs + process.usage.systemNs;
  for (const task of process.tasks.values()) ns += taskCpuNs(task);
  return ns;
};

/**
 * The thread that a signal of a CPU timer of the process goes to first. On Linux the tick that finds the expiry interrupts a
 * running thread, which gets the signal (check_process_timers); so each gets them in proportion to the time it uses.
 */
export const consumerOf = (process: Process): Task => {
  let consumer = process.leader.isDead ? process.anyTask : process.leader;
  if (process.tasks.size === 1) return consumer;
  let most = -1;
  for (const task of process.tasks.values()) {
    const ns = taskCpuNs(task) - task.sampledCpuNs;
    if (task.isDead || ns <= most) continue;
    most = ns;
    consumer = task;
  }
  consumer.sampledCpuNs += most;
  return consumer;
};
