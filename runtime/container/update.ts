/** update: limits of a live container. */
import { openCgroup } from "../cgroup/manager.ts";
import type { CpuResources, Resources } from "../cgroup/resources.ts";
import type { HostFacts } from "../sandbox/config.ts";
import { CONTROL_RESOURCES } from "../sandbox/control-protocol.ts";
import { hostResources, protectSandbox, seenBy } from "./container-cgroup.ts";
import { ContainerError } from "./container-error.ts";
import { ControlClient } from "./control-client.ts";
import { withLock } from "./lifecycle.ts";
import { type Store, type Stored, statusOf } from "./store.ts";

type Values = Readonly<Record<string, unknown>>;

/** 0 and "" say nothing, as in runc. */
const overlaid = <T extends object>(old: T, changes: T): T => ({
  ...old,
  ...Object.fromEntries(
    Object.entries(changes as Values).filter(
      ([, value]) => value !== null && value !== "" && value !== 0 && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  ),
});

const cpuAfter = (old: CpuResources, changes: CpuResources): CpuResources => ({
  ...overlaid(old, changes),
  idle: changes.idle ?? old.idle,
  burst: changes.burst ?? old.burst,
});

/** The container's limits with some of them changed. */
export const merged = (old: Resources, changes: Resources): Resources => ({
  ...overlaid(old, changes),
  devices: old.devices,
  memory: overlaid(old.memory, changes.memory),
  cpu: cpuAfter(old.cpu, changes.cpu),
  blockIo: overlaid(old.blockIo, changes.blockIo),
  network: overlaid(old.network, changes.network),
  rdma: { ...old.rdma, ...changes.rdma },
  unified: { ...old.unified, ...changes.unified },
});

/** One of quota and period alone is set together with the other as it is. */
const withWholeBandwidth = (changes: Resources, all: Resources): Resources => {
  const { quota, period } = changes.cpu;
  if (!quota === !period) return changes;
  return { ...changes, cpu: { ...changes.cpu, quota: all.cpu.quota, period: all.cpu.period } };
};

/** cgroup v2 counts swap alone: for that the other of both must be known. */
const withWholeMemory = (changes: Resources, all: Resources): Resources => {
  const { limit, swap } = changes.memory;
  if (!swap || swap === -1 || limit) return changes;
  return { ...changes, memory: { ...changes.memory, limit: all.memory.limit } };
};

/** A paused container hears of it when it goes on. */
const tell = (store: Store, stored: Stored, facts: HostFacts): void => {
  const seen = seenBy(stored, stored.cgroup.paths, facts, stored.hasCgroupNamespace);
  // The one file that may be long, and that does not change: what is not sent stays.
  const text = JSON.stringify(seen, (name, value) => (name === "devices.list" ? undefined : value));
  const client = new ControlClient(store.directory(stored.id));
  if (statusOf(stored) === "paused") client.send(CONTROL_RESOURCES, 0, text);
  else client.ask(CONTROL_RESOURCES, 0, text);
  client.close();
};

export const updateContainer = (store: Store, id: string, changes: Resources, facts: HostFacts): Promise<void> =>
  withLock(store, id, async () => {
    const stored = store.read(id);
    if (statusOf(stored) === "stopped") throw new ContainerError("container not running");
    const cgroup = openCgroup(stored.cgroup);
    const resources = merged(stored.resources, changes);
    try {
      cgroup.set(hostResources(withWholeMemory(withWholeBandwidth(changes, resources), resources)), null);
    } catch (error) {
      try {
        cgroup.set(hostResources(stored.resources), null);
      } catch {
        // The first refusal is the one to tell.
      }
      throw new ContainerError((error as Error).message);
    }
    const isLimited = ({ memory }: Resources): boolean => (memory.limit ?? 0) > 0;
    if (isLimited(resources) && !isLimited(stored.resources)) protectSandbox(stored.pid);
    store.write({ ...stored, resources });
    tell(store, { ...stored, resources }, facts);
  });
