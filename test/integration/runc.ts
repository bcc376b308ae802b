/** Moat beside runc: what a test expects is asked of runc first, where it can run containers. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Containers } from "./bundle.ts";
import { moatPath, type Outcome, run } from "./moat.ts";

/** Static, so that it runs in a bundle of nothing else. */
export const compileInto = (bundle: string, name: string, source: string): void => {
  const to = join(bundle, "rootfs/bin", name);
  execFileSync("cc", ["-O1", "-std=gnu11", "-static", "-x", "c", "-", "-o", to], { input: source, stdio: ["pipe", "inherit", "inherit"] });
};

let isRuncUsable: boolean | null = null;

/** Whether this machine's runc can run a container at all (root, cgroups). */
export const runcWorks = (containers: Containers): boolean => {
  if (isRuncUsable === null) {
    const bundle = containers.bundle(["true"]);
    const result = spawnSync("runc", ["--root", join(containers.directory, "runc"), "run", "-b", bundle, `moat-probe-${process.pid}`], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 30_000,
    });
    isRuncUsable = result.status === 0;
  }
  return isRuncUsable;
};

export interface Runtime {
  readonly name: "runc" | "moat";
  readonly program: string;
  /** Its state directory. */
  readonly root: string;
  call(...args: string[]): Outcome;
  /** For what leaves something running: its standard files are not pipes that the test would wait for. */
  detached(output: string, ...args: string[]): number | null;
}

/** Runs the case with runc, where it works, and with Moat. */
export const withBoth = (containers: Containers, act: (runtime: Runtime) => void): void => {
  const programs = { runc: "runc", moat: moatPath };
  const roots = { runc: join(containers.directory, "runc"), moat: containers.root };
  for (const name of runcWorks(containers) ? (["runc", "moat"] as const) : (["moat"] as const)) {
    try {
      const global = ["--root", roots[name]];
      act({
        name,
        program: programs[name],
        root: roots[name],
        call: (...args) => run(programs[name], [...global, ...args]),
        detached: (output, ...args) => {
          const fd = openSync(output, "a");
          const { status } = spawnSync(programs[name], [...global, ...args], { stdio: ["ignore", fd, fd], timeout: 60_000 });
          closeSync(fd);
          return status;
        },
      });
    } catch (error) {
      if (error instanceof Error) error.message = `${name}: ${error.message}`;
      throw error;
    }
  }
};

let ids = 0;

/** `run` of a bundle gives this outcome, under both. */
export const assertRun = (containers: Containers, bundle: string, expected: Partial<Outcome> & { stderrMatch?: RegExp }): void => {
  withBoth(containers, (runtime) => {
    const result = runtime.call("run", "-b", bundle, containers.id(`case-${++ids}`));
    const { stderrMatch, ...exact } = expected;
    for (const [key, value] of Object.entries(exact)) {
      assert.deepEqual(result[key as keyof Outcome], value, `${key} (stderr: ${result.stderr})`);
    }
    if (stderrMatch !== undefined) assert.match(result.stderr, stderrMatch);
  });
};
