/** /proc/PID/timens_offsets (time_namespaces(7), fs/proc/base.c): the offsets of the namespace that its children will be in. */
import { CAP_SYS_TIME } from "../../../syscall-tables/flags/system.ts";
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC } from "../../../syscall-tables/flags/time.ts";
import { EINVAL, EPERM, ERANGE } from "../../abi/errno.ts";
import { PAGE_SIZE } from "../../abi/mman.ts";
import type { Task } from "../../task/task.ts";
import type { OffsetClock, TimeOffset } from "../../task/time-namespace.ts";
import type { Subject } from "./task-directory.ts";

/** KTIME_MAX in seconds. */
const MOST_SECONDS = 9_223_372_036;
const MOST_LINES = 2;

const CLOCKS: Readonly<Record<string, OffsetClock>> = {
  monotonic: "monotonic",
  [CLOCK_MONOTONIC]: "monotonic",
  boottime: "boottime",
  [CLOCK_BOOTTIME]: "boottime",
};

const line = (name: string, { sec, nsec }: TimeOffset): string =>
  `${name.padEnd(10)} ${String(sec).padStart(10)} ${String(nsec).padStart(9)}\n`;

export const timeOffsetsText = ({ task: { childTimeNamespace: ns } }: Subject): string =>
  line("monotonic", ns.monotonic) + line("boottime", ns.boottime);

/** sscanf("%9s %lld %lu"): what follows is passed over. */
const LINE = /^\s*(\S{9}|\S{1,8}(?!\S))\s*(-?\d+)\s*(\d+)/;

/** timens_offsets_write(): how much of the text was taken, or an errno. */
export const storeTimeOffsets = (text: string, { task, fs }: Subject, writer: Task, offset: number): number => {
  if (offset !== 0 || text.length >= PAGE_SIZE) return EINVAL;
  const given: [OffsetClock, TimeOffset][] = [];
  const content = text.split("\0", 1)[0];
  let taken = 0;
  do {
    const end = content.indexOf("\n", taken);
    const match = LINE.exec(end < 0 ? content.slice(taken) : content.slice(taken, end));
    const clock = match === null || !Object.hasOwn(CLOCKS, match[1]) ? null : CLOCKS[match[1]];
    if (match === null || clock === null || Number(match[3]) >= 1e9) return EINVAL;
    given.push([clock, { sec: Number(match[2]), nsec: Number(match[3]) }]);
    taken = end < 0 || end === content.length - 1 ? content.length : end + 1;
  } while (taken < content.length && given.length < MOST_LINES);
  const namespace = task.childTimeNamespace;
  if (!writer.creds.hasIn(namespace.userNamespace, CAP_SYS_TIME)) return EPERM;
  const { clock } = fs.kernel;
  for (const [which, { sec, nsec }] of given) {
    const nowNs = clock.monotonicNs() + (which === "boottime" ? clock.bootOffsetNs : 0);
    const then = Math.floor((nowNs + nsec) / 1e9) + sec;
    if (Math.abs(sec) > MOST_SECONDS || then < 0 || then > Math.floor(MOST_SECONDS / 2)) return ERANGE;
  }
  for (const [which, value] of given) {
    const refused = namespace.setOffset(which, value);
    if (refused !== 0) return refused;
  }
  return taken < content.length ? taken : text.length;
};
