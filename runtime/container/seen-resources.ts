/** What a container sees of its cgroup: read from the host's files when it is made and when `update` has changed them. */
import { posix } from "node:path";
import { parseList } from "../cgroup/convert.ts";
import { type CgroupFiles, readText } from "../cgroup/files.ts";
import { type CgroupHost, type Hierarchy, parseOwnCgroups } from "../cgroup/host.ts";
import type { CgroupPaths } from "../cgroup/paths.ts";
import type { Resources } from "../cgroup/resources.ts";
import { keyed, NO_LIMIT } from "../cgroup/stats.ts";
import type { CgroupFilesView, SeenResources } from "../sandbox/seen-resources.ts";

const LIMITS_V1 =
  /^(cpu\.(shares|cfs_\w+|idle|rt_\w+)|cpuset\.(?!memory_pressure)\w+|memory\.[\w.]*limit_in_bytes|memory\.(swappiness|oom_control|use_hierarchy)|pids\.max|blkio\.[\w.]*(weight\w*|_device)|devices\.list|freezer\.\w+|hugetlb\.\w+\.limit_in_bytes|net_cls\.classid|net_prio\.\w+|rdma\.max|notify_on_release|cgroup\.clone_children)$/;
const LIMITS_V2 =
  /^(cpu\.(weight|weight\.nice|max|max\.burst|idle)|cpuset\.(cpus|mems)(\.effective)?|memory\.(max|high|low|min|swap\.max|oom\.group)|pids\.max|io\.(max|weight|bfq\.weight)|hugetlb\.\w+\.max|rdma\.max|cgroup\.(type|controllers|subtree_control|max\.depth|max\.descendants))$/;
/** Node's largest whole number; more memory no machine has. */
const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

const maxTasksOf = ({ pids, unified }: Resources): number | null => {
  const text = unified["pids.max"] ?? "";
  if (/^\d+$/.test(text)) return Number(text);
  return pids !== null && pids > 0 ? pids : null;
};

/** The smallest limit from the cgroup up. */
const memoryLimit = (files: CgroupFiles, paths: CgroupPaths, mountPoint: string): bigint => {
  if (paths.memory !== undefined) return keyed(readText(files, `${paths.memory}/memory.stat`)).hierarchical_memory_limit ?? NO_LIMIT;
  let least = NO_LIMIT;
  for (let at = paths[""] ?? ""; at.startsWith(`${mountPoint}/`); at = posix.dirname(at)) {
    const text = readText(files, `${at}/memory.max`);
    if (/^\d+$/.test(text) && BigInt(text) < least) least = BigInt(text);
  }
  return least;
};

const cpuTimeOf = (files: CgroupFiles, paths: CgroupPaths): number | null => {
  const [quota, period] =
    paths.cpu === undefined
      ? readText(files, `${paths[""]}/cpu.max`).split(" ")
      : [readText(files, `${paths.cpu}/cpu.cfs_quota_us`), readText(files, `${paths.cpu}/cpu.cfs_period_us`)];
  const time = Number(quota) / Number(period);
  return time > 0 && Number.isFinite(time) ? time : null;
};

const limitFiles = (files: CgroupFiles, directory: string, pattern: RegExp, maxTasks: number | null): Record<string, string> =>
  Object.fromEntries(
    files
      .names(directory)
      .filter((name) => pattern.test(name))
      .map((name) => [name, name === "pids.max" ? `${maxTasks ?? "max"}\n` : `${readText(files, `${directory}/${name}`)}\n`]),
  );

export interface SeenOptions {
  readonly files: CgroupFiles;
  readonly host: CgroupHost;
  readonly paths: CgroupPaths;
  readonly resources: Resources;
  readonly cpus: readonly number[];
  readonly memTotalBytes: number;
  readonly hasCgroupNamespace: boolean;
  /** /proc/PID/cgroup of the monitor. */
  readonly membership: string;
}

export const seenResources = (options: SeenOptions): SeenResources => {
  const { files, host, paths, resources } = options;
  const isV2 = host.mode === "v2";
  const maxTasks = maxTasksOf(resources);
  const cpuset = isV2 ? paths[""] : paths.cpuset;
  const allowed = parseList(readText(files, `${cpuset}/${isV2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus"}`));
  const cpus = options.cpus.filter((cpu) => allowed.length === 0 || allowed.includes(cpu));
  const limit = memoryLimit(files, paths, host.unified?.mountPoint ?? "");
  const places = parseOwnCgroups(options.membership);
  const controllers: Record<string, CgroupFilesView> = {};
  const add = (name: string, hierarchy: Hierarchy, pattern: RegExp): void => {
    const directory = paths[name];
    controllers[name] = {
      directory: name === "" ? "" : posix.basename(hierarchy.mountPoint),
      path: options.hasCgroupNamespace ? "/" : (places.get(name) ?? "/"),
      files: directory === undefined || (name === "" && !isV2) ? {} : limitFiles(files, directory, pattern, maxTasks),
    };
  };
  if (isV2) add("", host.unified as Hierarchy, LIMITS_V2);
  else {
    for (const [name, hierarchy] of host.controllers) add(name, hierarchy, LIMITS_V1);
    if (host.unified) add("", host.unified, LIMITS_V1);
  }
  return {
    cpus: cpus.length > 0 ? cpus : options.cpus,
    memTotalBytes: limit < LARGEST ? Math.min(Number(limit), options.memTotalBytes) : options.memTotalBytes,
    maxTasks,
    cpuTime: cpuTimeOf(files, paths),
    cgroup: {
      version: isV2 ? 2 : 1,
      hierarchies: options.membership.split("\n").flatMap((line) => /^\d+:[^:]*(?=:)/.exec(line)?.[0] ?? []),
      controllers,
    },
  };
};
