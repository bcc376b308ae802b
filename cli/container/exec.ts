/** exec: one more program in a running container. */

import { readFileSync } from "node:fs";
import { hostFiles } from "../../runtime/cgroup/files.ts";
import { checkInnerCgroups } from "../../runtime/cgroup/inner-cgroups.ts";
import { openCgroup } from "../../runtime/cgroup/manager.ts";
import { readSpec } from "../../runtime/container/bundle.ts";
import { withCallerLimits } from "../../runtime/container/caller-limits.ts";
import { ContainerError } from "../../runtime/container/container-error.ts";
import { checkTerminal, writePidFile } from "../../runtime/container/create.ts";
import { requestExec } from "../../runtime/container/monitor-client.ts";
import { mustBeMapped } from "../../runtime/container/namespaces.ts";
import { withHome } from "../../runtime/container/plan.ts";
import { keptSeccomp } from "../../runtime/container/seccomp.ts";
import { callAgent, listenerConfig } from "../../runtime/container/seccomp-agent.ts";
import { statusOf } from "../../runtime/container/store.ts";
import type { ProcessConfig } from "../../runtime/sandbox/process-config.ts";
import { encodeRecords } from "../../runtime/sandbox/request-records.ts";
import { Field } from "../../runtime/spec/field.ts";
import type { SpecProcess } from "../../runtime/spec/spec.ts";
import { validateProcess } from "../../runtime/spec/validate-process.ts";
import { CAPABILITY_NAMES } from "../../sentry/abi/capability.ts";
import { MAX_ID } from "../../syscall-tables/limits.ts";
import { type GlobalOptions, hasTerminal, log, storeOf } from "./context.ts";
import { preservedEnvironment } from "./preserved.ts";

export interface ExecFlags {
  readonly consoleSocket?: string;
  readonly cwd?: string;
  readonly env: readonly string[];
  readonly tty?: boolean;
  readonly user?: string;
  readonly additionalGids: readonly string[];
  readonly process?: string;
  readonly detach?: boolean;
  readonly pidFile?: string;
  readonly preserveFds: string;
  readonly processLabel?: string;
  readonly apparmor?: string;
  readonly cgroup: readonly string[];
  /** False: --no-new-privs. */
  readonly newPrivs: boolean;
  readonly cap: readonly string[];
  readonly ignorePaused?: boolean;
}

const EXIT_FAILED = 255;

const id = (what: string, text: string): number => {
  if (!/^[+-]?[0-9]+$/.test(text)) {
    throw new ContainerError(`parsing ${text} as int for ${what} failed: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const number = Number(text);
  if (number < 0 || number > MAX_ID) throw new ContainerError(`parsing ${text} as int for ${what} failed: value out of range`);
  return number;
};

const readProcess = (path: string, bundle: string): SpecProcess => {
  let json: string;
  try {
    json = readFileSync(path, "utf8");
  } catch {
    throw new ContainerError(`open ${path}: no such file or directory`);
  }
  try {
    const given = JSON.parse(json) as { capabilities?: unknown } | null;
    const process = validateProcess(new Field(given, "process"));
    // As with runc, who says nothing of them has the container's.
    return given?.capabilities ? process : { ...process, capabilities: readSpec(bundle).process.capabilities };
  } catch (error) {
    throw new ContainerError((error as Error).message);
  }
};

const withCapabilities = (process: SpecProcess, given: readonly string[], globals: GlobalOptions): SpecProcess => {
  const unknown = given.filter((name) => !CAPABILITY_NAMES.includes(name));
  if (unknown.length > 0) log(globals, "warning", `ignoring unknown or unavailable capabilities: [${unknown.join(" ")}]`);
  const names = given.filter((name) => CAPABILITY_NAMES.includes(name));
  if (names.length === 0 || process.capabilities === null) return process;
  const { bounding, effective, permitted, inheritable, ambient } = process.capabilities;
  const add = (set: readonly string[]): string[] => [...set, ...names];
  return {
    ...process,
    capabilities: { bounding: add(bounding), effective: add(effective), permitted: add(permitted), inheritable, ambient },
  };
};

/** The container's own process with the flags' changes, as runc makes it. */
const fromFlags = (own: SpecProcess, args: readonly string[], flags: ExecFlags, globals: GlobalOptions): SpecProcess => {
  if (args.length === 0) throw new ContainerError("process args cannot be empty");
  if (flags.cwd !== undefined && !flags.cwd.startsWith("/")) throw new ContainerError("Cwd must be an absolute path");
  const [uid, gid] = flags.user?.split(":") ?? [];
  return {
    ...withCapabilities(own, flags.cap, globals),
    argv: args,
    cwd: flags.cwd ?? own.cwd,
    env: [...own.env, ...flags.env],
    terminal: flags.tty === true,
    uid: uid === undefined ? own.uid : id("uid", uid),
    gid: gid === undefined ? own.gid : id("gid", gid),
    groups: [...new Set([...own.groups, ...flags.additionalGids.map((text) => id("gid", text))])],
    noNewPrivileges: !flags.newPrivs || own.noNewPrivileges,
  };
};

/** What has no meaning here is refused, but for AppArmor's profiles, which have no effect. */
const checkLabels = ({ processLabel }: ExecFlags): void => {
  if (processLabel) throw new ContainerError("selinux label is specified in config, but selinux is disabled or not supported");
};

/** The process that lives as long as the program: the other child of this one's parent (native/launcher/front.h). */
const monitorOfThis = (): number =>
  readFileSync(`/proc/${process.ppid}/task/${process.ppid}/children`, "latin1")
    .split(" ")
    .map(Number)
    .find((pid) => pid > 0 && pid !== process.pid) ?? 0;

const execute = async (container: string, args: readonly string[], flags: ExecFlags, globals: GlobalOptions): Promise<void> => {
  const store = storeOf(globals);
  const stored = store.read(container);
  const status = statusOf(stored);
  if (status === "stopped") throw new ContainerError("cannot exec in a stopped container");
  if (status === "paused" && flags.ignorePaused !== true) {
    throw new ContainerError("cannot exec in a paused container (use --ignore-paused to override)");
  }
  preservedEnvironment(flags.preserveFds);
  checkLabels(flags);
  checkInnerCgroups(hostFiles, flags.cgroup, stored.cgroup.paths);
  const { consoleSize, ...process } =
    flags.process === undefined
      ? fromFlags(readSpec(stored.bundle).process, args, flags, globals)
      : readProcess(flags.process, stored.bundle);
  mustBeMapped(stored.user, process);
  const isDetached = flags.detach === true;
  const consoleSocket = flags.consoleSocket ?? null;
  const terminal = process.terminal || flags.tty === true;
  checkTerminal(terminal, { isDetached, consoleSocket, hasTerminal: hasTerminal() });
  const records: [string, string][] = [["control", store.directory(container)]];
  if (isDetached) records.push(["detach", "1"]);
  if (consoleSocket !== null) records.push(["console-socket", consoleSocket]);
  else if (terminal) records.push(["terminal", "1"]);
  if (consoleSize !== null) records.push(["console-size", `${consoleSize.height}x${consoleSize.width}`]);
  const directory = store.directory(container);
  const { program, profile } = keptSeccomp(directory);
  const seccompListener = listenerConfig(profile, container);
  const config: ProcessConfig = {
    ...process,
    terminal,
    seccomp: program,
    seccompListener,
    personality: stored.personality,
    env: withHome(process.env, process.uid, stored.rootfs),
    limits: withCallerLimits(process.limits),
  };
  if (profile !== null && profile.agent !== null && seccompListener !== null) {
    const state = { status, pid: stored.pid } as const;
    const monitor = stored.sandbox === "" ? stored.pid : store.read(stored.sandbox).pid;
    const options = { agent: profile.agent, listener: seccompListener, stored, state, pid: monitorOfThis(), monitor, directory };
    const attach = await callAgent(options);
    await attach();
  }
  const pid = requestExec(encodeRecords(records, config));
  await openCgroup(stored.cgroup).join(pid);
  writePidFile(flags.pidFile ?? null, pid);
};

export const exec = async (container: string, args: readonly string[], flags: ExecFlags, globals: GlobalOptions): Promise<void> => {
  try {
    await execute(container, args, flags, globals);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ContainerError(`exec failed: ${error.message}`, EXIT_FAILED);
  }
};
