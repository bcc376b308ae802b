/** runc's hooks.bats and the specification's table: which hook runs where, sees what, and what a failure does. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { describeContainers, describeRootContainers } from "../needs.ts";
import { type Config, Containers, named } from "./bundle.ts";
import { type Runtime, withBoth } from "./runc.ts";

const OUTSIDE = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
const ALL = [...OUTSIDE, "startContainer"];

const withHooks = (containers: Containers, hooks: object, args: readonly string[] = ["true"]): string =>
  containers.bundle(args, (config: Config) => {
    config.hooks = hooks;
    config.root = { path: "rootfs" };
    config.annotations = { "org.example.key": "value" };
  });

const shell = (script: string): object[] => [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/bin", "NAME=hook"] }];

describeContainers("hooks", () => {
  const containers = new Containers();
  after(() => containers.remove());

  it("each sees its state, its environment and its directory", () => {
    const log = join(containers.directory, "log");
    const record = (name: string): object[] => shell(`{ echo "${name} $NAME $PWD"; cat; echo; } >> ${log}`);
    const bundle = withHooks(containers, {
      ...Object.fromEntries(OUTSIDE.map((name) => [name, record(name)])),
      startContainer: record("startContainer"),
    });
    mkdirSync(join(bundle, "rootfs", containers.directory), { recursive: true });
    withBoth(containers, ({ name, call }) => {
      const inside = join(bundle, "rootfs", log);
      for (const path of [log, inside]) rmSync(path, { force: true });
      const id = containers.id(`hooks-${name}`);
      assert.equal(call("run", "-b", bundle, id).status, 0);
      const lines = `${readFileSync(log, "utf8")}${readFileSync(inside, "utf8")}`.trimEnd().split("\n");
      const seen = new Map<string, { rest: string; state: Record<string, unknown> }>();
      for (let i = 0; i < lines.length; i += 2) {
        const [hook, ...rest] = lines[i].split(" ");
        seen.set(hook, { rest: rest.join(" "), state: JSON.parse(lines[i + 1]) });
      }
      assert.deepEqual([...seen.keys()], ALL);
      for (const [hook, { rest, state }] of seen) {
        const place = hook === "startContainer" ? "/" : hook === "createContainer" ? join(bundle, "rootfs") : bundle;
        assert.equal(rest, `hook ${place}`, hook);
        assert.deepEqual([state.id, state.bundle, state.annotations], [id, bundle, { "org.example.key": "value" }], hook);
        const status = { poststart: name === "runc" ? "created" : "running", poststop: "stopped", startContainer: "created" }[hook];
        assert.equal(state.status, status ?? "creating", hook);
        if (hook === "poststop") assert.equal("pid" in state, false);
        else if (hook === "createContainer" || hook === "startContainer") assert.equal(state.pid, 1, hook);
        else assert.ok((state.pid as number) > 1, hook);
      }
    });
  });

  it("one that fails before the program fails the command and leaves nothing", () => {
    for (const hook of ["prestart", "createRuntime", "createContainer", "poststart"]) {
      const bundle = withHooks(containers, { [hook]: shell("echo out; echo err >&2; exit 3") });
      withBoth(containers, ({ name, call }) => {
        const result = call("run", "-b", bundle, containers.id(`fail-${name}`));
        assert.equal(result.status, 1, hook);
        assert.match(result.stderr, /error running hook #0: error running hook: exit status 3, stdout: out\\n, stderr: err\\n/);
        assert.equal(call("state", named(`fail-${name}`)).status, 1, hook);
      });
    }
  });

  it("startContainer's failure is the program's", () => {
    const bundle = withHooks(containers, { startContainer: [{ path: "/nowhere" }] }, ["echo", "not reached"]);
    withBoth(containers, ({ name, call }) => {
      const result = call("run", "-b", bundle, containers.id(`start-${name}`));
      assert.deepEqual(result, { status: 1, stdout: "", stderr: "error running hook #0: fork/exec /nowhere: no such file or directory\n" });
    });
  });

  it("a signal that ended a hook is named", () => {
    const kills = shell("kill -SYS $$");
    for (const hook of ["createRuntime", "startContainer"]) {
      const bundle = withHooks(containers, { [hook]: kills });
      withBoth(containers, ({ name, call }) => {
        const result = call("run", "-b", bundle, containers.id(`signal-${name}`));
        assert.equal(result.status, 1, hook);
        assert.match(result.stderr, /error running hook #0: error running hook: signal: bad system call/);
      });
    }
  });

  it("the second hook fails by its own number, and a hook that is not there by its path", () => {
    for (const hook of ["createRuntime", "createContainer"]) {
      const missing = withHooks(containers, { [hook]: [...shell("true"), { path: "/nowhere" }] });
      withBoth(containers, ({ name, call }) => {
        const result = call("run", "-b", missing, containers.id(`second-${hook}-${name}`));
        assert.equal(result.status, 1);
        assert.match(result.stderr, /error running hook #1: fork\/exec \/nowhere: no such file or directory/);
      });
    }
  });

  it("a timeout ends a hook", () => {
    const bundle = withHooks(containers, { createRuntime: [{ path: "/bin/sleep", args: ["sleep", "100"], timeout: 1 }] });
    withBoth(containers, ({ name, call }) => {
      const result = call("run", "-b", bundle, containers.id(`timeout-${name}`));
      assert.equal(result.status, 1);
      assert.match(result.stderr, /error running hook #0: hook ran past specified timeout of 1\.0s/);
    });
  });

  const lifecycle = (runtime: Runtime, bundle: string, id: string): void => {
    assert.equal(runtime.detached("/dev/null", "create", "-b", bundle, id), 0);
    assert.equal(runtime.call("start", id).status, 0);
  };

  it("poststop runs on delete, and its failure does not keep the container", () => {
    const mark = join(containers.directory, "mark");
    const bundle = withHooks(containers, { poststop: shell(`touch ${mark}; exit 1`) }, ["sleep", "100"]);
    withBoth(containers, (runtime) => {
      rmSync(mark, { force: true });
      const id = containers.id(`poststop-${runtime.name}`);
      lifecycle(runtime, bundle, id);
      assert.equal(existsSync(mark), false);
      const result = runtime.call("delete", "--force", id);
      assert.deepEqual([existsSync(mark), result.status], [true, 0]);
      assert.match(result.stderr, /error running hook #0: error running hook: exit status 1/);
      assert.equal(runtime.call("state", id).status, 1);
    });
  });

  it("a hook without env has the runtime's", () => {
    const out = join(containers.directory, "env");
    const script = join(containers.directory, "script");
    writeFileSync(script, `#!/bin/sh\necho "$MOAT_HOOK_TEST" > ${out}\n`, { mode: 0o755 });
    process.env.MOAT_HOOK_TEST = "inherited";
    const bundle = withHooks(containers, { createRuntime: [{ path: script }] });
    withBoth(containers, ({ name, call }) => {
      rmSync(out, { force: true });
      assert.equal(call("run", "-b", bundle, containers.id(`env-${name}`)).status, 0);
      assert.equal(readFileSync(out, "utf8"), "inherited\n");
    });
    delete process.env.MOAT_HOOK_TEST;
  });
});

describeRootContainers("hooks in the container's namespaces", [], () => {
  const containers = new Containers();
  after(() => containers.remove());

  it("createContainer's mounts are the container's alone, and its network is the container's", () => {
    const source = join(containers.directory, "source");
    const seen = join(containers.directory, "seen");
    writeFileSync(source, "mounted\n");
    const script = `mount --bind ${source} etc/target; mkdir -p dir; mount -t tmpfs x dir; echo made > dir/file; cut -d: -f1 /proc/self/net/dev | tail -n +3 > ${seen}`;
    const bundle = withHooks(containers, { createContainer: shell(script) }, ["sh", "-c", "cat /etc/target /dir/file"]);
    mkdirSync(join(bundle, "rootfs/etc"), { recursive: true });
    writeFileSync(join(bundle, "rootfs/etc/target"), "covered\n");
    withBoth(containers, ({ name, call }) => {
      const result = call("run", "-b", bundle, containers.id(`hook-mounts-${name}`));
      assert.deepEqual(result, { status: 0, stdout: "mounted\nmade\n", stderr: "" });
      assert.equal(readFileSync(seen, "utf8").trim(), "lo");
      assert.equal(readFileSync(join(bundle, "rootfs/etc/target"), "utf8"), "covered\n");
      assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(bundle));
    });
  });
});
