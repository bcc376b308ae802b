/** Hooks of config.json: programs that are told the container's state on standard input. */
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import type { Hook } from "../spec/spec.ts";
import { ContainerError, reasonOf } from "./container-error.ts";
import type { Status, Stored } from "./store.ts";

export interface HookState {
  readonly status: Status;
  /** As the hook sees it; 0: none. */
  readonly pid: number;
}

export const stateText = (stored: Stored, { status, pid }: HookState): string => {
  const { ociVersion, id, bundle, annotations } = stored;
  return JSON.stringify({
    ociVersion,
    id,
    status,
    ...(pid === 0 ? {} : { pid }),
    bundle,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  });
};

export const decoded = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");

interface Command {
  readonly path: string;
  readonly argv: readonly string[];
  /** Null: this process's. */
  readonly env: readonly string[] | null;
  readonly cwd: string;
  readonly input: string;
  /** Seconds; null: no limit. */
  readonly timeout: number | null;
  /** It ends with 128 + n for a program that signal n ended. */
  readonly statusTellsSignal?: boolean;
}

const environment = (env: readonly string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(
    env.map((entry) => {
      const [name] = decoded(entry).split("=", 1);
      return [name, decoded(entry).slice(name.length + 1)];
    }),
  );

/** As Go's os/exec names them, lower-case; runc's messages have these. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGILL: "illegal instruction",
  SIGTRAP: "trace/breakpoint trap",
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGKILL: "killed",
  SIGUSR1: "user defined signal 1",
  SIGSEGV: "segmentation fault",
  SIGUSR2: "user defined signal 2",
  SIGPIPE: "broken pipe",
  SIGALRM: "alarm clock",
  SIGTERM: "terminated",
  SIGSYS: "bad system call",
};

const SIGNAL_NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals));

const signalWords = (signal: string): string => SIGNAL_WORDS[signal] ?? `signal ${SIGNAL_NUMBERS.get(signal) ?? signal}`;

/** What ended a program, from the status 128 + n that `exec` makes of signal n; null: nothing did. */
const signalOfStatus = (status: number): string | null =>
  Object.keys(SIGNAL_WORDS).find((signal) => SIGNAL_NUMBERS.get(signal) === status - 128) ?? null;

/** Null: it did what it should. */
export const runCommand = ({ path, argv, env, cwd, input, timeout, statusTellsSignal = false }: Command): string | null => {
  const [argv0 = path, ...args] = argv;
  const result = spawnSync(decoded(path), args.map(decoded), {
    argv0: decoded(argv0),
    cwd: decoded(cwd),
    ...(env === null ? {} : { env: environment(env) }),
    input,
    encoding: "utf8",
    ...(timeout === null ? {} : { timeout: Math.max(1, timeout * 1000), killSignal: "SIGKILL" as const }),
  });
  const code = (result.error as NodeJS.ErrnoException | undefined)?.code ?? "";
  const output = `stdout: ${result.stdout ?? ""}, stderr: ${result.stderr ?? ""}`;
  if (code === "ETIMEDOUT") return `hook ran past specified timeout of ${timeout?.toFixed(1)}s`;
  // Not every hook reads its input.
  if (result.error && code !== "EPIPE") return `fork/exec ${decoded(path)}: ${reasonOf(result.error)}`;
  const signal = result.signal ?? (statusTellsSignal ? signalOfStatus(result.status ?? 0) : null);
  if (signal !== null) return `error running hook: signal: ${signalWords(signal)}, ${output}`;
  return result.status === 0 ? null : `error running hook: exit status ${result.status}, ${output}`;
};

const runAll = (hooks: readonly Hook[], run: (hook: Hook) => string | null): void =>
  hooks.forEach((hook, index) => {
    const failure = run(hook);
    if (failure !== null) throw new ContainerError(`error running hook #${index}: ${failure}`);
  });

/** Throws at the first that fails. */
export const runHooks = (hooks: readonly Hook[], stored: Stored, state: HookState): void => {
  const input = stateText(stored, state);
  runAll(hooks, (hook) => runCommand({ ...hook, argv: hook.args, cwd: stored.bundle, input }));
};

/** This process's parent started it with these. */
export const launcherCommand = (): readonly string[] => [
  readlinkSync(`/proc/${process.ppid}/exe`),
  process.execPath,
  dirname(process.argv[1]),
];

const NOT_EXECUTED = /^moat: cannot execute .*: (.*)\n/;

/**
 * In the container's namespaces as far as the host has them: its mounts, before anything is mounted in its root, and its
 * network.
 */
export const runContainerHooks = (hooks: readonly Hook[], stored: Stored, state: HookState): void => {
  const input = stateText(stored, state);
  const [launcher, ...fixed] = launcherCommand();
  runAll(hooks, ({ path, args, env, timeout }) => {
    const [argv0 = path, ...rest] = args;
    const argv = ["moat", ...fixed, "--hook", String(stored.pid), stored.rootfs, path, argv0, ...rest];
    const failure = runCommand({ path: launcher, argv, env, cwd: stored.bundle, input, timeout });
    const reason = NOT_EXECUTED.exec(/^error running hook: exit status 125, stdout: , stderr: (.*)$/s.exec(failure ?? "")?.[1] ?? "")?.[1];
    return reason === undefined ? failure : `fork/exec ${decoded(path)}: ${reason.toLowerCase()}`;
  });
};
