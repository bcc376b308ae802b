/** One program: the sandbox's first, or one that is added to it. */
import { MAX_ID } from "../../syscall-tables/limits.ts";
import { checkInteger, checkText, type Fields, flag, guestPath, integer, list, nullable, record, refuse, texts } from "./fields.ts";

export interface CapabilitiesConfig {
  /** Names such as "CAP_CHOWN". */
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly inheritable: readonly string[];
  readonly permitted: readonly string[];
  readonly ambient: readonly string[];
}

export interface LimitConfig {
  /** RLIMIT_*, as in getrlimit(2). */
  readonly resource: number;
  /** null: RLIM_INFINITY. */
  readonly soft: number | null;
  readonly hard: number | null;
}

export interface ProcessConfig {
  /** argv[0] is looked up in the guest's PATH. */
  readonly argv: readonly string[];
  /** "NAME=value", in order. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Standard input is a terminal, and it is the program's controlling one. */
  readonly terminal: boolean;
  /** null: all for root, none for others. */
  readonly capabilities: CapabilitiesConfig | null;
  readonly limits: readonly LimitConfig[];
  readonly noNewPrivileges: boolean;
  /** null: 022. */
  readonly umask: number | null;
  readonly oomScoreAdj: number;
  /** linux.seccomp, compiled: an array of struct sock_filter in base64. Applied before the program's execve(2). */
  readonly seccomp: string | null;
  /** Who decides of SCMP_ACT_NOTIFY, outside. */
  readonly seccompListener: SeccompListenerConfig | null;
  /** personality(2) */
  readonly personality: number;
  /** ioprio_set(2): class and level; 0: not set. */
  readonly ioPriority: number;
  /** Null: SCHED_OTHER, nice 0. */
  readonly scheduler: SchedulerConfig | null;
}

export interface SeccompListenerConfig {
  /** By which the agent's file finds the filter (CONTROL_LISTENER). */
  readonly token: string;
  /** SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */
  readonly isKillableOnly: boolean;
}

/** sched_setattr(2) */
export interface SchedulerConfig {
  readonly policy: number;
  readonly nice: number;
  readonly priority: number;
  readonly isResetOnFork: boolean;
  readonly runtimeNs: number;
  readonly deadlineNs: number;
  readonly periodNs: number;
}
const RLIM_NLIMITS = 16;

const capabilities = (value: unknown): CapabilitiesConfig => {
  const from = record(value, "capabilities");
  const set = (key: string): string[] => texts(from, key, "capabilities");
  return {
    bounding: set("bounding"),
    effective: set("effective"),
    inheritable: set("inheritable"),
    permitted: set("permitted"),
    ambient: set("ambient"),
  };
};

const limit = (value: unknown, path: string): LimitConfig => {
  const from = record(value, path);
  const bound = (key: string): number | null =>
    nullable(from[key], (given) => checkInteger(given, `${path}.${key}`, 0, Number.MAX_SAFE_INTEGER));
  return { resource: integer(from, "resource", path, 0, RLIM_NLIMITS - 1), soft: bound("soft"), hard: bound("hard") };
};

const scheduler = (value: unknown, path: string): SchedulerConfig => {
  const from = record(value, path);
  const time = (key: string): number => integer(from, key, path, 0, Number.MAX_SAFE_INTEGER);
  return {
    policy: integer(from, "policy", path, 0, 6),
    nice: integer(from, "nice", path, -20, 19),
    priority: integer(from, "priority", path, 0, 99),
    isResetOnFork: flag(from, "isResetOnFork", path),
    runtimeNs: time("runtimeNs"),
    deadlineNs: time("deadlineNs"),
    periodNs: time("periodNs"),
  };
};

const seccompListener = (value: unknown, path: string): SeccompListenerConfig => {
  const from = record(value, path);
  return { token: checkText(from.token, `${path}.token`), isKillableOnly: flag(from, "isKillableOnly", path) };
};

export const readProcessConfig = (from: Fields, path: string): ProcessConfig => {
  const argv = texts(from, "argv", path);
  if (argv.length === 0) refuse(`${path}.argv`, "not empty");
  return {
    argv,
    env: texts(from, "env", path),
    cwd: guestPath(from, "cwd", path),
    uid: integer(from, "uid", path, 0, MAX_ID),
    gid: integer(from, "gid", path, 0, MAX_ID),
    groups: list(from, "groups", path).map((item, index) => checkInteger(item, `${path}.groups[${index}]`, 0, MAX_ID)),
    terminal: flag(from, "terminal", path),
    capabilities: nullable(from.capabilities, capabilities),
    limits: list(from, "limits", path).map((item, index) => limit(item, `${path}.limits[${index}]`)),
    noNewPrivileges: flag(from, "noNewPrivileges", path),
    umask: nullable(from.umask, (value) => checkInteger(value, `${path}.umask`, 0, 0o777)),
    oomScoreAdj: integer(from, "oomScoreAdj", path, -1000, 1000),
    personality: integer(from, "personality", path, 0, 0xffff_ffff),
    ioPriority: integer(from, "ioPriority", path, 0, 0xffff),
    scheduler: nullable(from.scheduler, (value) => scheduler(value, `${path}.scheduler`)),
    seccomp: nullable(from.seccomp, (value) => checkText(value, `${path}.seccomp`)),
    seccompListener: nullable(from.seccompListener, (value) => seccompListener(value, `${path}.seccompListener`)),
  };
};

/** Throws an Error whose message names the bad field. */
export const parseProcessConfig = (json: string): ProcessConfig => readProcessConfig(record(JSON.parse(json), "process"), "process");

/** SCHED_OTHER with the given nice value, which a program has from its caller; null: the plain 0. */
export const plainScheduler = (nice: number): SchedulerConfig | null =>
  nice === 0 ? null : { policy: 0, nice, priority: 0, isResetOnFork: false, runtimeNs: 0, deadlineNs: 0, periodNs: 0 };

/** What a program has when nothing is said about it. */
export const PLAIN_PROCESS = {
  capabilities: null,
  limits: [],
  noNewPrivileges: false,
  umask: null,
  oomScoreAdj: 0,
  seccomp: null,
  seccompListener: null,
  personality: 0,
  ioPriority: 0,
  scheduler: null,
} as const satisfies Partial<ProcessConfig>;
