/** A container's processes and its cgroup: who is moved in when, and who dies first when memory runs out. */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { ALWAYS_ALLOWED } from "../cgroup/devices.ts";
import { hostFiles } from "../cgroup/files.ts";
import { readCgroupHost } from "../cgroup/host.ts";
import { type CgroupManager, checkNew, openCgroup, planCgroup, type StoredCgroup } from "../cgroup/manager.ts";
import type { CgroupPaths } from "../cgroup/paths.ts";
import { limitsAnything, type Resources } from "../cgroup/resources.ts";
import type { HostFacts } from "../sandbox/config.ts";
import type { SeenResources } from "../sandbox/seen-resources.ts";
import type { Spec } from "../spec/spec.ts";
import { ContainerError } from "./container-error.ts";
import { seenResources } from "./seen-resources.ts";
import type { Stored } from "./store.ts";

/**
 * What the sandbox itself has of tasks: monitor, init, zygote and the threads of sentry and gofer, processes in
 * reserve, and one for each exec. The guest's own are counted by the sentry, which knows the limit as it is.
 */
export const SANDBOX_TASKS = 64;

/** OOM_SCORE_ADJ_MIN: never chosen. Its processes hold the guest's, which are chosen, and end when the last of those is gone. */
const NEVER_KILLED = -1000;
const ADJ_MAX = 1000;

export interface CgroupOptions {
  readonly usesSystemd: boolean;
  readonly isRootless: boolean;
}

/** What the host is told: the sandbox's own tasks come on top. */
export const hostResources = (resources: Resources): Resources => {
  const withOwn = (limit: number): number => (limit > 0 ? limit + SANDBOX_TASKS : limit);
  const unified = { ...resources.unified };
  if (/^\d+$/.test(unified["pids.max"] ?? "")) unified["pids.max"] = String(withOwn(Number(unified["pids.max"])));
  return { ...resources, pids: resources.pids === null ? null : withOwn(resources.pids), unified };
};

const failing = <T>(what: string, act: () => T): T => {
  try {
    return act();
  } catch (error) {
    throw new ContainerError(`unable to start container process: ${what}: ${(error as Error).message}`);
  }
};

export const planContainerCgroup = (spec: Spec, id: string, options: CgroupOptions): StoredCgroup => {
  const stored = planCgroup(readCgroupHost(), { cgroupsPath: spec.cgroupsPath, id, annotations: spec.annotations, ...options });
  checkNew(openCgroup(stored));
  return stored;
};

const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return childrenByParent(pid);
  }
};

/** Kernels without CONFIG_PROC_CHILDREN. */
const childrenByParent = (parent: number): number[] =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent ? [Number(name)] : [];
    } catch {
      return [];
    }
  });

const programOf = (pid: number): string => {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return "";
  }
};

const setOomScore = (pid: number, score: number): boolean => {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
    return true;
  } catch {
    return false;
  }
};

/** As runc: a score that may not be had is no reason to go on without it, but for who is not root. */
const claimScore = (monitor: number, score: number, isRootless: boolean): void => {
  if (!setOomScore(monitor, score) && score !== 0 && !isRootless) {
    throw new ContainerError("unable to start container process: write /proc/self/oom_score_adj: permission denied");
  }
};

/** The monitor and init, before any hook runs: it is where engines look. The rest follows when it is loaded. */
export const enterCgroup = async (stored: StoredCgroup, resources: Resources, monitor: number, score: number): Promise<CgroupManager> => {
  claimScore(monitor, score, stored.isRootless);
  const cgroup = openCgroup(stored);
  // An ordinary user's systemd has no part in the controllers of v1.
  if (stored.isRootless && !stored.isV2 && !limitsAnything(resources) && stored.systemd !== null)
    return openCgroup({ ...stored, paths: {}, systemd: null });
  failing("unable to apply cgroup configuration", () => cgroup.create());
  try {
    for (const pid of [monitor, ...childrenOf(monitor)]) await cgroup.join(pid);
  } catch (error) {
    throw new ContainerError(`unable to start container process: unable to apply cgroup configuration: ${(error as Error).message}`);
  }
  failing("error during container init: error setting cgroup config for procHooks process", () =>
    cgroup.set(hostResources(resources), [...resources.devices, ...ALWAYS_ALLOWED]),
  );
  return cgroup;
};

/**
 * The guest's processes are to be chosen when memory runs out, not those that hold them. Who may not lower a score leaves
 * it; then the guest's are raised.
 */
class OomScores {
  readonly #launcher: string;
  readonly #score: number;
  readonly #isLimited: boolean;
  #guestScore: number;

  constructor(monitor: number, score: number, isLimited: boolean) {
    this.#launcher = programOf(monitor);
    this.#score = score;
    this.#isLimited = isLimited;
    const isLowered = setOomScore(monitor, isLimited ? NEVER_KILLED : score);
    this.#guestScore = isLimited && !isLowered ? ADJ_MAX : Math.max(score, isLimited ? NEVER_KILLED + 1 : NEVER_KILLED);
  }

  /** Zygote and guests run the launcher's program. */
  set(pid: number, isInit: boolean): void {
    const isGuest = !isInit && this.#launcher !== "" && programOf(pid) === this.#launcher;
    if (isGuest) setOomScore(pid, this.#guestScore);
    else setOomScore(pid, this.#isLimited ? NEVER_KILLED : Math.max(NEVER_KILLED + 1, this.#score - 1));
  }
}

/**
 * All of the container's processes, once its program is loaded and before it runs: what sentry and gofer took of memory for
 * their start is not the container's. Whoever forks meanwhile is found by the next look; who is forked by one inside is inside.
 */
export const gatherProcesses = async (cgroup: CgroupManager, monitor: number, score: number, isLimited: boolean): Promise<void> => {
  const scores = new OomScores(monitor, score, isLimited);
  const inside = new Set<number>();
  for (let found = true; found; ) {
    found = false;
    for (const init of childrenOf(monitor)) {
      for (const pid of [init, ...childrenOf(init)]) {
        if (inside.has(pid)) continue;
        inside.add(pid);
        scores.set(pid, pid === init);
        await cgroup.join(pid);
        found = true;
      }
    }
  }
};

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};

/** The host processes of the guest's: init's children with the launcher's program, but for those in reserve. */
export const guestHostPids = (monitor: number): number[] => {
  const launcher = programOf(monitor);
  const isGuest = (pid: number): boolean =>
    programOf(pid) === launcher && (textOf(`/proc/${pid}/comm`) !== "moat-zygote\n" || textOf(`/proc/${pid}/cmdline`) !== "");
  return childrenOf(monitor).flatMap((init) => childrenOf(init).filter(isGuest));
};

/** The pid in the innermost namespace, by which the sentry knows the process. */
export const innerPid = (pid: number): number => Number(/^NSpid:.*?(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);

/** What the container sees of the machine. */
export const seenBy = (
  stored: Pick<Stored, "pid" | "resources">,
  paths: CgroupPaths,
  facts: HostFacts,
  hasCgroupNamespace: boolean,
): SeenResources =>
  seenResources({
    files: hostFiles,
    host: readCgroupHost(),
    paths,
    resources: stored.resources,
    cpus: facts.cpus,
    memTotalBytes: facts.memTotalBytes,
    hasCgroupNamespace,
    membership: readFileSync(`/proc/${stored.pid}/cgroup`, "latin1"),
  });

/** For a limit that is set on a running container. The monitor still has the score of config.json. */
export const protectSandbox = (monitor: number): void => {
  const scores = new OomScores(monitor, Number(textOf(`/proc/${monitor}/oom_score_adj`)), true);
  for (const init of childrenOf(monitor)) for (const pid of [init, ...childrenOf(init)]) scores.set(pid, pid === init);
};

/** With what is left in it: programs that were executed and have not noticed yet that the container has ended. */
export const destroyCgroup = async (stored: StoredCgroup): Promise<void> => {
  const cgroup = openCgroup(stored);
  if (!cgroup.exists()) return;
  if (cgroup.isFrozen()) await cgroup.freeze(false);
  for (const pid of cgroup.pids()) {
    try {
      if (pid !== process.pid) process.kill(pid, "SIGKILL");
    } catch {
      // Gone already.
    }
  }
  await cgroup.destroy();
};
