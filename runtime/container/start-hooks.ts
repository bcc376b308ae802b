/** startContainer hooks: programs of the container's own file system, run inside it before its program begins. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hook } from "../spec/spec.ts";
import { readSpec } from "./bundle.ts";
import { decoded, launcherCommand, runCommand, stateText } from "./hooks.ts";
import type { Store, Stored } from "./store.ts";

/** What exec says of a program that it could not start, as runc's init would. */
const startFailure = (path: string, failure: string): string => {
  const reason = /(no such file or directory|permission denied|not a directory|exec format error)/.exec(failure)?.[1];
  return /exec failed: /.test(failure) && reason !== undefined ? `fork/exec ${decoded(path)}: ${reason}` : failure;
};

const runStartHook = (hook: Hook, store: Store, stored: Stored): string | null => {
  const spec = readSpec(stored.bundle);
  const file = join(store.directory(stored.id), "hook.json");
  const { process: own } = spec;
  const program = {
    args: [decoded(hook.path), ...hook.args.slice(1).map(decoded)],
    env: (hook.env ?? own.env).map(decoded),
    cwd: "/",
    user: { uid: own.uid, gid: own.gid, additionalGids: own.groups },
    capabilities: own.capabilities,
    noNewPrivileges: own.noNewPrivileges,
  };
  writeFileSync(file, JSON.stringify(program), { mode: 0o600 });
  const [launcher, ...fixed] = launcherCommand();
  const failure = runCommand({
    path: launcher,
    argv: ["moat", ...fixed, "--root", store.root, "exec", "--process", file, stored.id],
    env: null,
    cwd: "/",
    input: stateText(stored, { status: "created", pid: 1 }),
    timeout: hook.timeout,
    statusTellsSignal: true,
  });
  rmSync(file, { force: true });
  return failure === null ? null : startFailure(hook.path, failure);
};

/** Null, or what went wrong: the container's own standard error tells it, and its program never runs. */
export const runStartHooks = (store: Store, stored: Stored): string | null => {
  for (const [index, hook] of stored.startContainer.entries()) {
    const failure = runStartHook(hook, store, stored);
    if (failure !== null) return `error running hook #${index}: ${failure}`;
  }
  return null;
};
