/** What config.json says nothing of, a program inherits: the resource limits of whoever called `moat`. */
import { readFileSync } from "node:fs";
import type { LimitConfig } from "../sandbox/process-config.ts";

/** By RLIMIT_*, as /proc/PID/limits calls them (fs/proc/base.c, lnames). */
const NAMES = [
  "cpu time",
  "file size",
  "data size",
  "stack size",
  "core file size",
  "resident set",
  "processes",
  "open files",
  "locked memory",
  "address space",
  "file locks",
  "pending signals",
  "msgqueue size",
  "nice priority",
  "realtime priority",
  "realtime timeout",
];

const bound = (text: string): number | null => (text === "unlimited" || Number(text) >= 2 ** 53 ? null : Number(text));

export const parseLimits = (text: string): LimitConfig[] =>
  text.split("\n").flatMap((line) => {
    const match = /^Max (.*?) +(unlimited|\d+) +(unlimited|\d+)/.exec(line);
    const resource = match === null ? -1 : NAMES.indexOf(match[1]);
    return match === null || resource < 0 ? [] : [{ resource, soft: bound(match[2]), hard: bound(match[3]) }];
  });

/** The launcher's: Node raises its own soft limit of open files. */
export const withCallerLimits = (given: readonly LimitConfig[]): readonly LimitConfig[] => {
  const asked = new Set(given.map(({ resource }) => resource));
  const inherited = parseLimits(readFileSync(`/proc/${process.ppid}/limits`, "latin1"));
  return [...inherited.filter(({ resource }) => !asked.has(resource)), ...given];
};
