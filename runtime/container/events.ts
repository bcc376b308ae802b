/** events: statistics from time to time, and a line when memory has run out. */
import { read } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { openOomNotice } from "../../native/ffi/oom-notice-unsafe.ts";
import { hostFiles, readText } from "../cgroup/files.ts";
import { type CgroupManager, openCgroup } from "../cgroup/manager.ts";
import { keyed, statsJson } from "../cgroup/stats.ts";
import { ContainerError } from "./container-error.ts";
import { type Store, statusOf } from "./store.ts";

/** So often it is asked whether the container is still there. */
const LOOK_MS = 100;

const event = (type: string, id: string, data?: unknown): string => statsJson({ type, id, data });

const statsLine = (id: string, cgroup: CgroupManager): string => event("stats", id, cgroup.stats());

/** Calls `notify` at each; the process's end is the end of it. */
const watchOom = (cgroup: CgroupManager, notify: () => void): (() => void) => {
  const unified = cgroup.paths.memory === undefined ? cgroup.paths[""] : undefined;
  if (unified !== undefined) {
    // memory.events changes now and then; what matters is the count of kills.
    const count = (): bigint => keyed(readText(hostFiles, `${unified}/memory.events`)).oom ?? 0n;
    let last = count();
    return () => {
      const now = count();
      if (now > last) notify();
      last = now;
    };
  }
  if (cgroup.paths.memory === undefined) return () => {};
  const fd = openOomNotice(cgroup.paths.memory);
  const buffer = Buffer.alloc(8);
  const next = (): void => {
    read(fd, buffer, 0, 8, null, (error) => {
      // The kernel's last notice comes when the cgroup is removed.
      if (error || !hostFiles.exists(`${cgroup.paths.memory}/cgroup.event_control`)) return;
      notify();
      next();
    });
  };
  next();
  return () => {};
};

export const showEvents = async (
  store: Store,
  id: string,
  options: { readonly intervalMs: number; readonly isOnce: boolean },
  print: (line: string) => void,
): Promise<void> => {
  const stored = store.read(id);
  if (statusOf(stored) === "stopped") throw new ContainerError(`container with id ${id} is not running`);
  const cgroup = openCgroup(stored.cgroup);
  if (options.isOnce) {
    print(statsLine(id, cgroup));
    return;
  }
  const look = watchOom(cgroup, () => print(event("oom", id)));
  const isThere = (): boolean => {
    try {
      return statusOf(store.read(id)) !== "stopped";
    } catch {
      return false;
    }
  };
  for (let next = performance.now() + options.intervalMs; isThere(); await pause(LOOK_MS)) {
    look();
    if (performance.now() < next) continue;
    next += options.intervalMs;
    print(statsLine(id, cgroup));
  }
};
