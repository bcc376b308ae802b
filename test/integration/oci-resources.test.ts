/** Limits and states of a container's cgroup, after runc's cgroups, pause, update, events and ps cases. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { parseOwnCgroups, readCgroupHost } from "../../runtime/cgroup/host.ts";
import { describeRootContainers } from "../needs.ts";
import { type Config, Containers, named } from "./bundle.ts";
import { moatPath, run } from "./moat.ts";

const host = readCgroupHost();
const describeLimits = (name: string, body: () => void): void =>
  describeRootContainers(name, [], body, host.mode === "none" ? ["cgroups"] : []);
const isV2 = host.mode === "v2";
/** Limits of tasks have room for the sandbox's own on the host. */
const SANDBOX_TASKS = 64;
const MEGABYTE = 2 ** 20;

/** The directory of process `pid`'s cgroup. */
const directoryOf = (pid: number, controller: string): string => {
  const own = parseOwnCgroups(readFileSync(`/proc/${pid}/cgroup`, "latin1")).get(isV2 ? "" : controller);
  const { mountPoint } = isV2 ? (host.unified as { mountPoint: string }) : (host.controllers.get(controller) as { mountPoint: string });
  return join(mountPoint, own as string);
};

const value = (pid: number, controller: string, v1: string, v2: string): string =>
  readFileSync(join(directoryOf(pid, controller), isV2 ? v2 : v1), "latin1").trim();

const limits =
  (resources: object, more: (config: Config) => void = () => {}) =>
  (config: Config): void => {
    config.linux = { ...(config.linux as object), resources: { ...(config.linux as { resources: object }).resources, ...resources } };
    more(config);
  };

const sleeper = ["sleep", "1000"];

class Limited extends Containers {
  /** Creates and starts; returns the pid. Its standard files are no pipes that somebody waits for. */
  start(name: string, args: readonly string[], change: (config: Config) => void = () => {}, output = "/dev/null"): number {
    const fd = openSync(output, "a");
    const id = this.id(name);
    const pidFile = join(this.directory, `${id}.pid`);
    const bundle = this.bundle(args, change);
    const created = spawnSync(moatPath, ["--root", this.root, "create", "-b", bundle, "--pid-file", pidFile, id], {
      stdio: ["ignore", fd, fd],
      timeout: 60_000,
    });
    assert.equal(created.status, 0, output === "/dev/null" ? "" : readFileSync(output, "utf8"));
    assert.equal(this.moat("start", id).status, 0);
    return Number(readFileSync(pidFile, "latin1"));
  }
}

const childrenOf = (pid: number): number[] =>
  readdirSync("/proc").flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid ? [Number(name)] : [];
    } catch {
      return [];
    }
  });

describeLimits("a container's cgroup", () => {
  const containers = new Limited();
  after(() => containers.remove());

  it("has the limits of config.json and all processes, and goes with the container", () => {
    const id = named("limits");
    const resources = {
      memory: { limit: 64 * MEGABYTE, reservation: 32 * MEGABYTE },
      cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0" },
      pids: { limit: 20 },
    };
    const pid = containers.start("limits", sleeper, limits(resources));
    assert.equal(value(pid, "memory", "memory.limit_in_bytes", "memory.max"), String(64 * MEGABYTE));
    assert.equal(value(pid, "memory", "memory.soft_limit_in_bytes", "memory.low"), String(32 * MEGABYTE));
    assert.equal(value(pid, "cpu", "cpu.shares", "cpu.weight"), isV2 ? "20" : "512");
    assert.equal(value(pid, "cpu", "cpu.cfs_quota_us", "cpu.max"), isV2 ? "50000 100000" : "50000");
    assert.equal(value(pid, "cpuset", "cpuset.cpus", "cpuset.cpus"), "0");
    assert.equal(value(pid, "pids", "pids.max", "pids.max"), String(20 + SANDBOX_TASKS));
    const [init] = childrenOf(pid);
    const own = readFileSync(`/proc/${pid}/cgroup`, "latin1");
    const members = [init, ...childrenOf(init)];
    assert.ok(members.length >= 5);
    for (const member of members) assert.equal(readFileSync(`/proc/${member}/cgroup`, "latin1"), own);
    const directories = ["memory", "cpu", "pids"].map((controller) => directoryOf(pid, controller));
    assert.equal(containers.moat("exec", id, "true").status, 0);
    const pidFile = join(containers.directory, "exec.pid");
    const executed = spawnSync(moatPath, ["--root", containers.root, "exec", "-d", "--pid-file", pidFile, id, "sleep", "1000"], {
      stdio: "ignore",
      timeout: 60_000,
    });
    assert.equal(executed.status, 0);
    assert.equal(readFileSync(`/proc/${Number(readFileSync(pidFile, "latin1"))}/cgroup`, "latin1"), own);
    assert.equal(containers.moat("delete", "--force", id).status, 0);
    for (const directory of directories) assert.equal(existsSync(directory), false);
  });

  it("is where cgroupsPath says", () => {
    const path = `/moat-test-${process.pid}/inner`;
    const pid = containers.start("path", sleeper, (config) => {
      (config.linux as Record<string, unknown>).cgroupsPath = path;
    });
    assert.ok(readFileSync(`/proc/${pid}/cgroup`, "latin1").includes(`:${path}\n`));
    const parent = join(directoryOf(pid, "memory"), "..");
    assert.equal(containers.moat("delete", "--force", named("path")).status, 0);
    assert.equal(existsSync(join(parent, "inner")), false);
    for (const { mountPoint } of [...host.controllers.values(), ...(host.unified ? [host.unified] : [])]) {
      if (existsSync(join(mountPoint, path, ".."))) rmdirSync(join(mountPoint, path, ".."));
    }
  });

  it("goes also when the container was killed from outside", () => {
    const pid = containers.start("crash", sleeper);
    const directory = directoryOf(pid, "memory");
    process.kill(pid, "SIGKILL");
    assert.equal(containers.moat("delete", "--force", named("crash")).status, 0);
    assert.equal(existsSync(directory), false);
  });

  it("goes with what the host has made below it; where others stay, the container goes all the same", async () => {
    const pid = containers.start("below", sleeper);
    const directories = ["memory", "freezer"].map((controller) => directoryOf(pid, controller));
    for (const directory of directories) mkdirSync(join(directory, "foo/bar"), { recursive: true });
    const other = spawn("sleep", ["1000"], { stdio: "ignore" });
    const inner = join(directories[0], "foo/bar");
    writeFileSync(join(inner, "cgroup.procs"), String(other.pid));
    try {
      const { status, stderr } = containers.moat("delete", "--force", named("below"));
      assert.equal(status, 0, stderr);
      assert.match(stderr, /unable to remove cgroup .*\/foo\/bar: /);
      assert.notEqual(containers.moat("state", named("below")).status, 0);
      assert.equal(existsSync(directories[1]), isV2);
    } finally {
      const ended = once(other, "exit");
      other.kill("SIGKILL");
      await ended;
      for (const directory of [inner, join(inner, ".."), directories[0]]) rmdirSync(directory);
    }
  });

  it("is refused when somebody else is in it", () => {
    const pid = containers.start("first", sleeper);
    const own = parseOwnCgroups(readFileSync(`/proc/${pid}/cgroup`, "latin1")).get(isV2 ? "" : "cpu") as string;
    const bundle = containers.bundle(sleeper, (config) => {
      (config.linux as Record<string, unknown>).cgroupsPath = own;
    });
    assert.match(
      containers.moat("run", "-b", bundle, containers.id("second")).stderr,
      /container's cgroup is not empty: \d+ process\(es\) found/,
    );
    assert.equal(containers.state(named("first")).status, "running");
    assert.equal(containers.moat("pause", named("first")).status, 0);
    assert.match(containers.moat("run", "-b", bundle, containers.id("second")).stderr, /container's cgroup unexpectedly frozen/);
  });

  // Where a systemd runs, the second call would make a unit of it: the refusal can be seen only without one.
  it("systemd's driver wants slice:prefix:name, and a systemd", { skip: existsSync("/run/systemd/system") && "systemd runs here" }, () => {
    const named = containers.bundle(sleeper, (config) => {
      (config.linux as Record<string, unknown>).cgroupsPath = "/not/systemd";
    });
    const bad = containers.moat("--systemd-cgroup", "run", "-b", named, containers.id("sd1"));
    assert.match(
      bad.stderr,
      /expected cgroupsPath to be of format \\?"slice:prefix:name\\?" for systemd cgroups, got \\?"\/not\/systemd\\?" instead/,
    );
    const without = containers.moat("--systemd-cgroup", "run", "-b", containers.bundle(sleeper), containers.id("sd2"));
    assert.match(without.stderr, /systemd not running on this host, cannot use systemd cgroups manager/);
    assert.deepEqual([bad.status, without.status], [1, 1]);
  });

  it("a limit that the kernel refuses is told", () => {
    const bundle = containers.bundle(sleeper, limits({ cpu: { cpus: "4000" } }));
    const { status, stderr } = containers.moat("run", "-b", bundle, containers.id("refused"));
    assert.equal(status, 1);
    assert.match(stderr, /failed to write \\?"4000\\?": write .*cpuset\.cpus: /);
    assert.equal(existsSync(join(containers.root, named("refused"))), false);
  });
});

describeLimits("limits seen inside", () => {
  const containers = new Limited();
  after(() => containers.remove());
  const show =
    "grep MemTotal /proc/meminfo; grep -c ^processor /proc/cpuinfo; cat /sys/devices/system/cpu/online; grep Cpus_allowed_list /proc/self/status";
  const file = (v1: string, v2: string): string => `/sys/fs/cgroup/${isV2 ? v2 : v1}`;
  const mounted = (config: Config): void => {
    const mounts = config.mounts as { destination: string }[];
    if (mounts.some(({ destination }) => destination === "/sys/fs/cgroup")) return;
    mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"] } as { destination: string });
  };

  it("memory, CPUs and the cgroup's files are the container's, also after an update", () => {
    const files = [
      file("memory/memory.limit_in_bytes", "memory.max"),
      file("pids/pids.max", "pids.max"),
      file("pids/pids.current", "pids.current"),
    ];
    const script = `${show}; cat ${files.join(" ")}`;
    const resources = { memory: { limit: 64 * MEGABYTE }, cpu: { cpus: "0" }, pids: { limit: 10 } };
    containers.start("seen", sleeper, limits(resources, mounted));
    const lines = (memory: number, tasks: number): string =>
      `${"MemTotal:".padEnd(16)}${String(memory / 1024).padStart(8)} kB\n1\n0\nCpus_allowed_list:\t0\n${memory}\n${tasks}\n`;
    // sleep, and cat in place of its shell.
    assert.equal(containers.moat("exec", named("seen"), "sh", "-c", script).stdout, `${lines(64 * MEGABYTE, 10)}2\n`);
    assert.equal(containers.moat("update", "--memory", "96M", "--pids-limit", "30", named("seen")).status, 0);
    assert.equal(containers.moat("exec", named("seen"), "sh", "-c", script).stdout, `${lines(96 * MEGABYTE, 30)}2\n`);
  });

  it("fork fails at the limit of tasks, and not before", () => {
    const script = "i=0; while [ $i -lt 20 ]; do sleep 1 & i=$((i+1)); echo $i; done";
    const bundle = containers.bundle(["sh", "-c", script], limits({ pids: { limit: 6 } }));
    const { stdout, stderr } = containers.moat("run", "-b", bundle, containers.id("forks"));
    assert.equal(stdout, "1\n2\n3\n4\n5\n");
    assert.match(stderr, /can't fork: Resource temporarily unavailable/);
  });

  it("/proc/self/cgroup is the container's place, or the root of a namespace of its own", () => {
    const cat = (isOwn: boolean): string => {
      const bundle = containers.bundle(["cat", "/proc/self/cgroup"], (config) => {
        const linux = config.linux as { namespaces: { type: string }[]; cgroupsPath: string };
        linux.cgroupsPath = "/moat-seen-place";
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== "cgroup");
        if (isOwn) linux.namespaces.push({ type: "cgroup" });
      });
      return containers.moat("run", "-b", bundle, containers.id("place")).stdout;
    };
    assert.match(cat(false), /^(\d+:[^:]*:\/moat-seen-place\n)+$/);
    assert.match(cat(true), /^(\d+:[^:]*:\/\n)+$/);
  });
});

describeLimits("memory that runs out", () => {
  const containers = new Limited();
  after(() => containers.remove());
  const grow = "x=0123456789abcdef; while true; do x=$x$x; done";
  const hog = `sh -c '${grow}'`;
  const small = { memory: { limit: 96 * MEGABYTE, swap: 96 * MEGABYTE } };

  it("ends the program with SIGKILL", () => {
    const bundle = containers.bundle(["sh", "-c", grow], limits(small));
    assert.equal(containers.moat("run", "-b", bundle, containers.id("hog")).status, 137);
  });

  it("ends one process of several: its parent sees 137 and goes on", () => {
    const bundle = containers.bundle(["sh", "-c", `${hog}; echo $?; exit 3`], limits(small));
    const { status, stdout } = containers.moat("run", "-b", bundle, containers.id("child"));
    assert.deepEqual([status, stdout], [3, "137\n"]);
  });

  it("a long read into fresh memory ends its process alone, each time", () => {
    const script = "for i in 1 2 3 4; do dd if=/dev/zero of=/dev/null bs=300M count=1 2>/dev/null; echo $?; done";
    const bundle = containers.bundle(["sh", "-c", script], limits(small));
    const { status, stdout } = containers.moat("run", "-b", bundle, containers.id("reads"));
    assert.deepEqual([status, stdout], [0, "137\n".repeat(4)]);
  });

  it("a small program runs in little memory", () => {
    const bundle = containers.bundle(
      ["sh", "-c", "echo small; ls / | wc -l"],
      limits({ memory: { limit: 6 * MEGABYTE, swap: 6 * MEGABYTE } }),
    );
    const { status, stdout } = containers.moat("run", "-b", bundle, containers.id("small"));
    assert.equal(status, 0);
    assert.match(stdout, /^small\n\d+\n$/);
  });

  it("is told by events", async () => {
    const id = named("oom");
    containers.start("oom", ["sh", "-c", `while true; do ${hog}; sleep 0.2; done`], limits(small));
    const events = spawn(moatPath, ["--root", containers.root, "events", "--interval", "60s", id], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const line = await new Promise<string>((resolve, reject) => {
      let text = "";
      const late = setTimeout(() => reject(new Error("no event after 20 seconds")), 20_000);
      events.stdout.on("data", (chunk) => {
        text += chunk;
        if (!text.includes("\n")) return;
        clearTimeout(late);
        resolve(text.split("\n")[0]);
      });
    }).finally(() => events.kill("SIGKILL"));
    assert.equal(line, `{"type":"oom","id":"${id}"}`);
  });

  it("is told by events also when the container ends of it", async () => {
    const id = containers.id("oom-end");
    const bundle = containers.bundle(["sh", "-c", `read go; exec ${hog}`], limits(small));
    const args = ["--root", containers.root, "run", "--keep", "-b", bundle, id];
    const container = spawn(moatPath, args, { stdio: ["pipe", "ignore", "ignore"], timeout: 60_000 });
    const ended = once(container, "exit");
    while (container.exitCode === null && !containers.moat("state", id).stdout.includes('"running"')) await pause(50);
    const events = spawn(moatPath, ["--root", containers.root, "events", "--interval", "100ms", id], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 60_000,
    });
    let text = "";
    events.stdout.setEncoding("latin1").on("data", (chunk) => {
      // It watches when it has counted.
      if (text === "") container.stdin.end("go\n");
      text += chunk;
    });
    const closed = once(events, "close");
    assert.deepEqual(await ended, [137, null]);
    await closed;
    const types = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).type);
    assert.deepEqual([types[0], types.filter((type) => type === "oom")], ["stats", ["oom"]]);
  });
});

describeLimits("pause and resume", () => {
  const containers = new Limited();
  after(() => containers.remove());

  it("a paused container stands still until it is resumed", async () => {
    const output = join(containers.directory, "count.out");
    writeFileSync(output, "");
    containers.start("count", ["sh", "-c", "trap 'echo term' TERM; while true; do echo tick; sleep 0.05; done"], () => {}, output);
    assert.match(containers.moat("resume", named("count")).stderr, /container not paused/);
    assert.equal(containers.moat("pause", named("count")).status, 0);
    assert.equal(containers.state(named("count")).status, "paused");
    assert.match(containers.moat("list").stdout, /\ncount-\d+ +\d+ +paused /);
    const before = readFileSync(output, "latin1");
    assert.match(containers.moat("pause", named("count")).stderr, /container not running/);
    const exec = containers.moat("exec", named("count"), "true");
    assert.deepEqual([exec.status, /cannot exec in a paused container \(use --ignore-paused to override\)/.test(exec.stderr)], [255, true]);
    assert.match(containers.moat("start", named("count")).stderr, /cannot start a container in the paused state/);
    assert.match(containers.moat("delete", named("count")).stderr, /cannot delete container count-\d+ that is not stopped: paused/);
    // A signal waits with the container.
    assert.equal(containers.moat("kill", named("count"), "TERM").status, 0);
    assert.equal(readFileSync(output, "latin1"), before);
    assert.equal(containers.moat("resume", named("count")).status, 0);
    assert.equal(containers.state(named("count")).status, "running");
    for (let tries = 0; !readFileSync(output, "latin1").includes("term") && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.match(readFileSync(output, "latin1"), /term/);
    assert.equal(containers.moat("exec", named("count"), "echo", "on").stdout, "on\n");
  });

  it("SIGKILL and delete --force reach it", async () => {
    containers.start("killed", sleeper);
    assert.equal(containers.moat("pause", named("killed")).status, 0);
    assert.equal(containers.moat("kill", named("killed"), "KILL").status, 0);
    for (let tries = 0; containers.state(named("killed")).status !== "stopped" && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(containers.state(named("killed")).status, "stopped");
    assert.match(containers.moat("pause", named("killed")).stderr, /container not running/);
    containers.start("forced", sleeper);
    assert.equal(containers.moat("pause", named("forced")).status, 0);
    assert.equal(containers.moat("delete", "--force", named("forced")).status, 0);
    assert.match(containers.moat("state", named("forced")).stderr, /container does not exist/);
  });

  it("a container that has not started can be paused as well", () => {
    const bundle = containers.bundle(sleeper);
    const fd = openSync("/dev/null", "r+");
    const created = spawnSync(moatPath, ["--root", containers.root, "create", "-b", bundle, containers.id("early")], {
      stdio: [fd, fd, fd],
      timeout: 60_000,
    });
    assert.equal(created.status, 0);
    assert.equal(containers.moat("pause", named("early")).status, 0);
    assert.equal(containers.moat("resume", named("early")).status, 0);
    assert.equal(containers.state(named("early")).status, "created");
  });
});

describeLimits("update", () => {
  const containers = new Limited();
  after(() => containers.remove());
  const memory = (pid: number): string => value(pid, "memory", "memory.limit_in_bytes", "memory.max");
  const quota = (pid: number): string => value(pid, "cpu", "cpu.cfs_quota_us", "cpu.max").split(" ")[0];

  it("takes runc's flags", () => {
    const pid = containers.start("flags", sleeper, limits({ memory: { limit: 32 * MEGABYTE } }));
    const steps: readonly (readonly [string[], () => string, string])[] = [
      [["--memory", "67108864"], () => memory(pid), "67108864"],
      [["--memory", "50M"], () => memory(pid), "52428800"],
      [["--memory-reservation", "33M"], () => value(pid, "memory", "memory.soft_limit_in_bytes", "memory.low"), "34603008"],
      [["--cpu-quota", "30000"], () => quota(pid), "30000"],
      [["--cpu-period", "60000"], () => value(pid, "cpu", "cpu.cfs_period_us", "cpu.max").split(" ").at(-1) as string, "60000"],
      [["--cpu-quota", "-1"], () => quota(pid), isV2 ? "max" : "-1"],
      [["--cpu-share", "100"], () => value(pid, "cpu", "cpu.shares", "cpu.weight"), isV2 ? "4" : "100"],
      [["--cpuset-cpus", "0"], () => value(pid, "cpuset", "cpuset.cpus", "cpuset.cpus"), "0"],
      [["--pids-limit", "10"], () => value(pid, "pids", "pids.max", "pids.max"), String(10 + SANDBOX_TASKS)],
      [["--pids-limit", "-1"], () => value(pid, "pids", "pids.max", "pids.max"), "max"],
    ];
    for (const [flags, read, wanted] of steps) {
      assert.deepEqual(containers.moat("update", ...flags, named("flags")), { status: 0, stdout: "", stderr: "" });
      assert.equal(read(), wanted, flags.join(" "));
    }
    assert.match(containers.moat("update", "--memory", "lots", named("flags")).stderr, /invalid value for memory: invalid size: 'lots'/);
    assert.match(containers.moat("update", "--cpu-share", "many", named("flags")).stderr, /invalid value for cpu-share: .*invalid syntax/);
    assert.match(containers.moat("update", "--memory", "64M", "nobody").stderr, /container does not exist/);
  });

  it("reads linux.resources from a file or from standard input", () => {
    const pid = containers.start("json", sleeper);
    const path = join(containers.directory, "resources.json");
    writeFileSync(path, JSON.stringify({ memory: { limit: 40 * MEGABYTE }, cpu: { shares: 200, quota: 20_000, period: 50_000 } }));
    assert.equal(containers.moat("update", "-r", path, named("json")).status, 0);
    assert.deepEqual([memory(pid), quota(pid)], [String(40 * MEGABYTE), "20000"]);
    const piped = run(moatPath, ["--root", containers.root, "update", "-r", "-", named("json")], {
      input: '{"memory":{"limit":33554432}}',
    });
    assert.deepEqual(piped, { status: 0, stdout: "", stderr: "" });
    assert.deepEqual([memory(pid), quota(pid)], ["33554432", "20000"]);
    const bad = run(moatPath, ["--root", containers.root, "update", "-r", "-", named("json")], { input: '{"memory":{"limit":"x"}}' });
    assert.equal(bad.status, 1);
  });

  it("what the kernel refuses changes nothing", () => {
    const pid = containers.start("undone", sleeper, limits({ cpu: { quota: 40_000, period: 100_000 } }));
    const { status, stderr } = containers.moat("update", "--memory", "64M", "--cpu-period", "1", named("undone"));
    assert.equal(status, 1);
    assert.match(stderr, /failed to write .*: invalid argument/);
    assert.equal(quota(pid), "40000");
  });

  it("an ended container has no limits to change", () => {
    const pid = containers.start("ended", sleeper);
    process.kill(pid, "SIGKILL");
    assert.match(containers.moat("update", "--memory", "64M", named("ended")).stderr, /container not running/);
  });
});

describeLimits("events and ps", () => {
  const containers = new Limited();
  after(() => containers.remove());

  it("events --stats is one line with runc's names", () => {
    containers.start("stats", sleeper, limits({ memory: { limit: 64 * MEGABYTE }, pids: { limit: 50 } }));
    const { status, stdout } = containers.moat("events", "--stats", named("stats"));
    assert.equal(status, 0);
    const { type, id, data } = JSON.parse(stdout);
    assert.deepEqual([type, id], ["stats", named("stats")]);
    assert.deepEqual(Object.keys(data), ["cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"]);
    assert.ok(data.cpu.usage.total > 0);
    assert.equal(data.memory.usage.limit, 64 * MEGABYTE);
    assert.ok(data.memory.usage.usage > 0);
    assert.deepEqual(data.pids, { current: 1, limit: 50 });
  });

  it("events goes on until the container ends", async () => {
    const pid = containers.start("series", sleeper);
    const events = spawn(moatPath, ["--root", containers.root, "events", "--interval", "100ms", named("series")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    events.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.split("\n").length > 2) process.kill(pid, "SIGKILL");
    });
    const status = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("events did not end")), 20_000);
      events.on("close", (code) => {
        clearTimeout(late);
        resolve(code);
      });
    }).finally(() => events.kill("SIGKILL"));
    assert.equal(status, 0);
    for (const line of text.trim().split("\n")) assert.equal(JSON.parse(line).type, "stats");
    assert.match(containers.moat("events", "--stats", named("series")).stderr, /container with id series-\d+ is not running/);
    assert.match(containers.moat("events", "--interval", "soon", named("series")).stderr, /parse error/);
  });

  it("ps shows the programs inside under the host's pids", () => {
    const pid = containers.start("ps", ["sh", "-c", "sleep 1234 & sleep 1000; true"]);
    const pids = JSON.parse(containers.moat("ps", "--format", "json", named("ps")).stdout) as number[];
    assert.equal(pids.length, 3);
    assert.ok(pids.includes(pid));
    const table = containers.moat("ps", named("ps")).stdout;
    assert.match(table, /^UID +PID +PPID +C +STIME +TTY +TIME +CMD\n/);
    assert.match(table, /\nroot +\d+ .* sh -c sleep 1234/);
    assert.match(table, /\nroot +\d+ .* sleep 1234\n/);
    for (const pid of pids) assert.match(table, new RegExp(`\\n\\S+ +${pid} `));
    assert.match(containers.moat("ps", named("ps"), "-e", "-x").stdout, /^ +PID +TTY +STAT +TIME +COMMAND\n.*sleep/s);
    assert.equal(containers.moat("pause", named("ps")).status, 0);
    assert.match(containers.moat("ps", named("ps")).stdout, /sleep 1234/);
  });
});
