/** /proc/PID/limits (fs/proc/base.c proc_pid_limits). */
import type { Subject } from "./task-directory.ts";

/** By resource number. */
const ROWS: readonly (readonly [string, string])[] = [
  ["Max cpu time", "seconds"],
  ["Max file size", "bytes"],
  ["Max data size", "bytes"],
  ["Max stack size", "bytes"],
  ["Max core file size", "bytes"],
  ["Max resident set", "bytes"],
  ["Max processes", "processes"],
  ["Max open files", "files"],
  ["Max locked memory", "bytes"],
  ["Max address space", "bytes"],
  ["Max file locks", "locks"],
  ["Max pending signals", "signals"],
  ["Max msgqueue size", "bytes"],
  ["Max nice priority", ""],
  ["Max realtime priority", ""],
  ["Max realtime timeout", "us"],
];

const value = (limit: number): string => (Number.isFinite(limit) ? String(limit) : "unlimited");

const row = (name: string, soft: string, hard: string, units: string): string =>
  `${name.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${units === "" ? "" : units.padEnd(10)}\n`;

export const limitsText = ({ task }: Subject): string => {
  const { limits } = task.process;
  let text = row("Limit", "Soft Limit", "Hard Limit", "Units");
  ROWS.forEach(([name, units], resource) => {
    const { soft, hard } = limits.get(resource);
    text += row(name, value(soft), value(hard), units);
  });
  return text;
};
