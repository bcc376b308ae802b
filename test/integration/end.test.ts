/** Whatever process of a sandbox is killed, the whole sandbox ends at once and leaves nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { moatPath } from "./moat.ts";

interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly commandLine: string;
}

const processes = (): ProcessInfo[] =>
  readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "latin1");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return [{ pid: Number(name), parent: Number(parent), state, commandLine: readFileSync(`/proc/${name}/cmdline`, "latin1") }];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });

const childrenOf = (pid: number): ProcessInfo[] => processes().filter(({ parent, state }) => parent === pid && state !== "Z");

const until = async <T>(what: string, look: () => T | undefined | false): Promise<T> => {
  for (let tries = 0; tries < 1000; tries++) {
    const found = look();
    if (found) return found;
    await pause(10);
  }
  throw new Error(`no ${what} after ten seconds`);
};

type Role = "launcher" | "init" | "sentry" | "gofer" | "guest";

/** A running sandbox's processes by role; `guest` is the program's, which writes "up" first. */
const start = async () => {
  const child = spawn(moatPath, ["do", "sh", "-c", "echo up; sleep 1000 & wait"], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error("the sandbox has not ended after 30 seconds"));
    }, 30_000);
    child.on("close", (status) => {
      clearTimeout(late);
      resolve(status);
    });
  });
  await until("output", () => stdout === "up\n");
  const launcher = child.pid as number;
  const [init] = childrenOf(launcher);
  const members = childrenOf(init.pid);
  const named = (part: string): number => (members.find(({ commandLine }) => commandLine.includes(part)) as ProcessInfo).pid;
  const others = members.filter(({ commandLine }) => !/(sentry|gofer)\.cjs/.test(commandLine));
  const pids: Record<Role, number> = {
    launcher,
    init: init.pid,
    sentry: named("sentry.cjs"),
    gofer: named("gofer.cjs"),
    // The zygote is the first; later ones may be on their way out already.
    guest: others[1].pid,
  };
  return { pids, others, members, closed, stderr: () => stderr };
};

const isGone = (pid: number): boolean => processes().every((info) => info.pid !== pid || info.state === "Z");

describe("the end of a sandbox", { concurrency: 2 }, () => {
  for (const role of ["init", "sentry", "gofer", "guest"] as const) {
    it(`comes with the ${role}'s death, and is explained`, async () => {
      const sandbox = await start();
      process.kill(sandbox.pids[role], "SIGKILL");
      assert.equal(await sandbox.closed, 125);
      assert.match(sandbox.stderr(), new RegExp(`^moat: .*${role}.* killed by signal 9; the sandbox has ended\\n$`));
      for (const { pid } of sandbox.members) assert.ok(isGone(pid), `process ${pid} is left`);
    });
  }

  it("comes with the zygote's death", async () => {
    const sandbox = await start();
    process.kill(sandbox.others[0].pid, "SIGKILL");
    assert.equal(await sandbox.closed, 125);
    assert.match(sandbox.stderr(), /^moat: .* killed by signal 9; the sandbox has ended\n$/);
  });

  it("comes with the launcher's death", async () => {
    const sandbox = await start();
    process.kill(sandbox.pids.launcher, "SIGKILL");
    await sandbox.closed;
    await until("end", () => sandbox.members.every(({ pid }) => isGone(pid)));
  });

  it("is the program's when the launcher is asked to terminate", async () => {
    const sandbox = await start();
    process.kill(sandbox.pids.launcher, "SIGTERM");
    assert.equal(await sandbox.closed, 143);
    assert.equal(sandbox.stderr(), "");
  });
});
