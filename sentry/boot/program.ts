/** The first program: where its name leads, with which ids and files it starts. */
import type { SandboxConfig } from "../../runtime/sandbox/config.ts";
import type { ProcessConfig } from "../../runtime/sandbox/process-config.ts";
import { CapabilitySet } from "../abi/capability.ts";
import { EAGAIN, type Errno, isErrno } from "../abi/errno.ts";
import { RLIM_INFINITY } from "../abi/resource.ts";
import { type Program, startProgram } from "../exec/start.ts";
import { hostListener } from "../fs/seccomp/host-listener.ts";
import { enterIpcNamespace, type IpcNamespace } from "../ipc/ipc-namespace.ts";
import { enterNetwork, type NetworkNamespace } from "../net/network-namespace.ts";
import { BpfProgram } from "../task/bpf.ts";
import { Credentials } from "../task/credentials.ts";
import { Limits } from "../task/limits.ts";
import type { Process } from "../task/process.ts";
import { SeccompFilters } from "../task/seccomp.ts";
import type { Task } from "../task/task.ts";
import { firstTimeNamespace, TimeNamespace } from "../task/time-namespace.ts";
import { initialUserNamespace } from "../task/user-namespace.ts";
import type { UtsNamespace } from "../task/uts-namespace.ts";
import { FsContext } from "../vfs/fs-context.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { Path } from "../vfs/path.ts";
import { overmounted } from "../vfs/tree.ts";
import type { MoatKernel } from "./moat-kernel.ts";
import { placeAt } from "./place.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEFAULT_UMASK = 0o022;

/** What execvp(3) would try for `name`, in order. A container without PATH finds nothing, as with runc. */
export const candidates = (name: string, env: readonly string[], isContainer: boolean): string[] => {
  if (name.includes("/")) return [name];
  const entry = env.find((variable) => variable.startsWith("PATH="));
  if (entry === undefined && isContainer) return [];
  const path = entry === undefined ? DEFAULT_PATH : entry.slice(5);
  return path.split(":").map((directory) => (directory === "" ? name : `${directory}/${name}`));
};

/** The config's ids are those of the initial user namespace, which maps them all: the CLI has looked. */
const identityOf = ({ uid, gid, groups }: ProcessConfig): Credentials => {
  const namespace = initialUserNamespace();
  const kgroups = groups.map((group) => namespace.toKgid(group));
  return Credentials.create(namespace.toKuid(uid), namespace.toKgid(gid), kgroups).with({ userNamespace: namespace });
};

const credentialsOf = (config: ProcessConfig): Credentials => {
  const { capabilities } = config;
  if (capabilities === null) return identityOf(config);
  const sets = {
    capBounding: CapabilitySet.fromNames(capabilities.bounding),
    capEffective: CapabilitySet.fromNames(capabilities.effective),
    capPermitted: CapabilitySet.fromNames(capabilities.permitted),
    capInheritable: CapabilitySet.fromNames(capabilities.inheritable),
    // capabilities(7): never more than is both permitted and inheritable.
    capAmbient: CapabilitySet.fromNames(capabilities.ambient)
      .intersect(CapabilitySet.fromNames(capabilities.permitted))
      .intersect(CapabilitySet.fromNames(capabilities.inheritable)),
  };
  return identityOf(config).with(sets);
};

const limitsOf = (config: ProcessConfig): Limits => {
  const limits = new Limits();
  for (const { resource, soft, hard } of config.limits) limits.set(resource, { soft: soft ?? RLIM_INFINITY, hard: hard ?? RLIM_INFINITY });
  return limits;
};

const SOCK_FILTER_SIZE = 8;

const filterOf = ({ seccomp, seccompListener }: ProcessConfig): SeccompFilters | null => {
  if (seccomp === null) return null;
  const bytes = Buffer.from(seccomp, "base64");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const program = BpfProgram.parse(view, bytes.length / SOCK_FILTER_SIZE);
  if (program === null) throw new Error("sandbox config: seccomp must be a valid program");
  return new SeccompFilters(
    program,
    null,
    seccompListener === null ? null : hostListener(seccompListener.token, seccompListener.isKillableOnly),
  );
};

/** Where the new program's world is: a fresh namespace, or that of the container's first process. */
export interface Surroundings {
  readonly namespace: MountNamespace;
  readonly root: Path;
  readonly isContainer: boolean;
  readonly time: TimeNamespace | null;
}

/** What makes a container besides its files: a number that its processes bear, and namespaces; null: the kernel's first ones. */
export interface ContainerWorld {
  readonly number: number;
  readonly namespaces: { readonly uts: UtsNamespace; readonly ipc: IpcNamespace; readonly network: NetworkNamespace } | null;
}

export const FIRST_CONTAINER: ContainerWorld = { number: 0, namespaces: null };

const enter = (task: Task, { number, namespaces }: ContainerWorld): void => {
  task.process.container = number;
  if (namespaces === null) return;
  task.uts = namespaces.uts;
  enterIpcNamespace(task, namespaces.ipc);
  enterNetwork(task, namespaces.network);
};

const timeNamespaceOf = ({ timeOffsets }: SandboxConfig): TimeNamespace | null => {
  if (timeOffsets === null) return null;
  const namespace = new TimeNamespace(initialUserNamespace(), firstTimeNamespace);
  namespace.setOffset("monotonic", timeOffsets.monotonic);
  namespace.setOffset("boottime", timeOffsets.boottime);
  return namespace;
};

/** The program as `startProgram` takes it. */
const programOf = (
  config: ProcessConfig,
  { namespace, root, isContainer, time }: Surroundings,
  cwd: Path,
  stdio: readonly (OpenFile | null)[],
): Program => ({
  argv: [...config.argv],
  env: [...config.env],
  paths: candidates(config.argv[0], config.env, isContainer),
  fs: new FsContext(namespace, root, cwd, config.umask ?? DEFAULT_UMASK),
  creds: credentialsOf(config),
  limits: limitsOf(config),
  noNewPrivileges: config.noNewPrivileges,
  seccomp: filterOf(config),
  personality: config.personality,
  timeNamespace: time,
  stdio,
});

const workingDirectory = (kernel: MoatKernel, namespace: MountNamespace, { cwd }: ProcessConfig, missing: "directory" | "refuse"): Path => {
  const place = placeAt(kernel, namespace, cwd, missing);
  if (isErrno(place) || !place.dentry.inode.isDirectory) throw new Error(`working directory ${cwd}: No such directory`);
  return place;
};

/** Starts the config's program; `work` is called while the platform prepares its first processes. */
export const startFirstProgram = (
  kernel: MoatKernel,
  namespace: MountNamespace,
  config: SandboxConfig,
  stdio: readonly (OpenFile | null)[],
  work: () => void,
): Task | Errno => {
  const root = overmounted(namespace.root, namespace.root.root);
  const cwd = workingDirectory(kernel, namespace, config, config.waitsForStart ? "directory" : "refuse");
  const time = timeNamespaceOf(config);
  for (;;) {
    const program = programOf(config, { namespace, root, isContainer: config.waitsForStart, time }, cwd, stdio);
    const task = startProgram(kernel, { ...program, isUnkillable: config.initUnkillable });
    if (task !== EAGAIN) return started(task, config);
    work();
  }
};

/** The first program of a container that joins: EAGAIN, wait on `platform.pristineQueue`. Throws what is wrong with the config. */
export const startJoiningProgram = (
  kernel: MoatKernel,
  namespace: MountNamespace,
  world: ContainerWorld,
  config: SandboxConfig,
  stdio: readonly (OpenFile | null)[],
): Task | Errno => {
  const root = overmounted(namespace.root, namespace.root.root);
  const cwd = workingDirectory(kernel, namespace, config, "directory");
  const time = timeNamespaceOf(config);
  const task = startProgram(kernel, programOf(config, { namespace, root, isContainer: true, time }, cwd, stdio));
  if (!isErrno(task)) enter(task, world);
  return started(task, config);
};

/** Adds a program to a running container: EAGAIN, wait on `platform.pristineQueue`; "cwd": it has no working directory. */
export const startAnotherProgram = (
  kernel: MoatKernel,
  init: Process,
  world: ContainerWorld,
  config: ProcessConfig,
  stdio: readonly (OpenFile | null)[],
): Task | Errno | "cwd" => {
  const { fs, timeNamespace: time } = init.anyTask;
  const { root, namespace } = fs;
  const cwd = kernel.vfs.follow(init.anyTask, config.cwd);
  if (isErrno(cwd) || !cwd.dentry.inode.isDirectory) return "cwd";
  const task = startProgram(kernel, programOf(config, { namespace, root, isContainer: true, time }, cwd, stdio));
  if (!isErrno(task)) enter(task, world);
  return started(task, config);
};

const started = (task: Task | Errno, config: ProcessConfig): Task | Errno => {
  if (isErrno(task)) return task;
  task.process.oomScoreAdj = config.oomScoreAdj;
  const { scheduling } = task;
  scheduling.ioPriority = config.ioPriority;
  if (config.scheduler !== null) Object.assign(scheduling, config.scheduler);
  return task;
};
