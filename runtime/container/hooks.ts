/** Hooks of config.json: programs that are told the container's state on standard input. */
import { spawnSync } from "node:child_process";
import type { Hook, HookName } from "../spec/spec.ts";
import { ContainerError } from "./container-error.ts";
import type { Status, Stored } from "./store.ts";

const stateText = (stored: Stored, status: Status): string =>
  JSON.stringify({
    ociVersion: stored.ociVersion,
    id: stored.id,
    status,
    pid: status === "stopped" ? 0 : stored.pid,
    bundle: stored.bundle,
    annotations: stored.annotations,
  });

const decoded = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");

const runHook = (hook: Hook, state: string, bundle: string): string | null => {
  const [argv0 = hook.path, ...args] = hook.args;
  const env = Object.fromEntries(
    hook.env.map((entry) => {
      const [name] = decoded(entry).split("=", 1);
      return [name, decoded(entry).slice(name.length + 1)];
    }),
  );
  const result = spawnSync(decoded(hook.path), args.map(decoded), {
    argv0: decoded(argv0),
    cwd: bundle,
    env,
    input: state,
    encoding: "utf8",
    ...(hook.timeout === null ? {} : { timeout: hook.timeout * 1000, killSignal: "SIGKILL" as const }),
  });
  const code = (result.error as NodeJS.ErrnoException | undefined)?.code;
  const output = `stdout: ${result.stdout ?? ""}, stderr: ${result.stderr ?? ""}`;
  if (code === "ETIMEDOUT") return `hook ran past specified timeout of ${hook.timeout}.0s`;
  // Not every hook reads its input.
  if (result.error && code !== "EPIPE") return result.error.message;
  if (result.signal !== null) return `error running hook: signal: ${result.signal}, ${output}`;
  return result.status === 0 ? null : `error running hook: exit status ${result.status}, ${output}`;
};

/** Throws at the first that fails. */
export const runHooks = (name: HookName, hooks: readonly Hook[], stored: Stored, status: Status): void => {
  const state = stateText(stored, status);
  hooks.forEach((hook, index) => {
    const failure = runHook(hook, state, decoded(stored.bundle));
    if (failure !== null) throw new ContainerError(`error running ${name} hook #${index}: ${failure}`);
  });
};
