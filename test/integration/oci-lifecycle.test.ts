/** The life of a container by runc's commands. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { describeContainers } from "../needs.ts";
import { Containers, named } from "./bundle.ts";
import { moatPath } from "./moat.ts";

/** The standard files of what goes on are not pipes that somebody waits for. */
const detached = (containers: Containers, output: string, ...args: string[]): number | null => {
  const fd = openSync(output, "a");
  return spawnSync(moatPath, ["--root", containers.root, ...args], { stdio: ["ignore", fd, fd], timeout: 60_000 }).status;
};

const serve = ["sh", "-c", 'trap "exit 7" TERM; echo up; while true; do sleep 0.1; done'];

describeContainers("containers", () => {
  const containers = new Containers();
  after(() => containers.remove());

  it("run gives the program's output and status and leaves nothing", () => {
    const bundle = containers.bundle(["sh", "-c", "echo hello; hostname; exit 5"]);
    assert.deepEqual(containers.moat("run", "-b", bundle, containers.id("r1")), { status: 5, stdout: "hello\nmoat\n", stderr: "" });
    assert.equal(existsSync(join(containers.root, named("r1"))), false);
  });

  it("what cannot be executed fails with runc's words", () => {
    const missing = containers.moat("run", "-b", containers.bundle(["no-such"]), containers.id("r2"));
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /exec: \\"no-such\\": executable file not found in \$PATH/);
    const log = join(containers.directory, "log");
    const bundle = containers.bundle(["/etc"], (config) => {
      config.linux = { ...(config.linux as object), intelRdt: { closID: "x" } };
    });
    const refused = containers.moat("--log", log, "--log-format", "json", "create", "-b", bundle, containers.id("r3"));
    assert.equal(refused.status, 1);
    assert.equal(refused.stderr, "moat create failed: config.json: linux.intelRdt: is not supported\n");
    const entry = JSON.parse(readFileSync(log, "utf8"));
    assert.deepEqual([entry.level, entry.msg], ["error", "moat create failed: config.json: linux.intelRdt: is not supported"]);
    assert.equal(containers.moat("state", named("r3")).status, 1);
  });

  it("goes from created over running to stopped", async () => {
    const bundle = containers.bundle(serve);
    const id = containers.id("life");
    const output = join(containers.directory, "life.out");
    const pidFile = join(containers.directory, "life.pid");
    assert.equal(detached(containers, output, "create", "-b", bundle, "--pid-file", pidFile, id), 0);
    const pid = Number(readFileSync(pidFile, "utf8"));
    assert.deepEqual([containers.state(id).status, containers.state(id).pid], ["created", pid]);
    assert.equal(readFileSync(output, "utf8"), "");
    assert.match(containers.moat("create", "-b", bundle, id).stderr, /container with given ID already exists/);
    assert.equal(containers.moat("start", id).status, 0);
    assert.equal(containers.state(id).status, "running");
    assert.match(containers.moat("list").stdout, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\nlife-\d+ +\d+ +running /);
    assert.match(containers.moat("delete", id).stderr, /cannot delete container life-\d+ that is not stopped: running/);
    assert.equal(containers.moat("exec", id, "sh", "-c", "exit 9").status, 9);
    assert.deepEqual(containers.moat("exec", "-u", "5:6", "--cwd", "/bin", "-e", "A=b", id, "sh", "-c", "echo $A; pwd; id"), {
      status: 0,
      stdout: "b\n/bin\nuid=5 gid=6\n",
      stderr: "",
    });
    const unknown = containers.moat("exec", id, "no-such");
    assert.equal(unknown.status, 255);
    assert.match(unknown.stderr, /exec failed: .*executable file not found/);
    assert.match(containers.moat("ps", id).stdout, /^UID +PID .*\n\S+ +\d+ +\d+ .*sh -c trap/);
    assert.equal(containers.moat("kill", id, "TERM").status, 0);
    assert.deepEqual(containers.moat("wait", id).stdout, `{"id":"${id}","exitStatus":7}\n`);
    assert.equal(containers.state(id).status, "stopped");
    assert.match(containers.moat("kill", id).stderr, /container not running/);
    assert.equal(containers.moat("delete", id).status, 0);
    assert.match(containers.moat("state", id).stderr, /container does not exist/);
    assert.equal(readFileSync(output, "utf8"), "up\n");
  });

  it("another runtime's containers in the same directory are not Moat's", () => {
    const other = join(containers.root, "other");
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, "state.json"), '{"id":"other","init_process_pid":1,"config":{}}');
    assert.deepEqual(containers.moat("list", "-q"), { status: 0, stdout: "", stderr: "" });
    assert.match(containers.moat("state", "other").stderr, /container does not exist/);
    assert.match(containers.moat("delete", "--force", "other").stderr, /container does not exist/);
    assert.ok(existsSync(join(other, "state.json")));
    rmSync(other, { recursive: true });
  });

  it("delete --force ends what runs, together with what was executed", () => {
    const id = containers.id("force");
    assert.equal(detached(containers, "/dev/null", "create", "-b", containers.bundle(serve), id), 0);
    assert.equal(containers.moat("start", id).status, 0);
    const pidFile = join(containers.directory, "exec.pid");
    assert.equal(detached(containers, "/dev/null", "exec", "-d", "--pid-file", pidFile, id, "sleep", "1000"), 0);
    assert.equal(containers.moat("delete", "--force", id).status, 0);
    const pid = Number(readFileSync(pidFile, "utf8"));
    const isGone = (): boolean => !existsSync(`/proc/${pid}`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
    for (let tries = 0; !isGone() && tries < 200; tries++) spawnSync("sleep", ["0.01"]);
    assert.ok(isGone());
    assert.equal(containers.moat("delete", "--force", id).status, 0);
  });

  it("hooks see the state, and one that fails fails the create", () => {
    const log = join(containers.directory, "hooks");
    const hook = (name: string) => [{ path: "/bin/sh", args: ["sh", "-c", `(echo ${name}; cat; echo) >> ${log}`], env: ["PATH=/bin"] }];
    const bundle = containers.bundle(["true"], (config) => {
      config.hooks = Object.fromEntries(
        ["prestart", "createRuntime", "createContainer", "poststart", "poststop"].map((name) => [name, hook(name)]),
      );
    });
    assert.equal(containers.moat("run", "-b", bundle, containers.id("hooks")).status, 0);
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      lines.flatMap((line, index) => (index % 2 === 0 ? [[line, JSON.parse(lines[index + 1]).status]] : [])),
      [
        ["prestart", "creating"],
        ["createRuntime", "creating"],
        ["createContainer", "creating"],
        ["poststart", "running"],
        ["poststop", "stopped"],
      ],
    );
    const failing = containers.bundle(["true"], (config) => {
      config.hooks = { createRuntime: [{ path: "/bin/false" }] };
    });
    const refused = containers.moat("run", "-b", failing, containers.id("hooks2"));
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /error running hook #0: .*exit status 1/);
    assert.equal(containers.moat("state", named("hooks2")).status, 1);
  });
});

describeContainers("what config.json says", () => {
  const containers = new Containers();
  after(() => containers.remove());

  it("the root is written through, or read-only", () => {
    const bundle = containers.bundle(["sh", "-c", "echo x > /file"], (config) => {
      config.root = { path: "rootfs" };
    });
    assert.equal(containers.moat("run", "-b", bundle, containers.id("w1")).status, 0);
    assert.equal(readFileSync(join(bundle, "rootfs/file"), "utf8"), "x\n");
    const result = containers.moat("run", "-b", containers.bundle(["sh", "-c", "echo x > /file"]), containers.id("w2"));
    assert.deepEqual([result.status, /Read-only file system/.test(result.stderr)], [1, true]);
  });

  it("binds directories and files, also below links", () => {
    const data = join(containers.directory, "data");
    mkdirSync(data);
    writeFileSync(join(data, "one"), "1\n");
    const bundle = containers.bundle(
      ["sh", "-c", "cat /data/one /etc/two; echo new > /data/new; (echo x > /etc/two) 2>/dev/null || echo ro"],
      (config) => {
        config.mounts = [
          ...(config.mounts as object[]),
          { destination: "/data", type: "bind", source: data, options: ["rbind", "rw"] },
          { destination: "/etc/two", type: "bind", source: join(data, "one"), options: ["bind", "ro"] },
        ];
      },
    );
    assert.deepEqual(containers.moat("run", "-b", bundle, containers.id("b1")), { status: 0, stdout: "1\n1\nro\n", stderr: "" });
    assert.equal(readFileSync(join(data, "new"), "utf8"), "new\n");
  });

  it("user, groups, umask, limits, capabilities, no_new_privs and environment are the program's", () => {
    const script =
      "id -u; id -g; id -G; umask; ulimit -n; grep -E 'Cap(Bnd|Eff)|NoNewPrivs' /proc/self/status; env | grep -E '^(A|HOME)=' | sort; pwd";
    const bundle = containers.bundle(["sh", "-c", script], (config) => {
      Object.assign(config.process, { user: { uid: 1000, gid: 100, additionalGids: [4, 20], umask: 0o027 }, cwd: "/new/dir" });
      config.process.env = ["PATH=/bin", "A=caf\u00e9"];
    });
    const result = containers.moat("run", "-b", bundle, containers.id("p1"));
    assert.deepEqual(result.stdout.split("\n"), [
      "1000",
      "100",
      "100 4 20",
      "0027",
      "1024",
      "CapEff:\t0000000000000000",
      "CapBnd:\t0000000020000420",
      "NoNewPrivs:\t1",
      "A=caf\xc3\xa9",
      "HOME=/",
      "/new/dir",
      "",
    ]);
  });

  it("masked and read-only paths are so", () => {
    const script =
      "cat /proc/kcore | grep -c . ; (echo 1 > /proc/sys/kernel/hostname) 2>&1 | grep -o Read-only; ls /proc/acpi 2>/dev/null; true";
    const result = containers.moat("run", "-b", containers.bundle(["sh", "-c", script]), containers.id("m1"));
    assert.equal(result.stdout, "0\nRead-only\n");
  });
});
