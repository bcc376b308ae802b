/** What all container commands have: the global flags, the log, and how they fail. */
import { appendFileSync, readFileSync } from "node:fs";
import { isatty } from "node:tty";
import type { CgroupOptions } from "../../runtime/container/container-cgroup.ts";
import { ContainerError } from "../../runtime/container/container-error.ts";
import type { NetworkMode } from "../../runtime/container/network.ts";
import { defaultRoot, Store } from "../../runtime/container/store.ts";

export interface GlobalOptions {
  readonly root?: string;
  readonly log?: string;
  readonly logFormat: "text" | "json";
  readonly debug?: boolean;
  readonly systemdCgroup?: boolean;
  readonly rootless?: string;
  readonly network: NetworkMode;
}

export const storeOf = (options: GlobalOptions): Store => new Store(options.root ?? defaultRoot());

const asText = (level: string, message: string): string =>
  `time="${new Date().toISOString().replace(/\.\d+/, "")}" level=${level} msg=${JSON.stringify(message)}\n`;

const asJson = (level: string, message: string): string => `${JSON.stringify({ level, msg: message, time: new Date().toISOString() })}\n`;

/** As runc: into the log, from which engines take it, and on standard error unless the log is there. */
export const reportFailure = (options: GlobalOptions, message: string): void => {
  const line = options.logFormat === "json" ? asJson("error", message) : asText("error", message);
  if (options.log === undefined) {
    process.stderr.write(isatty(2) && options.logFormat === "text" ? `ERRO[0000] ${message}\n` : line);
    return;
  }
  try {
    appendFileSync(options.log, line, { mode: 0o600 });
  } catch (error) {
    process.stderr.write(`moat: ${options.log}: ${(error as Error).message}\n`);
  }
  process.stderr.write(`${message}\n`);
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
