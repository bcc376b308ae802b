/** events: statistics from time to time, and a line when memory has run out. */
import { setTimeout as pause } from "node:timers/promises";
import { openOomNotice, takeOomNotice } from "../../native/ffi/oom-notice-unsafe.ts";
import { hostFiles, readText } from "../cgroup/files.ts";
import { type CgroupManager, openCgroup } from "../cgroup/manager.ts";
import { type CgroupStats, keyed, statsJson } from "../cgroup/stats.ts";
import { ContainerError } from "./container-error.ts";
import { ControlClient } from "./control-client.ts";
import { type Store, type Stored, statusOf } from "./store.ts";

/** So often it is asked whether the container is still there. */
const LOOK_MS = 100;

const event = (type: string, id: string, data?: unknown): string => statsJson({ type, id, data });

/** What the guest has, of what it may have: the host's figures contain the sandbox's own. */
const guestTasks = (store: Store, stored: Stored): CgroupStats["pids"] => {
  const limit = stored.resources.pids !== null && stored.resources.pids > 0 ? BigInt(stored.resources.pids) : undefined;
  const client = new ControlClient(store.directory(stored.id));
  const current = client.processes().reduce((sum, { threads }) => sum + threads, 0);
  client.close();
  return { current: BigInt(current), limit };
};

const statsLine = (store: Store, id: string, cgroup: CgroupManager): string => {
  const stored = store.read(id);
  const stats = cgroup.stats();
  return event("stats", id, cgroup.isFrozen() ? stats : { ...stats, pids: guestTasks(store, stored) });
};

/** Whether memory has run out since the last look. */
const oomWatch = (cgroup: CgroupManager): (() => boolean) => {
  const { memory, "": unified } = cgroup.paths;
  if (memory !== undefined) {
    const notice = openOomNotice(memory);
    // The kernel's last notice comes when the cgroup is removed.
    return () => takeOomNotice(notice) && hostFiles.exists(`${memory}/cgroup.event_control`);
  }
  if (unified === undefined) return () => false;
  const count = (): bigint => keyed(readText(hostFiles, `${unified}/memory.events`)).oom_kill ?? 0n;
  let last = count();
  return () => {
    const before = last;
    last = count();
    return last > before;
  };
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
    print(statsLine(store, id, cgroup));
    return;
  }
  const hasRunOut = oomWatch(cgroup);
  const isThere = (): boolean => {
    try {
      return statusOf(store.read(id)) !== "stopped";
    } catch {
      return false;
    }
  };
  for (let next = performance.now() + options.intervalMs; ; await pause(LOOK_MS)) {
    // Asked before: memory may be what the container has ended for.
    const isOver = !isThere();
    if (hasRunOut()) print(event("oom", id));
    if (isOver) return;
    if (performance.now() < next) continue;
    next += options.intervalMs;
    try {
      print(statsLine(store, id, cgroup));
    } catch (error) {
      // It ended just now.
      if (isThere()) throw error;
    }
  }
};
