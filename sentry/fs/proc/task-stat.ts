/** /proc/PID/stat and statm (proc_pid_stat(5), fs/proc/array.c do_task_stat). */

import { RLIMIT_RSS, SCHED_FIFO, SCHED_RR } from "../../../syscall-tables/flags/process.ts";
import { R_RIP, R_RSP } from "../../platform/registers.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import { type Usage, usageOf, usageOfTask } from "../../task/usage.ts";
import { controllingTerminal } from "../tty/job-control.ts";
import { livingTask, type Subject } from "./task-directory.ts";
import { estimatedFile, parentPid, residentPages, stateOf, ticks } from "./task-state.ts";

/** PF_RANDOMIZE, PF_FORKNOEXEC, PF_EXITING. */
const PF_RANDOMIZE = 0x0040_0000;
const PF_FORKNOEXEC = 0x40;
const PF_EXITING = 0x4;
const UNLIMITED = "18446744073709551615";

const timesOf = ({ task, scope }: Subject): Usage => (scope === "process" ? usageOf(task.process) : usageOfTask(task));

const priorityOf = (task: Task): number => {
  const { policy, priority, nice } = task.scheduling;
  return policy === SCHED_FIFO || policy === SCHED_RR ? -1 - priority : 20 + nice;
};

export const statText = (subject: Subject, reader: Task): string => {
  const { fs, task } = subject;
  const { process } = task;
  const { group, session } = process;
  const { clock } = fs.kernel;
  const usage = timesOf(subject);
  const children = process.childrenUsage;
  const living = livingTask(subject);
  const isVisible = living !== null && mayInspect(reader, task, true);
  const mm = living?.mm ?? null;
  const { ignoredLo, caughtLo } = process.actions.summary();
  const terminal = controllingTerminal(process);
  const rss = process.limits.get(RLIMIT_RSS).soft;
  // Stack pointer and instruction pointer are shown of the dying only.
  const regs = isVisible && process.isExiting && living !== null && !living.thread.isRunning ? living.thread.regs : null;
  const flags = PF_RANDOMIZE | (process.hasExeced ? 0 : PF_FORKNOEXEC) | (task.isDead || process.isExiting ? PF_EXITING : 0);
  const shown = (value: number | undefined): number => (isVisible ? (value ?? 0) : 0);
  const fields: (number | string)[] = [
    task.pid.in(fs.pids),
    `(${task.name})`,
    stateOf(task),
    parentPid(subject),
    group.pid.in(fs.pids),
    session.pid.in(fs.pids),
    terminal?.rdev ?? 0,
    terminal === null ? -1 : (session.foreground?.pid.in(fs.pids) ?? -1),
    flags,
    usage.minorFaults,
    children.minorFaults,
    usage.majorFaults,
    children.majorFaults,
    ticks(usage.userNs),
    ticks(usage.systemNs),
    ticks(children.userNs),
    ticks(children.systemNs),
    priorityOf(task),
    task.scheduling.nice,
    Math.max(1, process.tasks.size),
    0,
    ticks((subject.scope === "process" ? process.startNs : task.startNs) + clock.bootOffsetNs + reader.timeNamespace.boottimeNs),
    (mm?.totalPages ?? 0) * 4096,
    living === null ? 0 : residentPages(living),
    Number.isFinite(rss) ? rss : UNLIMITED,
    // Addresses of others' code are 1, of those that cannot be seen (mm ? (permitted ? … : 1) : 0).
    ...(mm === null ? [0, 0, 0] : isVisible ? [mm.codeStart, mm.codeEnd, mm.stackStart] : [1, 1, 0]),
    regs?.get(R_RSP) ?? 0,
    regs?.get(R_RIP) ?? 0,
    (task.signals.pending.lo & 0x7fff_ffff) >>> 0,
    (task.signals.maskLo & 0x7fff_ffff) >>> 0,
    (ignoredLo & 0x7fff_ffff) >>> 0,
    (caughtLo & 0x7fff_ffff) >>> 0,
    isVisible && task.op !== null ? 1 : 0,
    0,
    0,
    subject.scope === "process" ? process.exitSignal : -1,
    task.thread.cpu ?? 0,
    task.scheduling.priority,
    task.scheduling.policy,
    0,
    0,
    0,
    shown(mm?.dataStart),
    shown(mm?.dataEnd),
    shown(mm?.brkStart),
    shown(mm?.argStart),
    shown(mm?.argEnd),
    shown(mm?.envStart),
    shown(mm?.envEnd),
    isVisible || task.isDead ? (process.isZombie ? process.exitStatus : 0) : 0,
  ];
  return `${fields.join(" ")}\n`;
};

export const statmText = (subject: Subject): string => {
  const task = livingTask(subject);
  if (task === null) return "0 0 0 0 0 0 0\n";
  const { mm } = task;
  const resident = residentPages(task);
  const text = Math.ceil((mm.codeEnd - mm.codeStart) / 4096);
  return `${mm.totalPages} ${resident} ${Math.min(resident, estimatedFile(mm))} ${text} 0 ${mm.dataPages + mm.stackPages} 0\n`;
};
