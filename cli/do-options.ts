/** The flags of `moat do`: their spelling, their parsers and what they say when they are wrong. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { type OverlayMode, parseOverlayMode } from "../runtime/container/overlay-mode.ts";
import type { LogLevel } from "../runtime/sandbox/config.ts";
import { MAX_ID } from "../syscall-tables/limits.ts";
import { shown } from "./byte-strings.ts";

export interface Volume {
  readonly host: string;
  readonly guest: string;
  readonly readOnly: boolean;
}

export interface User {
  readonly uid: number;
  readonly gid: number | null;
}

export interface DoOptions {
  readonly root: string;
  readonly volume: readonly Volume[];
  readonly overlay: OverlayMode;
  readonly workdir?: string;
  readonly env: readonly string[];
  readonly user?: User;
  readonly hostname?: string;
  readonly network: "none" | "host";
  /** "" is every call. */
  readonly strace?: string;
  readonly straceLog?: string;
  readonly logLevel?: LogLevel;
  readonly debugLog?: string;
  readonly platform: "systrap";
}

const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

const notEmpty = (what: string) => (value: string) => {
  if (value === "") throw new InvalidArgumentError(`${what} is empty.`);
  return value;
};

const volume = (value: string, before: readonly Volume[]): Volume[] => {
  const parts = value.split(":");
  if (parts.length < 2 || parts.length > 3 || parts[0] === "" || !parts[1].startsWith("/")) {
    throw new InvalidArgumentError("It takes HOST:GUEST or HOST:GUEST:ro, GUEST an absolute path.");
  }
  if (parts.length === 3 && parts[2] !== "ro" && parts[2] !== "rw") {
    throw new InvalidArgumentError(`"${shown(parts[2])}" is neither ro nor rw.`);
  }
  return [...before, { host: parts[0], guest: parts[1], readOnly: parts[2] === "ro" }];
};

const workdir = (value: string): string => {
  if (!value.startsWith("/")) throw new InvalidArgumentError("It takes an absolute path.");
  return value;
};

const variable = (value: string, before: readonly string[]): string[] => {
  if (value.indexOf("=") < 1) throw new InvalidArgumentError("It takes NAME=VALUE.");
  return [...before, value];
};

const identity = (text: string): number => {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : -1;
  if (id < 0 || id > MAX_ID) throw new InvalidArgumentError(`"${shown(text)}" is not a number from 0 to ${MAX_ID}.`);
  return id;
};

const user = (value: string): User => {
  const parts = value.split(":");
  if (parts.length > 2) throw new InvalidArgumentError("It takes UID or UID:GID.");
  return { uid: identity(parts[0]), gid: parts.length === 2 ? identity(parts[1]) : null };
};

const hostname = (value: string): string => {
  // sethostname(2): at most 64 bytes.
  if (value === "" || value.length > 64) throw new InvalidArgumentError("It takes 1 to 64 bytes.");
  return value;
};

const network = (value: string): "none" | "host" => {
  if (value !== "none" && value !== "host") throw new InvalidArgumentError("It takes none or host.");
  return value;
};

const platform = (value: string): "systrap" => {
  if (value !== "systrap") throw new InvalidArgumentError('Only "systrap" exists.');
  return value;
};

const overlay = (value: string): OverlayMode => {
  const mode = parseOverlayMode(value);
  if (mode === null) throw new InvalidArgumentError("It takes memory, none or dir=/PATH.");
  return mode;
};

export const addDoOptions = (command: Command): Command =>
  command
    .addOption(new Option("--root <dir>", "the guest's root directory").default("/").argParser(notEmpty("The path")))
    .addOption(
      new Option("--volume <host:guest[:ro]>", "show a host file or directory to the guest, writable unless :ro (repeatable)")
        .default([], "none")
        .argParser<readonly Volume[]>(volume),
    )
    .addOption(
      new Option("--workdir <dir>", "the program's working directory (default: the current one, / with --root)").argParser(workdir),
    )
    .addOption(
      new Option("--env <name=value>", "set a variable; only PATH, HOME, TERM and LANG are passed on (repeatable)")
        .default([], "none")
        .argParser<readonly string[]>(variable),
    )
    .addOption(
      new Option("--overlay <mode>", "where writes to the root go: memory; dir=/PATH, kept below it; none, the root itself")
        .default("memory" as const)
        .argParser<OverlayMode>(overlay),
    )
    .addOption(new Option("--user <uid[:gid]>", "run as this user (default: the caller)").argParser(user))
    .addOption(new Option("--hostname <name>", "the guest's host name (default: the host's)").argParser(hostname))
    .addOption(
      new Option("--network <mode>", "none: the guest has its own loopback only; host: the caller's network")
        .default("none" as const)
        .argParser<"none" | "host">(network),
    )
    .addOption(new Option("--strace [names]", "print the guest's system calls, or only those in the comma-separated list"))
    .addOption(new Option("--strace-log <file>", "print them into this file instead of standard error").argParser(notEmpty("The path")))
    .addOption(new Option("--log-level <level>", "how much Moat says of itself").choices(logLevels))
    .addOption(new Option("--debug-log <file>", "write Moat's own log there (default: standard error)").argParser(notEmpty("The path")))
    .addOption(new Option("--platform <name>", "how system calls are caught").default("systrap" as const).argParser(platform));

/**
 * `--strace` takes its list only after "=": otherwise the program's name would be the list.
 * commander has no such option, so a bare `--strace` before CMD becomes `--strace=`.
 */
export const withBareStrace = (command: Command, args: readonly string[]): string[] => {
  const takesNext = new Set(command.options.filter((option) => option.required).map((option) => option.long));
  const result = [...args];
  for (let i = 0; i < result.length; i++) {
    if (result[i] === "--strace") result[i] = "--strace=";
    else if (takesNext.has(result[i])) i++;
    else if (result[i] === "--" || !result[i].startsWith("-")) break;
  }
  return result;
};
