/** What a task is doing: /proc/PID/{wchan,syscall,sched,schedstat,io,timers,personality,cgroup}. */
import { R_R8, R_R9, R_R10, R_RDI, R_RDX, R_RIP, R_RSI, R_RSP } from "../../platform/registers.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import { taskCpuNs, usageOf, usageOfTask } from "../../task/usage.ts";
import type { Subject } from "./task-directory.ts";

const hex = (value: number): string => `0x${value.toString(16)}`;

export const wchanText = ({ task }: Subject, reader: Task): string =>
  task.op !== null && mayInspect(reader, task, true) ? task.op.describe().replaceAll(" ", "_") : "0";

export const syscallText = ({ task }: Subject): string => {
  if (task.isDead || (task.op === null && task.thread.isRunning)) return "running\n";
  const { regs } = task.thread;
  const place = `${hex(regs.get(R_RSP))} ${hex(regs.get(R_RIP))}`;
  if (task.isParked && task.op === null) return `-1 ${place}\n`;
  const args = [R_RDI, R_RSI, R_RDX, R_R10, R_R8, R_R9].map((index) => hex(regs.get(index))).join(" ");
  return `${regs.syscallNumber} ${args} ${place}\n`;
};

/** Nanoseconds on a CPU, waiting for one, and time slices. */
export const schedstatText = ({ task, scope }: Subject): string => {
  const usage = scope === "process" ? usageOf(task.process) : usageOfTask(task);
  return `${Math.round(taskCpuNs(task))} 0 ${usage.voluntarySwitches + usage.involuntarySwitches}\n`;
};

const schedLine = (name: string, value: string): string => `${name.padEnd(45)}:${value.padStart(21)}\n`;
const milliseconds = (ns: number): string => (ns / 1e6).toFixed(6);

export const schedText = ({ fs, task }: Subject): string => {
  const usage = usageOfTask(task);
  const { policy, nice } = task.scheduling;
  const head = `${task.name} (${task.pid.in(fs.pids)}, #threads: ${Math.max(1, task.process.tasks.size)})\n`;
  return [
    head,
    `${"-".repeat(67)}\n`,
    schedLine("se.exec_start", milliseconds(fs.kernel.clock.monotonicNs())),
    schedLine("se.vruntime", milliseconds(taskCpuNs(task))),
    schedLine("se.sum_exec_runtime", milliseconds(taskCpuNs(task))),
    schedLine("se.nr_migrations", "0"),
    schedLine("nr_switches", String(usage.voluntarySwitches + usage.involuntarySwitches)),
    schedLine("nr_voluntary_switches", String(usage.voluntarySwitches)),
    schedLine("nr_involuntary_switches", String(usage.involuntarySwitches)),
    schedLine("policy", String(policy)),
    schedLine("prio", String(120 + nice)),
  ].join("");
};

export const ioText = ({ task, scope }: Subject): string => {
  const usage = scope === "process" ? usageOf(task.process) : usageOfTask(task);
  const values: readonly (readonly [string, number])[] = [
    ["rchar", 0],
    ["wchar", 0],
    ["syscr", 0],
    ["syscw", 0],
    ["read_bytes", usage.blocksIn * 512],
    ["write_bytes", usage.blocksOut * 512],
    ["cancelled_write_bytes", 0],
  ];
  return values.map(([name, value]) => `${name}: ${value}\n`).join("");
};

export const personalityText = ({ task }: Subject): string => `${(task.personality >>> 0).toString(16).padStart(8, "0")}\n`;
