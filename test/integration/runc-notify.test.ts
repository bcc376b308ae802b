/** runc's seccomp-notify.bats: an agent on the host decides of a container's calls. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { describeContainers } from "../needs.ts";
import { type Config, Containers } from "./bundle.ts";
import { root } from "./moat.ts";
import { compileInto, type Runtime, withBoth } from "./runc.ts";

/** mkdir(2) of each name; "file" and "place" are files from then on, whose contents it prints; "late" is interrupted by a signal. */
const CALLER = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static void nothing(int number) { (void)number; }
int main(int argc, char **argv) {
  char text[64];
  struct sigaction action = { .sa_handler = nothing };
  sigaction(SIGALRM, &action, NULL);
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "late") == 0) alarm(1);
    long result = syscall(SYS_mkdir, argv[i], 0750);
    printf("%s %ld %d\\n", argv[i], result, result < 0 ? errno : 0);
    if (strcmp(argv[i], "file") == 0 || strcmp(argv[i], "place") == 0) {
      ssize_t length = read((int)result, text, sizeof text);
      printf("%.*s", (int)(length > 0 ? length : 0), text);
    }
    fflush(stdout);
  }
}
`;

const profile = (path: string, names: readonly string[], more: object = {}): object => ({
  defaultAction: "SCMP_ACT_ALLOW",
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_X86"],
  listenerPath: path,
  listenerMetadata: "told",
  syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }],
  ...more,
});

interface ProcessState {
  readonly fds: string[];
  readonly metadata: string;
  readonly pid: number;
  readonly state: { readonly id: string; readonly status: string; readonly bundle: string; readonly pid: number };
}

describeContainers("SCMP_ACT_NOTIFY", () => {
  const containers = new Containers();
  after(() => containers.remove());
  let agents = 0;

  const agentProgram = join(containers.directory, "seccomp-agent");
  const startAgent = async (count: number): Promise<{ socket: string; child: ChildProcess; output: () => string }> => {
    if (!existsSync(agentProgram)) execFileSync("cc", ["-O1", "-o", agentProgram, join(root, "test/integration/seccomp-agent.c")]);
    const socket = join(containers.directory, `agent${++agents}`);
    const child = spawn(agentProgram, [socket, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    for (let tries = 0; !existsSync(socket) && tries < 500; tries++) await pause(10);
    return { socket, child, output: () => output };
  };

  const bundle = (args: readonly string[], seccomp: object, change: (config: Config) => void = () => {}): string => {
    const made = containers.bundle(args, (config) => {
      Object.assign(config.root ?? {}, { readonly: false });
      Object.assign(config.linux ?? {}, { seccomp });
      change(config);
    });
    compileInto(made, "caller", CALLER);
    return made;
  };

  const runtimes = (): Runtime[] => {
    const all: Runtime[] = [];
    withBoth(containers, (runtime) => all.push(runtime));
    return all;
  };

  const ended = async (child: ChildProcess): Promise<number | null> => {
    if (child.exitCode === null) await once(child, "close");
    return child.exitCode;
  };

  const states = (output: string): ProcessState[] =>
    output
      .split("\n")
      .filter((line) => line.startsWith("state "))
      .map((line) => JSON.parse(line.slice("state ".length)));

  it("the agent reads the caller's memory, and its answer is the call's: errno, value, go on, a file", async () => {
    for (const runtime of runtimes()) {
      const { socket, child, output } = await startAgent(1);
      const made = bundle(["caller", "errno", "value", "file", "place", "bad", "/made", "/made"], profile(socket, ["mkdir"]));
      const id = containers.id(`notify-${runtime.name}`);
      const result = runtime.call("run", "-b", made, id);
      const placed = "place 9 0\ngiven\n";
      assert.equal(
        result.stdout,
        `errno -1 123\nvalue 77 0\nfile 3 0\ngiven\n${placed}bad 0 0\n/made 0 0\n/made -1 17\n`,
        `${runtime.name}: ${result.stderr}${output()}`,
      );
      assert.equal(await ended(child), 0);
      const said = output().replace(/^state .*\n/, "");
      const call = (name: string): string => `call 83 ${name} 750 valid 0\n`;
      assert.equal(
        said,
        `${call("errno")}${call("value")}${call("file")}${call("place")}place 9\n${call("bad")}bad 22 2\n${call("/made")}${call("/made")}end\n`,
        runtime.name,
      );
      const [state] = states(output());
      assert.deepEqual(state.fds, ["seccompFd"]);
      assert.equal(state.metadata, "told");
      const inner = state.state;
      assert.deepEqual([inner.id, inner.status, inner.bundle, inner.pid], [id, "creating", made, state.pid]);
      assert.ok(state.pid > 1);
    }
  });

  it("a call that a signal interrupts is withdrawn", async () => {
    for (const runtime of runtimes()) {
      const { socket, child, output } = await startAgent(1);
      const result = runtime.call(
        "run",
        "-b",
        bundle(["caller", "late"], profile(socket, ["mkdir"])),
        containers.id(`late-${runtime.name}`),
      );
      assert.equal(result.stdout, "late -1 4\n", runtime.name);
      assert.equal(await ended(child), 0);
      assert.match(output(), /call 83 late 750 valid 0\nwithdrawn 2\nsend 2\nend\n$/, runtime.name);
    }
  });

  it("exec has a listener of its own, which ends with its program", async () => {
    for (const runtime of runtimes()) {
      const { socket, child, output } = await startAgent(2);
      const id = containers.id(`notify-exec-${runtime.name}`);
      const made = bundle(["sleep", "100"], profile(socket, ["mkdir"]));
      assert.equal(runtime.detached("/dev/null", "run", "-d", "-b", made, id), 0);
      const executed = runtime.call("exec", id, "caller", "errno", "value");
      assert.equal(executed.stdout, "errno -1 123\nvalue 77 0\n", `${runtime.name}: ${executed.stderr}`);
      for (let tries = 0; !output().includes("end\n") && tries < 500; tries++) await pause(10);
      assert.match(output(), /end\n/);
      assert.equal(runtime.call("delete", "--force", id).status, 0);
      assert.equal(await ended(child), 0);
      const [first, second] = states(output());
      assert.equal(first.state.status, "creating");
      assert.deepEqual([second.state.status, second.pid === first.pid], ["running", false], runtime.name);
    }
  });

  it("without its agent a call does not exist, with one that asks of everything a program runs", async () => {
    for (const runtime of runtimes()) {
      const { socket, child } = await startAgent(1);
      const made = bundle(["sh", "-c", "read line; caller x"], profile(socket, ["mkdir"]));
      const id = containers.id(`killed-${runtime.name}`);
      const running = spawn(runtime.program, ["--root", runtime.root, "run", "-b", made, id], { stdio: ["pipe", "pipe", "inherit"] });
      let output = "";
      running.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      for (let tries = 0; !runtime.call("state", id).stdout.includes('"running"') && tries < 100; tries++) await pause(20);
      child.kill("SIGKILL");
      await ended(child);
      running.stdin.end("\n");
      await once(running, "close");
      assert.equal(output, "x -1 38\n", runtime.name);

      const busy = await startAgent(1);
      const names = ["execve", "open", "openat", "read", "close", "brk", "mmap"];
      const result = runtime.call("run", "-b", bundle(["sh", "-c", "true; cat /etc/none; echo $?"], profile(busy.socket, names)), `${id}b`);
      assert.equal(result.stdout, "1\n", runtime.name);
      assert.equal(await ended(busy.child), 0);
    }
  });

  it("what cannot be is refused before anything runs", () => {
    const refused = (seccomp: object): [string, string][] =>
      runtimes().map(({ name, call }) => {
        const result = call("run", "-b", bundle(["true"], seccomp), containers.id(`refused-${name}`));
        assert.notEqual(result.status, 0, `${name}: ${JSON.stringify(seccomp)}${result.stdout}${result.stderr}`);
        return [name, result.stderr];
      });
    const cases: [object, RegExp][] = [
      [profile("/x", ["write"]), /SCMP_ACT_NOTIFY cannot be used for the write syscall/],
      [profile("/x", ["mkdir"], { defaultAction: "SCMP_ACT_NOTIFY" }), /SCMP_ACT_NOTIFY cannot be used as\sdefault action/],
      [profile("", ["mkdir"]), /listenerPath is not set/],
      [
        profile("/no/agent", ["mkdir"]),
        /failed to connect with seccomp agent specified in the seccomp profile: dial unix \/no\/agent: connect: no such file/,
      ],
      [
        profile("@no-agent", ["mkdir"]),
        /failed to connect with seccomp agent specified in the seccomp profile: dial unix @no-agent: connect: connection refused/,
      ],
    ];
    for (const [seccomp, message] of cases) for (const [name, stderr] of refused(seccomp)) assert.match(stderr, message, name);
    const allowed = bundle(["true"], profile("/no/agent", [], { syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ALLOW" }] }));
    for (const { name, call } of runtimes()) assert.equal(call("run", "-b", allowed, containers.id(`unasked-${name}`)).status, 0, name);
  });
});
