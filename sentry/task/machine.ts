/** The machine as the guest sees it. Asked for once before the sentry confines itself; a container's limits narrow it, also later. */
import os from "node:os";
import type { CgroupView, SeenResources } from "../../runtime/sandbox/seen-resources.ts";
import type { HostFacts } from "../fs/proc/host-facts.ts";

type Changing<T> = { -readonly [K in keyof T]: T[K] };

interface Machine extends HostFacts {
  /** Processes and threads that there may be; a cgroup's pids.max. */
  readonly maxTasks: number;
  /** nr_cpu_ids: one more than the highest number that a CPU can have. */
  readonly possibleCpus: number;
  /** The container's cgroup; null: none of its own. */
  readonly cgroup: CgroupView | null;
}

/** One object for all who show it, changed in place. */
export const machine: Changing<Machine> = {
  cpuinfo: "",
  cpus: Array.from({ length: os.availableParallelism() }, (_, cpu) => cpu),
  memTotalBytes: os.totalmem(),
  kernelRelease: "",
  kernelVersion: "",
  maxTasks: Number.POSITIVE_INFINITY,
  possibleCpus: os.availableParallelism(),
  cgroup: null,
};

/** What a later view does not name is as it was. */
const mergedView = (old: CgroupView | null, view: CgroupView): CgroupView => ({
  ...view,
  controllers: Object.fromEntries(
    Object.entries(view.controllers).map(([name, one]) => [name, { ...one, files: { ...old?.controllers[name]?.files, ...one.files } }]),
  ),
});

export const narrowMachine = ({ cpus, memTotalBytes, maxTasks, cgroup }: SeenResources): void => {
  Object.assign(machine, {
    cpus,
    memTotalBytes,
    cgroup: mergedView(machine.cgroup, cgroup),
    maxTasks: maxTasks ?? Number.POSITIVE_INFINITY,
  } satisfies Partial<Machine>);
};
