/** Facts about a task that several files under /proc/PID show. */
import { TICK_NS } from "../../../syscall-tables/limits.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import { VM_STACK_AREA } from "../../mm/vma.ts";
import type { Task } from "../../task/task.ts";
import type { Subject } from "./task-directory.ts";

export const ticks = (ns: number): number => Math.floor(ns / TICK_NS);

export type StateLetter = "R" | "S" | "D" | "T" | "t" | "Z" | "X";

const STATE_NAMES: Readonly<Record<StateLetter, string>> = {
  R: "R (running)",
  S: "S (sleeping)",
  D: "D (disk sleep)",
  T: "T (stopped)",
  t: "t (tracing stop)",
  Z: "Z (zombie)",
  X: "X (dead)",
};

export const stateOf = (task: Task): StateLetter => {
  if (task.isDead) return task.process.isReaped ? "X" : "Z";
  if (task.trace?.isStopped === true) return "t";
  if (task.isParked) return "T";
  return task.op === null ? "R" : task.op.isKillableOnly ? "D" : "S";
};

export const stateName = (task: Task): string => STATE_NAMES[stateOf(task)];

export const isRunnable = (task: Task): boolean => stateOf(task) === "R";

/** The parent's id as the procfs shows it; 0 when it lies outside. */
export const parentPid = ({ fs, task }: Subject): number => task.process.parent?.leader.pid.in(fs.pids) ?? 0;

/** Pages in memory. The host knows; without its answer, what a program of this layout usually touches. */
export const residentPages = (task: Task): number => {
  if (task.isDead) return 0;
  const known = task.thread.process.residentPages?.();
  if (known !== undefined) return known;
  const { mm } = task;
  return Math.min(mm.totalPages, estimatedAnonymous(mm) + estimatedFile(mm));
};

/** Large reservations (heaps of runtimes, thread stacks) are mostly untouched. */
const ESTIMATED_AREA_PAGES = 1024;
export const estimatedAnonymous = (mm: AddressSpace): number => {
  let pages = 0;
  for (const vma of mm.vmas()) {
    if (vma.isPlatform || vma.file !== null || (vma.prot & 2) === 0) continue;
    pages += (vma.flags & VM_STACK_AREA) !== 0 ? mm.stackPages : Math.min(vma.length / 4096, ESTIMATED_AREA_PAGES);
  }
  return pages;
};

export const estimatedFile = (mm: AddressSpace): number => {
  let pages = 0;
  for (const vma of mm.vmas()) if (!vma.isPlatform && vma.file !== null && vma.prot !== 0) pages += vma.length / 4096;
  return pages;
};
