/** runc's create.bats, start.bats, state.bats, list.bats, delete.bats, spec.bats, help.bats, debug.bats: commands, outputs and statuses. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { readCgroupHost } from "../../runtime/cgroup/host.ts";
import { describeContainers } from "../needs.ts";
import { Containers } from "./bundle.ts";
import { run } from "./moat.ts";
import { type Runtime, withBoth } from "./runc.ts";

describeContainers("commands", () => {
  const containers = new Containers();
  after(() => containers.remove());

  const refused = ({ call }: Runtime, text: RegExp, ...args: string[]): void => {
    const result = call(...args);
    assert.equal(result.status, 1, args.join(" "));
    assert.match(result.stderr, text);
  };

  it("a container that does not exist", () => {
    withBoth(containers, (runtime) => {
      for (const command of ["state", "start", "kill", "delete", "ps", "pause", "resume"]) {
        refused(runtime, /level=error msg="container does not exist"\n$/, command, "nowhere");
      }
      assert.deepEqual(runtime.call("delete", "--force", "nowhere"), { status: 0, stdout: "", stderr: "" });
      assert.equal(runtime.call("exec", "nowhere", "true").status, 255);
    });
  });

  it("names and bundles that are none", () => {
    withBoth(containers, (runtime) => {
      const bundle = containers.bundle(["true"]);
      for (const name of ["_b@d", ".."]) refused(runtime, /run failed: invalid container ID format/, "run", "-b", bundle, name);
      refused(runtime, /run failed: chdir \/nowhere: no such file or directory/, "run", "-b", "/nowhere", "x");
      refused(runtime, /run failed: JSON specification file config\.json not found/, "run", "-b", containers.directory, "x");
      assert.deepEqual(runtime.call("list", "-q"), { status: 0, stdout: "", stderr: "" });
    });
  });

  it("created, running, stopped, gone", () => {
    const bundle = containers.bundle(["sleep", "1000"]);
    withBoth(containers, (runtime) => {
      const { call, detached } = runtime;
      const id = containers.id(`life-${runtime.name}`);
      const pidFile = join(containers.directory, `${id}.pid`);
      assert.equal(detached("/dev/null", "create", "-b", bundle, "--pid-file", pidFile, id), 0);
      const state = (): Record<string, unknown> => JSON.parse(call("state", id).stdout);
      const created = state();
      assert.deepEqual(Object.keys(created), ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"]);
      assert.deepEqual([created.status, created.pid, created.bundle], ["created", Number(readFileSync(pidFile, "utf8")), bundle]);
      assert.equal(created.rootfs, join(bundle, "rootfs"));
      refused(runtime, /create failed: container with given ID already exists/, "create", "-b", bundle, id);
      assert.deepEqual(call("start", id), { status: 0, stdout: "", stderr: "" });
      assert.equal(state().status, "running");
      refused(runtime, /cannot start an already running container/, "start", id);
      refused(runtime, new RegExp(`cannot delete container ${id} that is not stopped: running`), "delete", id);
      assert.match(
        call("list").stdout,
        new RegExp(`^ID +PID +STATUS +BUNDLE +CREATED +OWNER *\n${id} +${created.pid} +running +${bundle} `),
      );
      assert.equal(call("list", "-q").stdout, `${id}\n`);
      const [listed] = JSON.parse(call("list", "-f", "json").stdout);
      assert.deepEqual([listed.id, listed.status, listed.pid], [id, "running", created.pid]);
      refused(runtime, /invalid format option/, "list", "-f", "xml");
      refused(runtime, /unknown signal \\"NO\\"/, "kill", id, "NO");
      assert.equal(call("kill", id, "KILL").status, 0);
      for (let tries = 0; state().status !== "stopped" && tries < 200; tries++) run("sleep", ["0.05"]);
      assert.deepEqual([state().status, state().pid], ["stopped", 0]);
      refused(runtime, /container not running/, "kill", id, "KILL");
      refused(runtime, /container not running/, "pause", id);
      refused(runtime, /cannot start a container that has stopped/, "start", id);
      assert.match(call("exec", id, "true").stderr, /exec failed: cannot exec in a stopped container/);
      assert.deepEqual(call("delete", id), { status: 0, stdout: "", stderr: "" });
      refused(runtime, /container does not exist/, "state", id);
    });
  });

  it("run keeps its container only when told so", () => {
    const bundle = containers.bundle(["sh", "-c", "exit 7"]);
    withBoth(containers, ({ name, call }) => {
      const id = containers.id(`keep-${name}`);
      assert.equal(call("run", "-b", bundle, id).status, 7);
      assert.equal(call("state", id).status, 1);
      assert.equal(call("run", "--keep", "-b", bundle, id).status, 7);
      assert.equal(JSON.parse(call("state", id).stdout).status, "stopped");
      assert.equal(call("delete", id).status, 0);
    });
  });

  it("what is created may go, by force or not", () => {
    const bundle = containers.bundle(["sleep", "1000"]);
    withBoth(containers, ({ name, call, detached }) => {
      for (const flags of [[], ["--force"]]) {
        const id = containers.id(`go-${name}`);
        assert.equal(detached("/dev/null", "create", "-b", bundle, id), 0);
        assert.equal(call("delete", ...flags, id).status, 0);
        assert.equal(call("state", id).status, 1);
      }
    });
  });

  it("wrong usage prints the command's help, and goes to the log", () => {
    withBoth(containers, (runtime) => {
      const usage = (text: string, ...args: string[]): void => {
        const result = runtime.call(...args);
        assert.equal(result.status, 1, args.join(" "));
        assert.match(result.stdout, /^Incorrect Usage[.:]/);
        assert.ok(result.stderr.includes(text.replaceAll('"', '\\"')), `${args.join(" ")}: ${result.stderr}`);
      };
      for (const command of ["create", "run", "start", "state", "delete", "pause", "resume"]) {
        usage(`${runtime.name}: "${command}" requires exactly 1 argument(s)`, command);
        usage(`${runtime.name}: "${command}" requires exactly 1 argument(s)`, command, "a", "b");
      }
      usage(`${runtime.name}: "kill" requires a minimum of 1 argument(s)`, "kill");
      usage(`${runtime.name}: "exec" requires a minimum of 1 argument(s)`, "exec");
      usage(`${runtime.name}: "list" requires exactly 0 argument(s)`, "list", "extra");
      usage("flag provided but not defined: -foo", "list", "--foo");
      refused(runtime, /invalid log-format: xml/, "--log-format", "xml", "list");
    });
  });

  it("errors are written to the log as engines read it", () => {
    withBoth(containers, ({ name, call }) => {
      const log = join(containers.directory, `${name}.log`);
      const result = call("--log", log, "--log-format", "json", "start", "nowhere");
      assert.deepEqual([result.status, result.stderr], [1, "container does not exist\n"]);
      const entry = JSON.parse(readFileSync(log, "utf8").trimEnd());
      assert.deepEqual([Object.keys(entry), entry.level, entry.msg], [["level", "msg", "time"], "error", "container does not exist"]);
      assert.match(entry.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);
      rmSync(log);
      call("--log", log, "start", "nowhere");
      assert.match(readFileSync(log, "utf8"), /^time="[^"]+" level=error msg="container does not exist"\n$/);
      const bundle = containers.bundle(["true"]);
      rmSync(log);
      assert.equal(call("--debug", "--log", log, "run", "-b", bundle, containers.id(`debug-${name}`)).status, 0);
      assert.match(readFileSync(log, "utf8"), /level=debug/);
    });
  });

  it("spec writes a config.json that runs, once", () => {
    withBoth(containers, ({ name, call }) => {
      const directory = join(containers.directory, `spec-${name}`);
      mkdirSync(directory);
      assert.deepEqual(call("spec", "-b", directory), { status: 0, stdout: "", stderr: "" });
      const spec = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
      assert.deepEqual([spec.process.args, spec.process.terminal, spec.root], [["sh"], true, { path: "rootfs", readonly: true }]);
      const types = spec.linux.namespaces.map(({ type }: { type: string }) => type);
      assert.deepEqual(types, ["pid", "network", "ipc", "uts", "mount", ...(readCgroupHost().mode === "v2" ? ["cgroup"] : [])]);
      const again = call("spec", "-b", directory);
      assert.equal(again.status, 1);
      assert.match(again.stderr, /File config\.json exists\. Remove it first/);
      assert.ok(existsSync(join(directory, "config.json")));
    });
  });

  it("spec --rootless is for an ordinary user: mapped to root inside, without a network or cgroup of its own", () => {
    withBoth(containers, ({ name, call }) => {
      const directory = join(containers.directory, `rootless-${name}`);
      mkdirSync(directory);
      assert.equal(call("spec", "--rootless", "-b", directory).status, 0);
      const { linux, mounts } = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
      assert.deepEqual(linux.uidMappings, [{ containerID: 0, hostID: process.geteuid?.(), size: 1 }]);
      assert.deepEqual(linux.gidMappings, [{ containerID: 0, hostID: process.getegid?.(), size: 1 }]);
      const types = linux.namespaces.map(({ type }: { type: string }) => type);
      assert.deepEqual([types.includes("user"), types.includes("network"), linux.resources], [true, false, undefined]);
      const at = (destination: string) => mounts.find((mount: { destination: string }) => mount.destination === destination);
      assert.deepEqual([at("/sys").source, at("/sys").options.includes("rbind")], ["/sys", true]);
      assert.equal(at("/dev/pts").options.includes("gid=5"), false);
    });
  });

  it("a command's help has runc's heading; none for what is no command", () => {
    withBoth(containers, ({ name, call }) => {
      for (const command of [
        "create",
        "delete",
        "events",
        "exec",
        "kill",
        "list",
        "pause",
        "ps",
        "resume",
        "run",
        "spec",
        "start",
        "state",
        "update",
      ]) {
        const [first, second] = call(command, "-h").stdout.split("\n");
        assert.equal(first, "NAME:");
        assert.ok(second.startsWith(`   ${name} ${command} - `), second);
      }
      const unknown = call("no-such-command", "-h");
      assert.notEqual(unknown.status, 0);
      assert.match(unknown.stderr, /No help topic for 'no-such-command'/);
      const [version, , spec] = call("-v").stdout.split("\n");
      assert.match(version, new RegExp(`^${name} version \\d+\\.\\d+\\.\\d+`));
      assert.match(spec, /^spec: \d+\.\d+\.\d+/);
    });
    const refused = containers.moat("checkpoint", "--image-path", "/tmp", "some-id");
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /checkpoint is not supported/);
  });

  it("ps of a container that has stopped lists nothing", () => {
    const bundle = containers.bundle(["true"]);
    withBoth(containers, (runtime) => {
      const id = containers.id(`ps-stopped-${runtime.name}`);
      assert.equal(runtime.call("run", "--keep", "-b", bundle, id).status, 0);
      const result = runtime.call("ps", id);
      assert.deepEqual({ ...result, stdout: result.stdout.split("\n").length }, { status: 0, stdout: 2, stderr: "" });
      assert.equal(runtime.call("delete", id).status, 0);
    });
  });

  it("help and features", () => {
    withBoth(containers, ({ call }) => {
      for (const args of [["--help"], ["create", "--help"], ["exec", "-h"], ["list", "--help"]]) {
        const result = call(...args);
        assert.equal(result.status, 0);
        assert.match(result.stdout, /usage/i);
      }
      const features = JSON.parse(call("features").stdout);
      assert.ok(features.hooks.includes("startContainer"));
      assert.ok(features.linux.namespaces.includes("user"));
      assert.equal(features.linux.seccomp.enabled, true);
    });
  });
});
