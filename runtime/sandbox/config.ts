/**
 * What the CLI tells the sentry about one sandbox: JSON in a memfd. The sentry trusts it (it
 * comes from the caller), yet checks it: a mistake here must be one clear line, not a crash.
 * All texts are byte strings (latin1), as everywhere in the kernel.
 *
 * Sentry and gofer start before the flags are parsed (start-up runs side by side), so config,
 * logs and trees arrive with the START message of the supervisor channel; see
 * sentry/host/start.ts and supervisor-protocol.ts.
 */
import { MAX_ID } from "../../syscall-tables/limits.ts";
import { checkInteger, checkText, type Fields, flag, integer, list, nullable, record, refuse, text, texts } from "./fields.ts";
import { type TreesConfig, treesConfig } from "./mount-config.ts";
import { type ProcessConfig, readProcessConfig } from "./process-config.ts";
import { checkCpus, readSeenResources, type SeenResources } from "./seen-resources.ts";

/** File descriptors of the sentry. 0, 1 and 2 are the caller's stdio. 3, 7 and 8 are /dev/null until START. */
export const SENTRY_CONFIG_FD = 3;
/** SOCK_SEQPACKET to the gofer. */
export const SENTRY_GOFER_FD = 4;
/** SOCK_SEQPACKET to the zygote (native/stub). */
export const SENTRY_ZYGOTE_FD = 5;
/** SOCK_SEQPACKET to init: supervisor-protocol.ts. */
export const SENTRY_SUPERVISOR_FD = 6;
export const SENTRY_DEBUG_LOG_FD = 7;
export const SENTRY_STRACE_LOG_FD = 8;

/**
 * File descriptors of the gofer: 0 and 1 are /dev/null, 2 is the caller's stderr. Its root directory
 * is empty; the trees it serves are O_PATH fds of detached mounts (read-only ones really are),
 * in the order of `goferTree`. A tree may be a single file (a file volume).
 */
export const GOFER_CONFIG_FD = 3;
/** SOCK_SEQPACKET to the sentry. */
export const GOFER_SENTRY_FD = 4;
export const GOFER_SUPERVISOR_FD = 6;
export const GOFER_DEBUG_LOG_FD = 7;

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** What /proc and uname tell of the machine; read before the sentry loses sight of it. */
export interface HostFacts {
  /** /proc/cpuinfo's block of the first processor (without the blank line). */
  readonly cpuinfo: string;
  /** CPUs that the caller may use, by number. */
  readonly cpus: readonly number[];
  readonly memTotalBytes: number;
  readonly kernelRelease: string;
  readonly kernelVersion: string;
}

/** A line of uid_map: `outside` as the gofer knows the ids. */
export interface IdExtentConfig {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export interface UserNamespaceConfig {
  readonly uids: readonly IdExtentConfig[];
  readonly gids: readonly IdExtentConfig[];
  /** /proc/pid/setgroups */
  readonly isSetgroupsAllowed: boolean;
}

/** Which namespaces a container shares with the one whose pid namespace it joins. */
export interface JoinConfig {
  readonly uts: boolean;
  readonly ipc: boolean;
  readonly network: boolean;
}

/** Inode numbers of ns/ links that tell the container's namespaces from those of others; null: whatever the kernel has. */
export interface NamespaceNumbersConfig {
  readonly ipc: number | null;
  readonly uts: number | null;
  readonly pid: number | null;
  readonly net: number | null;
  readonly user: number | null;
}

/** Seconds of any sign, and 0 to 999999999 ns. */
export interface TimeOffsetConfig {
  readonly sec: number;
  readonly nsec: number;
}

/** time_namespaces(7) */
export interface TimeOffsetsConfig {
  readonly monotonic: TimeOffsetConfig;
  readonly boottime: TimeOffsetConfig;
}

export interface SandboxConfig extends ProcessConfig, TreesConfig {
  readonly hostname: string;
  readonly domainname: string;
  /** Null: ids inside are the gofer's. */
  readonly userNamespace: UserNamespaceConfig | null;
  readonly namespaceNumbers: NamespaceNumbersConfig | null;
  /** Of a time namespace of its own; null: the machine's time. */
  readonly timeOffsets: TimeOffsetsConfig | null;
  /** Paths below /proc/sys and what is written there before the first program runs. */
  readonly sysctls: readonly (readonly [string, string])[];
  /** The first program is loaded and waits for CONTROL_START. */
  readonly waitsForStart: boolean;
  /** null: it has a pid namespace of its own. */
  readonly joins: JoinConfig | null;
  /** none: a loopback of its own. host: sockets of the namespace that its broker lives in. */
  readonly network: "none" | "host";
  readonly platform: "systrap";
  /** The guest's pid 1 ignores signals that it has no handler for, as a container's init does. */
  readonly initUnkillable: boolean;
  /** Names null: every call. To the strace log when `logFd` ≥ 0, else to standard error. */
  readonly strace: { readonly names: readonly string[] | null; readonly logFd: number } | null;
  readonly logLevel: LogLevel;
  /** -1: no debug log. */
  readonly debugLogFd: number;
  readonly hostFacts: HostFacts;
  /** null: no cgroup of its own. */
  readonly resources: SeenResources | null;
}

export interface GoferTree {
  readonly readOnly: boolean;
  /** As in MountTree. */
  readonly listens: boolean;
  /** Ids of an id-mapped mount: on the disk, as shown, how many. None: every id is itself. */
  readonly uids: readonly IdRangeConfig[];
  readonly gids: readonly IdRangeConfig[];
}

export interface IdRangeConfig {
  readonly disk: number;
  readonly shown: number;
  readonly size: number;
}

/** Shows files of `hostUid` and `hostGid` (as the gofer sees them) as another owner's. */
export interface OwnerMapConfig {
  readonly hostUid: number;
  readonly hostGid: number;
  readonly guestUid: number;
  readonly guestGid: number;
}

/** What the gofer is told; the trees' fds come beside it, in the same order. */
export interface GoferConfig {
  readonly trees: readonly GoferTree[];
  readonly ownerMap: OwnerMapConfig | null;
  readonly logLevel: LogLevel;
  readonly debugLogFd: number;
}

/** Both configs travel in one memfd. */
export interface StartConfig {
  readonly sandbox: SandboxConfig;
  readonly gofer: GoferConfig;
}

const logLevels = new Set<string>(["debug", "info", "warn", "error", "silent"]);

const logLevel = (from: Fields, path: string): LogLevel => {
  const value = from.logLevel;
  if (typeof value !== "string" || !logLevels.has(value)) refuse(`${path}.logLevel`, `one of ${[...logLevels].join(", ")}`);
  return value as LogLevel;
};
const MAX_FD = 0x7fffffff;

const hostFacts = (value: unknown): HostFacts => {
  const from = record(value, "hostFacts");
  return {
    cpuinfo: text(from, "cpuinfo", "hostFacts"),
    cpus: checkCpus(from, "hostFacts"),
    memTotalBytes: integer(from, "memTotalBytes", "hostFacts", 0, Number.MAX_SAFE_INTEGER),
    kernelRelease: text(from, "kernelRelease", "hostFacts"),
    kernelVersion: text(from, "kernelVersion", "hostFacts"),
  };
};

const strace = (value: unknown): SandboxConfig["strace"] => {
  if (value === null) return null;
  const from = record(value, "strace");
  const names = from.names === null ? null : texts(from, "names", "strace");
  return { names, logFd: integer(from, "logFd", "strace", -1, MAX_FD) };
};

const extent = (value: unknown, path: string): IdExtentConfig => {
  const from = record(value, path);
  const id = (key: string): number => integer(from, key, path, 0, MAX_ID);
  return { inside: id("inside"), outside: id("outside"), count: integer(from, "count", path, 1, MAX_ID + 1) };
};

const userNamespace = (value: unknown): UserNamespaceConfig => {
  const path = "sandbox.userNamespace";
  const from = record(value, path);
  const extents = (key: string): IdExtentConfig[] => list(from, key, path).map((item, index) => extent(item, `${path}.${key}[${index}]`));
  return { uids: extents("uids"), gids: extents("gids"), isSetgroupsAllowed: flag(from, "isSetgroupsAllowed", path) };
};

const joins = (value: unknown): JoinConfig => {
  const from = record(value, "sandbox.joins");
  const is = (key: string): boolean => flag(from, key, "sandbox.joins");
  return { uts: is("uts"), ipc: is("ipc"), network: is("network") };
};

const namespaceNumbers = (value: unknown): NamespaceNumbersConfig => {
  const path = "sandbox.namespaceNumbers";
  const from = record(value, path);
  const of = (key: string): number | null => nullable(from[key], (number) => checkInteger(number, `${path}.${key}`, 1, 0xffff_ffff));
  return { ipc: of("ipc"), uts: of("uts"), pid: of("pid"), net: of("net"), user: of("user") };
};

/** KTIME_MAX in seconds. */
export const MOST_OFFSET_SECONDS = 9_223_372_036;

const timeOffsets = (value: unknown): TimeOffsetsConfig => {
  const from = record(value, "sandbox.timeOffsets");
  const offset = (key: string): TimeOffsetConfig => {
    const path = `sandbox.timeOffsets.${key}`;
    const fields = record(from[key], path);
    return {
      sec: integer(fields, "sec", path, -MOST_OFFSET_SECONDS, MOST_OFFSET_SECONDS),
      nsec: integer(fields, "nsec", path, 0, 999_999_999),
    };
  };
  return { monotonic: offset("monotonic"), boottime: offset("boottime") };
};

const sysctl = (value: unknown, path: string): readonly [string, string] => {
  if (!Array.isArray(value) || value.length !== 2) return refuse(path, "a path and a value");
  return [checkText(value[0], path), checkText(value[1], path)];
};

const sandboxConfig = (value: unknown, treeCount: number): SandboxConfig => {
  const from = record(value, "sandbox");
  const process = readProcessConfig(from, "sandbox");
  if (from.network !== "none" && from.network !== "host") refuse("sandbox.network", '"none" or "host"');
  if (from.platform !== "systrap") refuse("sandbox.platform", '"systrap"');
  return {
    ...process,
    hostname: text(from, "hostname", "sandbox"),
    domainname: text(from, "domainname", "sandbox"),
    ...treesConfig(from, treeCount),
    userNamespace: nullable(from.userNamespace, userNamespace),
    namespaceNumbers: nullable(from.namespaceNumbers, namespaceNumbers),
    timeOffsets: nullable(from.timeOffsets, timeOffsets),
    sysctls: list(from, "sysctls", "sandbox").map((item, index) => sysctl(item, `sandbox.sysctls[${index}]`)),
    waitsForStart: flag(from, "waitsForStart", "sandbox"),
    joins: nullable(from.joins, joins),
    network: from.network as SandboxConfig["network"],
    platform: "systrap",
    initUnkillable: flag(from, "initUnkillable", "sandbox"),
    strace: strace(from.strace),
    logLevel: logLevel(from, "sandbox"),
    debugLogFd: integer(from, "debugLogFd", "sandbox", -1, MAX_FD),
    hostFacts: hostFacts(from.hostFacts),
    resources: nullable(from.resources, (value) => readSeenResources(value, "sandbox.resources")),
  };
};

const ownerMap = (value: unknown): OwnerMapConfig | null => {
  if (value === null) return null;
  const from = record(value, "gofer.ownerMap");
  const id = (key: string): number => integer(from, key, "gofer.ownerMap", 0, MAX_ID);
  return { hostUid: id("hostUid"), hostGid: id("hostGid"), guestUid: id("guestUid"), guestGid: id("guestGid") };
};

const idRanges = (from: Fields, key: string, path: string): IdRangeConfig[] =>
  list(from, key, path).map((item) => {
    const range = record(item, `${path}.${key}`);
    const id = (name: string): number => integer(range, name, `${path}.${key}`, 0, 0xffff_ffff);
    return { disk: id("disk"), shown: id("shown"), size: id("size") };
  });

const goferConfig = (value: unknown): GoferConfig => {
  const from = record(value, "gofer");
  return {
    trees: list(from, "trees", "gofer").map((item, index) => {
      const path = `gofer.trees[${index}]`;
      const from = record(item, path);
      return {
        readOnly: flag(from, "readOnly", path),
        listens: flag(from, "listens", path),
        uids: idRanges(from, "uids", path),
        gids: idRanges(from, "gids", path),
      };
    }),
    ownerMap: ownerMap(from.ownerMap),
    logLevel: logLevel(from, "gofer"),
    debugLogFd: integer(from, "debugLogFd", "gofer", -1, MAX_FD),
  };
};

/** Parses and checks the config's JSON. Throws an Error whose message names the bad field. */
export const parseStartConfig = (json: string): StartConfig => {
  const from = record(JSON.parse(json), "config");
  const gofer = goferConfig(from.gofer);
  return { gofer, sandbox: sandboxConfig(from.sandbox, gofer.trees.length) };
};

/** The sentry's part alone. */
export const parseSandboxConfig = (json: string): SandboxConfig => parseStartConfig(json).sandbox;
