/** create: from a bundle to a loaded program that waits for its start. */
import { renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { SeccompListenerConfig } from "../sandbox/process-config.ts";
import { encodeRecords } from "../sandbox/request-records.ts";
import type { SeenResources } from "../sandbox/seen-resources.ts";
import type { Spec } from "../spec/spec.ts";
import { readSpec } from "./bundle.ts";
import { type CgroupOptions, destroyCgroup, enterCgroup, gatherProcesses, planContainerCgroup, seenBy } from "./container-cgroup.ts";
import { ContainerError, reasonOf } from "./container-error.ts";
import { runContainerHooks, runHooks } from "./hooks.ts";
import { prepareMonitor, requestSandbox } from "./monitor-client.ts";
import { namespaceNumbers } from "./namespace-numbers.ts";
import { ipcSysctls, type JoinedSandbox, joinedSandbox, mustBeMapped, sharedHostname, timeOffsets, userMappings } from "./namespaces.ts";
import { networkRecords } from "./network.ts";
import { type PlanOptions, planContainer } from "./plan.ts";
import { keepSeccomp } from "./seccomp.ts";
import { callAgent } from "./seccomp-agent.ts";
import { type Store, type Stored, startTimeOf } from "./store.ts";

export interface CreateOptions extends Pick<PlanOptions, "hostFacts" | "ownerMap" | "network" | "overlay"> {
  readonly store: Store;
  readonly id: string;
  readonly bundle: string;
  readonly consoleSocket: string | null;
  readonly pidFile: string | null;
  /** LISTEN_FDS and LISTEN_PID of sd_listen_fds(3). */
  readonly listenEnvironment: readonly string[];
  /** The launcher does not wait for the container's end. */
  readonly isDetached: boolean;
  readonly hasTerminal: boolean;
  readonly hostname: string;
  readonly owner: string;
  readonly cgroup: CgroupOptions;
}

/** Who gives the container its terminal, with runc's words for what does not fit. */
export const checkTerminal = (
  wantsTerminal: boolean,
  options: Pick<CreateOptions, "isDetached" | "consoleSocket" | "hasTerminal">,
): void => {
  const { isDetached, consoleSocket } = options;
  if (wantsTerminal && isDetached && consoleSocket === null) {
    throw new ContainerError("cannot allocate tty if runc will detach without setting console socket");
  }
  if ((!isDetached || !wantsTerminal) && consoleSocket !== null) {
    throw new ContainerError("cannot use console socket if runc will not detach or allocate tty");
  }
  if (wantsTerminal && consoleSocket === null && !options.hasTerminal) throw new ContainerError("open /dev/tty: no such device or address");
};

export const writePidFile = (path: string | null, pid: number): void => {
  if (path === null) return;
  // Whoever waits for the file finds it whole.
  const temporary = join(dirname(path), `.${basename(path)}`);
  try {
    writeFileSync(Buffer.from(temporary, "latin1"), String(pid));
    renameSync(Buffer.from(temporary, "latin1"), Buffer.from(path, "latin1"));
  } catch (error) {
    throw new ContainerError(`open ${temporary}: ${reasonOf(error)}`);
  }
};

interface Request {
  readonly listener: SeccompListenerConfig | null;
  /** For what the cgroup leaves of the machine. */
  encode(resources: SeenResources, monitor: number): Buffer;
}

/** The request for the launcher. */
const requestFor = (
  options: CreateOptions & Pick<PlanOptions, "user" | "joins" | "timeOffsets" | "ipcSysctls">,
  spec: Spec,
  joined: JoinedSandbox | null,
): Request => {
  const plan = planContainer({ ...options, spec });
  const { config } = plan;
  keepSeccomp(options.store.directory(options.id), config.sandbox.seccomp, spec.seccomp);
  const records = [...plan.records];
  records.push(["control", options.store.directory(options.id)], ["rootfs", planRoot(spec, options.bundle)]);
  if (joined?.joins.network !== true) records.push(...networkRecords(spec, config.sandbox.network));
  if (joined !== null) records.push(["join", options.store.directory(joined.owner.id)]);
  // As ps(1) shows arguments.
  records.push(["title", spec.process.argv.join(" ")]);
  if (options.isDetached) records.push(["detach", "1"]);
  if (options.consoleSocket !== null) records.push(["console-socket", options.consoleSocket]);
  else if (spec.process.terminal) records.push(["terminal", "1"]);
  const { consoleSize } = spec.process;
  if (consoleSize !== null) records.push(["console-size", `${consoleSize.height}x${consoleSize.width}`]);
  return {
    listener: config.sandbox.seccompListener,
    encode: (resources, monitor) => {
      const numbers = namespaceNumbers(spec.namespaces, monitor, config.sandbox.network === "host");
      return encodeRecords(records, { ...config, sandbox: { ...config.sandbox, resources, namespaceNumbers: numbers } });
    },
  };
};

const withEnvironment = (spec: Spec, more: readonly string[]): Spec =>
  more.length === 0 ? spec : { ...spec, process: { ...spec.process, env: [...spec.process.env, ...more] } };

/** Everything or nothing: what fails leaves no container. The launcher ends the monitor when this process fails. */
export const createContainer = async (options: CreateOptions): Promise<Stored> => {
  const { store, id, bundle } = options;
  const spec = withEnvironment(readSpec(bundle), options.listenEnvironment);
  checkTerminal(spec.process.terminal, options);
  const lock = store.create(id);
  let stored: Stored = {
    ociVersion: spec.ociVersion,
    id,
    pid: 0,
    pidStart: "",
    status: "creating",
    bundle,
    rootfs: "",
    created: new Date().toISOString(),
    owner: options.owner,
    annotations: spec.annotations,
    startContainer: spec.hooks.startContainer,
    poststart: spec.hooks.poststart,
    poststop: spec.hooks.poststop,
    hostname: "",
    personality: spec.personality,
    user: null,
    timeOffsets: null,
    ipcSysctls: ipcSysctls(store, spec),
    cgroup: { paths: {}, isV2: false, systemd: null, isRootless: true },
    resources: spec.resources,
    hasCgroupNamespace: spec.hasCgroupNamespace,
    sandbox: "",
  };
  try {
    const plannedCgroup = planContainerCgroup(spec, id, options.cgroup);
    const hostname = spec.hostname === "" ? sharedHostname(store, spec.namespaces.uts, options.hostname) : spec.hostname;
    const user = userMappings(store, spec.namespaces);
    mustBeMapped(user, spec.process);
    const joined = joinedSandbox(store, spec.namespaces);
    stored = { ...stored, hostname, user, timeOffsets: timeOffsets(store, spec.namespaces), sandbox: joined?.owner.id ?? "" };
    const shared = { hostname, user, timeOffsets: stored.timeOffsets, ipcSysctls: stored.ipcSysctls };
    const request = requestFor({ ...options, ...shared, joins: joined?.joins ?? null }, spec, joined);
    const pid = prepareMonitor(spec.namespaces.network);
    // Kept before they are made: whoever crashes has left a trace for `delete`.
    stored = { ...stored, pid, pidStart: startTimeOf(pid), rootfs: planRoot(spec, bundle), cgroup: plannedCgroup };
    store.write(stored);
    const cgroup = await enterCgroup(plannedCgroup, spec.resources, pid, spec.process.oomScoreAdj);
    createHooks(spec, stored);
    const attach = await agentOf(spec, request, stored, joined?.owner.pid ?? pid, store.directory(id));
    requestSandbox(request.encode(seenBy(stored, cgroup.paths, options.hostFacts, spec.hasCgroupNamespace), pid));
    await attach?.();
    await gatherProcesses(cgroup, pid, spec.process.oomScoreAdj, (spec.resources.memory.limit ?? 0) > 0);
    stored = { ...stored, status: "created", cgroup: { ...plannedCgroup, paths: cgroup.paths } };
    store.write(stored);
    writePidFile(options.pidFile, pid);
    return stored;
  } catch (error) {
    if (stored.pid > 0 && startTimeOf(stored.pid) === stored.pidStart) process.kill(stored.pid, "SIGKILL");
    await destroyCgroup(stored.cgroup).catch(() => {});
    store.remove(id);
    throw error;
  } finally {
    store.unlock(lock);
  }
};

/** Null: there is none to be told. */
const agentOf = async (
  { seccomp }: Spec,
  { listener }: Request,
  stored: Stored,
  monitor: number,
  directory: string,
): Promise<(() => Promise<void>) | null> => {
  if (listener === null || seccomp === null || seccomp.agent === null) return null;
  const { pid } = stored;
  return await callAgent({ agent: seccomp.agent, listener, stored, state: { status: "creating", pid }, pid, monitor, directory });
};

/** Before there is anything to be seen inside, which would be process 1 there. */
const createHooks = ({ hooks }: Spec, stored: Stored): void => {
  try {
    runHooks(hooks.prestart, stored, { status: "creating", pid: stored.pid });
    runHooks(hooks.createRuntime, stored, { status: "creating", pid: stored.pid });
    runContainerHooks(hooks.createContainer, stored, { status: "creating", pid: 1 });
  } catch (error) {
    throw new ContainerError(`unable to start container process: error during container init: ${(error as Error).message}`);
  }
};

const planRoot = (spec: Spec, bundle: string): string => (spec.root.path.startsWith("/") ? spec.root.path : join(bundle, spec.root.path));
