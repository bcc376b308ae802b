/** `moat do`: from flags to the request for one sandbox. */
import { closeSync, openSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { getPriority, hostname } from "node:os";
import { isatty } from "node:tty";
import { type OverlayMode, overlayTree } from "../runtime/container/overlay-mode.ts";
import type { GoferTree, LogLevel, SandboxConfig } from "../runtime/sandbox/config.ts";
import type { MountConfig, MountTree } from "../runtime/sandbox/mount-config.ts";
import { PLAIN_PROCESS, plainScheduler } from "../runtime/sandbox/process-config.ts";
import { environmentBytes, pathBytes, shown } from "./byte-strings.ts";
import type { DoOptions, User } from "./do-options.ts";
import { CliError } from "./fail.ts";
import { readHostFacts } from "./host-facts.ts";
import { ownerMap } from "./owner-map.ts";
import type { SandboxRequest } from "./request.ts";

const reasons: Record<string, string> = {
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EROFS: "Read-only file system",
};

const refuse = (what: string, error: unknown): never => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  throw new CliError(`${what}: ${reasons[code] ?? message}`);
};

/** Absolute and without symlinks, so that the launcher opens what was checked here. */
const hostPath = (what: string, path: string): string => {
  try {
    return (realpathSync(pathBytes(path), "buffer") as unknown as Buffer).toString("latin1");
  } catch (error) {
    return refuse(`${what} ${shown(path)}`, error);
  }
};

const rootDirectory = (path: string): string => {
  const absolute = hostPath("--root", path);
  if (!statSync(pathBytes(absolute)).isDirectory()) throw new CliError(`--root ${shown(path)}: Not a directory`);
  return absolute;
};

/** Empties the log here, where the error can name the flag; the launcher appends to it. */
const logFile = (flag: string, path: string | undefined): string | null => {
  if (path === undefined) return null;
  try {
    closeSync(openSync(pathBytes(path), "w", 0o666));
  } catch (error) {
    refuse(`${flag} ${shown(path)}`, error);
  }
  return hostPath(flag, path);
};

const passedOn = ["PATH", "HOME", "TERM", "LANG"];

const environment = (own: readonly string[]): string[] => {
  const environ = readFileSync("/proc/self/environ", "latin1");
  const result: string[] = [];
  for (const name of passedOn) {
    const value = environmentBytes(environ, name);
    if (value !== null && !own.some((entry) => entry.startsWith(`${name}=`))) result.push(`${name}=${value}`);
  }
  // The last of two settings of one name wins, as in env(1).
  const names = new Map(own.map((entry) => [entry.slice(0, entry.indexOf("=")), entry]));
  return [...result, ...names.values()];
};

/** process.cwd() would lose bytes that are not UTF-8. */
const currentDirectory = (): string => (readlinkSync("/proc/self/cwd", "buffer") as unknown as Buffer).toString("latin1");

/** The group of a user in the guest's own /etc/passwd; 0 for an unknown one, as container runtimes do. */
const groupOf = (uid: number, root: string): number => {
  try {
    for (const line of readFileSync(pathBytes(`${root}/etc/passwd`), "latin1").split("\n")) {
      const fields = line.split(":");
      if (fields[2] === String(uid) && /^[0-9]+$/.test(fields[3])) return Number(fields[3]);
    }
  } catch {
    // A root without users is one where every user is unknown.
  }
  return 0;
};

const credentials = (user: User | undefined, root: string): Pick<SandboxConfig, "uid" | "gid" | "groups"> => {
  if (user !== undefined) return { uid: user.uid, gid: user.gid ?? groupOf(user.uid, root), groups: [] };
  const { getuid, getgid, getgroups } = process as Required<typeof process>;
  return { uid: getuid(), gid: getgid(), groups: getgroups() };
};

const fixedMount = (type: MountConfig["type"], target: string, options: string, tree: MountTree | null = null): MountConfig => ({
  type,
  target,
  source: "",
  options,
  tree,
  readOnly: false,
  flags: 0,
  propagation: [],
  copiesUp: false,
});

/** A tree of the gofer as a whole. */
const wholeTree = (index: number): MountTree => ({ index, path: [], fsType: "gofer", root: "/", device: "", listens: false });

const systemMounts = [
  fixedMount("proc", "/proc", ""),
  fixedMount("sysfs", "/sys", ""),
  fixedMount("dev", "/dev", "mode=755"),
  fixedMount("devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666"),
  fixedMount("tmpfs", "/dev/shm", "mode=1777"),
];

/** The root, and what the launcher opens for it. */
const plannedRoot = (root: string, overlay: OverlayMode): { mount: MountConfig; record: string; readOnly: boolean } => {
  if (overlay === "memory") return { mount: fixedMount("overlay", "/", "", wholeTree(0)), record: `rro,rec:${root}`, readOnly: true };
  if (overlay === "none") return { mount: fixedMount("gofer", "/", "", wholeTree(0)), record: `rw,rec:${root}`, readOnly: false };
  const mount = fixedMount("gofer", "/", "", { ...wholeTree(0), fsType: "overlay" });
  try {
    return { mount: { ...mount, source: "overlay" }, record: overlayTree(root, overlay.directory), readOnly: false };
  } catch (error) {
    return refuse(`--overlay dir=${shown(overlay.directory)}`, error);
  }
};

/** Names of --strace, checked; null: every call. The table is loaded only when it is needed. */
const straceNames = async (list: string): Promise<readonly string[] | null> => {
  if (list === "") return null;
  const { x86_64 } = await import("../syscall-tables/numbers/x86_64.ts");
  const known = new Set<string>(Object.values(x86_64));
  const names = list.split(",").filter((name) => name !== "");
  for (const name of names) if (!known.has(name)) throw new CliError(`--strace: there is no system call "${shown(name)}"`);
  return names;
};

/** Where Moat's own messages go: the debug log's fd, standard error when only a level was asked for, nowhere otherwise. */
const logTarget = (options: DoOptions): { logLevel: LogLevel; debugLogFd: number } => {
  if (options.debugLog !== undefined) return { logLevel: options.logLevel ?? "debug", debugLogFd: 7 };
  if (options.logLevel !== undefined) return { logLevel: options.logLevel, debugLogFd: 2 };
  return { logLevel: "silent", debugLogFd: -1 };
};

export const planDo = async (argv: readonly string[], options: DoOptions): Promise<SandboxRequest> => {
  const root = rootDirectory(options.root);
  const { mount, record, readOnly: isLower } = plannedRoot(root, options.overlay);
  const trees: GoferTree[] = [{ readOnly: isLower, listens: false, uids: [], gids: [] }];
  const records = [record];
  const mounts: MountConfig[] = [mount, ...systemMounts];
  for (const { host, guest, readOnly } of options.volume) {
    records.push(`${readOnly ? "rro" : "rw"},rec:${hostPath("--volume", host)}`);
    mounts.push({ ...fixedMount("gofer", guest, "", wholeTree(trees.length)), readOnly });
    trees.push({ readOnly, listens: false, uids: [], gids: [] });
  }
  const wantsStrace = options.strace !== undefined || options.straceLog !== undefined;
  const names = await straceNames(options.strace ?? "");
  const log = logTarget(options);
  const sandbox: SandboxConfig = {
    argv,
    env: environment(options.env),
    cwd: options.workdir ?? (root === "/" ? currentDirectory() : "/"),
    ...credentials(options.user, root),
    hostname: options.hostname ?? hostname(),
    ...PLAIN_PROCESS,
    umask: process.umask(),
    scheduler: plainScheduler(getPriority()),
    terminal: isatty(0),
    domainname: "(none)",
    mounts,
    devices: null,
    deviceRules: null,
    rootPropagation: 0,
    maskedPaths: [],
    readonlyPaths: [],
    userNamespace: null,
    sysctls: [],
    waitsForStart: false,
    joins: null,
    timeOffsets: null,
    namespaceNumbers: null,
    network: options.network,
    platform: options.platform,
    initUnkillable: false,
    strace: wantsStrace ? { names, logFd: options.straceLog === undefined ? -1 : 8 } : null,
    ...log,
    hostFacts: readHostFacts(),
    resources: null,
  };
  return {
    trees: records,
    debugLog: logFile("--debug-log", options.debugLog),
    straceLog: logFile("--strace-log", options.straceLog),
    config: { sandbox, gofer: { trees, ownerMap: ownerMap(), ...log } },
  };
};
