/** Hooks of config.json: programs that are told the container's state on standard input. */
import { spawnSync } from "node:child_process";
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
}

const environment = (env: readonly string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(
    env.map((entry) => {
      const [name] = decoded(entry).split("=", 1);
      return [name, decoded(entry).slice(name.length + 1)];
    }),
  );

/** Null: it did what it should. */
export const runCommand = ({ path, argv, env, cwd, input, timeout }: Command): string | null => {
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
  if (result.signal !== null) return `error running hook: signal: ${result.signal}, ${output}`;
  return result.status === 0 ? null : `error running hook: exit status ${result.status}, ${output}`;
};

/** Throws at the first that fails. */
export const runHooks = (hooks: readonly Hook[], stored: Stored, state: HookState, cwd = stored.bundle): void => {
  const input = stateText(stored, state);
  hooks.forEach((hook, index) => {
    const failure = runCommand({ ...hook, argv: hook.args, cwd, input });
    if (failure !== null) throw new ContainerError(`error running hook #${index}: ${failure}`);
  });
};
