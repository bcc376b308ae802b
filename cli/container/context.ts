/** What all container commands have: the global flags, the log, and how they fail. */
import { appendFileSync, closeSync, openSync, readFileSync } from "node:fs";
import { isatty } from "node:tty";
import type { CgroupOptions } from "../../runtime/container/container-cgroup.ts";
import { ContainerError } from "../../runtime/container/container-error.ts";
import type { NetworkMode } from "../../runtime/container/network.ts";
import { type OverlayMode, parseOverlayMode } from "../../runtime/container/overlay-mode.ts";
import { defaultRoot, Store } from "../../runtime/container/store.ts";

export interface GlobalOptions {
  readonly root?: string;
  readonly log?: string;
  readonly logFormat: string;
  readonly debug?: boolean;
  readonly systemdCgroup?: boolean;
  readonly rootless?: string;
  readonly network: NetworkMode;
  readonly overlay: string;
}

export const storeOf = (options: GlobalOptions): Store => new Store(options.root ?? defaultRoot());

/** RFC 3339 to the second, as logrus writes it. */
const now = (): string => new Date().toISOString().replace(/\.\d+/, "");

const asText = (level: Level, message: string): string => `time="${now()}" level=${level} msg=${JSON.stringify(message)}\n`;

const asJson = (level: Level, message: string): string => `${JSON.stringify({ level, msg: message, time: now() })}\n`;

type Level = "debug" | "warning" | "error";
const TERMINAL_WORDS: Readonly<Record<Level, string>> = { debug: "DEBU", warning: "WARN", error: "ERRO" };

export const overlayMode = ({ overlay }: GlobalOptions): OverlayMode => {
  const mode = parseOverlayMode(overlay);
  if (mode === null) throw new ContainerError(`invalid value ${JSON.stringify(overlay)} for --overlay: none, memory or dir=/PATH`);
  return mode;
};

/** Into the log, from which engines take it; standard error when there is none. */
export const log = (options: GlobalOptions, level: Level, message: string): void => {
  if (level === "debug" && options.debug !== true) return;
  const line = options.logFormat === "json" ? asJson(level, message) : asText(level, message);
  if (options.log === undefined) {
    process.stderr.write(isatty(2) && options.logFormat !== "json" ? `${TERMINAL_WORDS[level]}[0000] ${message}\n` : line);
    return;
  }
  try {
    appendFileSync(options.log, line, { mode: 0o600 });
  } catch (error) {
    process.stderr.write(`moat: ${options.log}: ${(error as Error).message}\n`);
  }
};

/** As runc: into the log, and on standard error as well when the log is elsewhere. */
export const reportFailure = (options: GlobalOptions, message: string): void => {
  log(options, "error", message);
  if (options.log !== undefined) process.stderr.write(`${message}\n`);
};

/** What native/launcher/pump.c serves: a terminal among the standard files, or the session's. */
export const hasTerminal = (): boolean => {
  if ([0, 1, 2].some((fd) => isatty(fd))) return true;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
};

/** Root in a user namespace is not allowed much more than an ordinary user. */
const isUserNamespace = (): boolean => {
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "latin1"));
  } catch {
    return false;
  }
};

/** --rootless: true, false or auto. */
export const cgroupOptions = ({ systemdCgroup, rootless = "auto" }: GlobalOptions): CgroupOptions => {
  if (!["auto", "true", "1", "false", "0"].includes(rootless))
    throw new ContainerError(`invalid value ${JSON.stringify(rootless)} for --rootless`);
  const isRootless = rootless === "auto" ? process.geteuid?.() !== 0 || isUserNamespace() : rootless === "true" || rootless === "1";
  return { usesSystemd: systemdCgroup === true, isRootless };
};
