/** Runs `moat` as built by tools/test.mjs. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export const root = process.cwd();
export const moatPath = join(root, "moat");
export const launcherPath = join(root, "native/build/moat-launcher");

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const run = (
  program: string,
  args: readonly string[],
  options: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv } = {},
): Outcome => {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "latin1",
    input: "",
    timeout: 60_000,
    killSignal: "SIGKILL",
    ...options,
  });
  if (error) throw error;
  return { status, stdout, stderr };
};

export const moat = (...args: string[]): Outcome => run(moatPath, args);
