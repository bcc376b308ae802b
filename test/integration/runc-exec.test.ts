/** runc's exec.bats, run.bats and kill.bats: flags, descriptors, signals and statuses of what runs in a container. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { describeContainers } from "../needs.ts";
import { Containers } from "./bundle.ts";
import { run } from "./moat.ts";
import { type Runtime, withBoth } from "./runc.ts";

const READY = 'trap "echo term; exit 3" TERM; echo ready; while :; do sleep 0.1; done';

describeContainers("exec and signals", () => {
  const containers = new Containers();
  after(() => containers.remove());

  /** A container that sleeps, under each runtime. */
  const inContainer = (name: string, act: (runtime: Runtime, id: string) => void): void => {
    const bundle = containers.bundle(["sleep", "1000"]);
    withBoth(containers, (runtime) => {
      const id = containers.id(`${name}-${runtime.name}`);
      assert.equal(runtime.detached("/dev/null", "run", "-d", "-b", bundle, id), 0);
      act(runtime, id);
      assert.equal(runtime.call("delete", "--force", id).status, 0);
    });
  };

  it("statuses, output and input", () => {
    inContainer("status", ({ call, program, root }, id) => {
      assert.deepEqual(call("exec", id, "sh", "-c", "echo out; echo err >&2; exit 42"), { status: 42, stdout: "out\n", stderr: "err\n" });
      assert.equal(call("exec", id, "sh", "-c", "kill -9 $$").status, 137);
      assert.equal(run(program, ["--root", root, "exec", id, "cat"], { input: "typed\n" }).stdout, "typed\n");
      assert.deepEqual(call("exec", id, "echo", "--preserve-fds", "9"), { status: 0, stdout: "--preserve-fds 9\n", stderr: "" });
    });
  });

  it("flags", () => {
    inContainer("flags", ({ call }, id) => {
      const of = (...args: string[]): string => call("exec", ...args).stdout;
      assert.equal(of("--cwd", "/sys", id, "pwd"), "/sys\n");
      assert.equal(of("-e", "A=1", "-e", "B=2", "-e", "A=3", id, "sh", "-c", "echo $A $B"), "3 2\n");
      assert.equal(of("--user", "1000:100", "-g", "5", "-g", "6", id, "id"), "uid=1000 gid=100 groups=5,6\n");
      assert.match(of("--no-new-privs", id, "grep", "NoNew", "/proc/self/status"), /\t1\n/);
      const caps = (...args: string[]): string[] => of(...args, id, "grep", "Cap", "/proc/self/status").split("\n");
      assert.deepEqual(caps("--cap", "CAP_SYS_ADMIN").slice(1, 4), [
        "CapPrm:\t0000000020200420",
        "CapEff:\t0000000020200420",
        "CapBnd:\t0000000020200420",
      ]);
      assert.deepEqual(caps("--user", "1000").slice(1, 4), [
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000020000420",
      ]);
    });
  });

  it("--process", () => {
    const file = join(containers.directory, "process.json");
    const write = (process: unknown): void => writeFileSync(file, typeof process === "string" ? process : JSON.stringify(process));
    inContainer("process", ({ call }, id) => {
      const script = "id; pwd; env | grep -v -E '^(SHLVL|PWD)' | sort; ulimit -n; grep CapBnd /proc/self/status";
      write({
        user: { uid: 5, gid: 6, additionalGids: [9] },
        args: ["sh", "-c", script],
        env: ["PATH=/bin", "A=b"],
        cwd: "/sys",
        // Equal, because the Go of some runcs raises the soft limit to the hard one.
        rlimits: [{ type: "RLIMIT_NOFILE", soft: 77, hard: 77 }],
      });
      const { stdout } = call("exec", "--process", file, id);
      assert.equal(stdout, "uid=5 gid=6 groups=9\n/sys\nA=b\nHOME=/\nPATH=/bin\n77\nCapBnd:\t0000000020000420\n");
      const refused = (process: unknown, text: RegExp): void => {
        write(process);
        const result = call("exec", "--process", file, id);
        assert.equal(result.status, 255);
        assert.match(result.stderr, text);
      };
      refused({ args: ["true"], env: ["PATH=/bin"] }, /exec failed: Cwd property must not be empty/);
      refused({ cwd: "/" }, /exec failed: (args must not be empty|process args cannot be empty)/);
      refused("garbage", /exec failed: /);
    });
  });

  it("what cannot be done is told in runc's words", () => {
    inContainer("refused", ({ call }, id) => {
      const refused = (text: RegExp, ...args: string[]): void => {
        const result = call("exec", ...args);
        assert.equal(result.status, 255, args.join(" "));
        assert.match(result.stderr, text);
      };
      refused(/exec failed: process args cannot be empty/, id);
      refused(/exec failed: unable to start container process: exec: \\"nowhere\\": executable file not found in \$PATH/, id, "nowhere");
      refused(
        /exec failed: unable to start container process: chdir to cwd \(\\"\/nowhere\\"\) set in config\.json failed: no such file/,
        "--cwd",
        "/nowhere",
        id,
        "true",
      );
      refused(/exec failed: Cwd must be an absolute path/, "--cwd", "sys", id, "true");
      refused(
        /exec failed: parsing foo as int for uid failed: strconv\.Atoi: parsing \\"foo\\": invalid syntax/,
        "--user",
        "foo",
        id,
        "true",
      );
      refused(/exec failed: open \/nowhere: no such file or directory/, "--process", "/nowhere", id);
      refused(/exec failed: selinux label is specified in config, but selinux is disabled/, "--process-label", "x", id, "true");
      assert.match(call("exec", "--cap", "CAP_NO", id, "true").stderr, /ignoring unknown or unavailable capabilities: \[CAP_NO\]/);
    });
  });

  it("detached, with a pid file", () => {
    const file = join(containers.directory, "pid");
    inContainer("detached", ({ detached }, id) => {
      rmSync(file, { force: true });
      assert.equal(detached("/dev/null", "exec", "-d", "--pid-file", file, id, "sleep", "100"), 0);
      const pid = Number(readFileSync(file, "utf8"));
      assert.ok(process.kill(pid, 0));
    });
  });

  it("descriptors are passed on", () => {
    const file = join(containers.directory, "kept");
    writeFileSync(file, "content\n");
    const look = "ls /proc/self/fd 2>/dev/null | wc -w; env | grep LISTEN | sort; head -c 100 <&3; true";
    const bundle = containers.bundle(["sh", "-c", look]);
    const shell = (runtime: Runtime, command: string): { status: number | null; stdout: string; stderr: string } =>
      run("sh", [
        "-c",
        `exec 3<${file} 4<${file} 5<&- 6<&- 7<&- 8<&- 9<&-; ${command}`.replaceAll("RUNTIME", `${runtime.program} --root ${runtime.root}`),
      ]);
    withBoth(containers, (runtime) => {
      const id = containers.id(`fds-${runtime.name}`);
      const of = (command: string): string => shell(runtime, command).stdout;
      assert.equal(of(`RUNTIME run -b ${bundle} --preserve-fds 2 ${id}`), "6\ncontent\n");
      assert.equal(of(`RUNTIME run -b ${bundle} ${id}`), "4\n");
      assert.equal(of(`LISTEN_FDS=1 RUNTIME run -b ${bundle} ${id}`), "4\n", "not for this process");
      const socket = `sh -c 'LISTEN_PID=$$ LISTEN_FDS=1 exec RUNTIME run -b ${bundle} --preserve-fds 1 ${id}'`;
      assert.equal(of(socket), "6\nLISTEN_FDS=1\nLISTEN_PID=1\ncontent\n");
      const missing = shell(runtime, `RUNTIME run -b ${bundle} --preserve-fds 40 ${id}`);
      assert.equal(missing.status, 1);
      assert.match(missing.stderr, /unable to stat preserved-fd \d+ \(of 40\): stat \/proc\/self\/fd\/\d+: no such file or directory/);
    });
    inContainer("fds-exec", (runtime, id) => {
      assert.equal(shell(runtime, `RUNTIME exec --preserve-fds 2 ${id} sh -c 'head -c 100 <&4'`).stdout, "content\n");
      assert.equal(shell(runtime, `RUNTIME exec ${id} sh -c 'test -e /proc/self/fd/4 || echo none'`).stdout, "none\n");
    });
  });

  /** Starts in the background, waits for "ready", and sends TERM to it. */
  const terminated = async (runtime: Runtime, args: readonly string[]): Promise<[number | null, string]> => {
    const output = join(containers.directory, "output");
    rmSync(output, { force: true });
    const fd = openSync(output, "a");
    const child = spawn(runtime.program, ["--root", runtime.root, ...args], { stdio: ["ignore", fd, fd] });
    const ended = once(child, "exit");
    for (let tries = 0; tries < 300 && !readFileSync(output, "utf8").includes("ready"); tries++)
      await new Promise((done) => setTimeout(done, 50));
    child.kill("SIGTERM");
    const [status] = await ended;
    return [status as number | null, readFileSync(output, "utf8")];
  };

  it("run and exec pass signals on", async () => {
    const bundle = containers.bundle(["sh", "-c", READY]);
    const sleeping = containers.bundle(["sleep", "1000"]);
    const runtimes: Runtime[] = [];
    withBoth(containers, (runtime) => {
      runtimes.push(runtime);
    });
    for (const runtime of runtimes) {
      const id = containers.id(`signal-${runtime.name}`);
      assert.deepEqual(await terminated(runtime, ["run", "-b", bundle, id]), [3, "ready\nterm\n"], runtime.name);
      assert.equal(runtime.call("state", id).status, 1);
      assert.equal(runtime.detached("/dev/null", "run", "-d", "-b", sleeping, id), 0);
      for (let round = 0; round < 3; round++) {
        assert.deepEqual(await terminated(runtime, ["exec", id, "sh", "-c", READY]), [3, "ready\nterm\n"], runtime.name);
      }
      assert.equal(runtime.call("delete", "--force", id).status, 0);
    }
  });

  it("kill --all reaches every process, and a created container ends by TERM", () => {
    const output = join(containers.directory, "all");
    const bundle = containers.bundle([
      "sh",
      "-c",
      "(trap 'echo child; exit' TERM; while :; do sleep 0.1; done) & trap 'wait; echo init; exit 4' TERM; echo ready; while :; do sleep 0.1; done",
    ]);
    withBoth(containers, (runtime) => {
      const { call, detached } = runtime;
      const id = containers.id(`all-${runtime.name}`);
      rmSync(output, { force: true });
      const until = (is: () => boolean, what: string): void => {
        for (let tries = 0; tries < 200; tries++) {
          if (is()) return;
          run("sleep", ["0.05"]);
        }
        assert.fail(what);
      };
      assert.equal(detached(output, "run", "-d", "-b", bundle, id), 0);
      until(() => readFileSync(output, "utf8").includes("ready"), "the program did not start");
      assert.equal(call("kill", "--all", id, "TERM").status, 0);
      until(() => JSON.parse(call("state", id).stdout).status === "stopped", "the program did not end");
      // The shells may say so of a sleep that was hit.
      const lines = readFileSync(output, "utf8").split("\n");
      assert.deepEqual(
        lines.filter((line) => line !== "Terminated"),
        ["ready", "child", "init", ""],
      );
      assert.match(call("kill", id, "TERM").stderr, /container not running/);
      assert.equal(call("kill", "--all", id, "KILL").status, 0);
      assert.equal(call("delete", id).status, 0);
      assert.equal(detached("/dev/null", "create", "-b", bundle, id), 0);
      assert.equal(call("kill", id, "0").status, 0);
      assert.equal(call("kill", id, "TERM").status, 0);
      until(() => JSON.parse(call("state", id).stdout).status === "stopped", "a created container did not end");
      assert.match(call("start", id).stderr, /cannot start a container that has stopped/);
      assert.equal(call("delete", id).status, 0);
    });
  });
});
