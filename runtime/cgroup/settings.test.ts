import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cpuWeight, ioWeight, parseList, swapAlone } from "./convert.ts";
import { FakeFiles } from "./fake-files.ts";
import { parseHost } from "./host.ts";
import { checkNew } from "./manager.ts";
import { NO_RESOURCES, type Resources } from "./resources.ts";
import { statsJson } from "./stats.ts";
import { CgroupV1 } from "./v1.ts";
import { CgroupV2 } from "./v2.ts";

const with_ = (changes: { [K in keyof Resources]?: Partial<Resources[K]> | Resources[K] }): Resources =>
  ({
    ...NO_RESOURCES,
    ...changes,
    memory: { ...NO_RESOURCES.memory, ...(changes.memory as object) },
    cpu: { ...NO_RESOURCES.cpu, ...(changes.cpu as object) },
    blockIo: { ...NO_RESOURCES.blockIo, ...(changes.blockIo as object) },
  }) as Resources;

describe("conversions", () => {
  it("shares and weights meet at their ends", () => {
    assert.deepEqual([2, 1024, 262_144].map(cpuWeight), [1, 39, 10_000]);
    assert.deepEqual([10, 500, 1000].map(ioWeight), [1, 4950, 10_000]);
  });

  it("swap alone is what is left of both", () => {
    assert.equal(swapAlone(300, 100), 200);
    assert.equal(swapAlone(100, 100), 0);
    assert.equal(swapAlone(-1, 100), -1);
    assert.equal(swapAlone(null, -1), -1);
    assert.equal(swapAlone(0, 100), null);
    assert.throws(() => swapAlone(50, 100), /memory\+swap limit should be >= memory limit/);
    assert.throws(() => swapAlone(50, null), /unable to set swap limit without memory limit/);
  });

  it("lists of CPUs", () => assert.deepEqual(parseList("0-2,5, 7-7"), [0, 1, 2, 5, 7]));
});

const V2_FILES = {
  "cgroup.procs": "",
  "cgroup.controllers": "cpu memory pids io cpuset",
  "cgroup.subtree_control": "",
  "cgroup.freeze": "0",
  "cgroup.events": "populated 1\nfrozen 0\n",
  "cpu.weight": "100",
  "cpu.max": "max 100000",
  "cpu.max.burst": "0",
  "cpu.idle": "0",
  "cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 0\n",
  "cpuset.cpus": "",
  "cpuset.mems": "",
  "memory.max": "max",
  "memory.low": "0",
  "memory.current": "4096",
  "memory.swap.max": "max",
  "memory.stat": "anon 4096\nfile 8192\n",
  "pids.max": "max",
  "pids.current": "3",
  "io.weight": "default 100",
  "io.max": "",
};

const v2 = () => {
  const root = "/sys/fs/cgroup";
  const files = new FakeFiles(root, V2_FILES);
  const host = parseHost(`30 20 0:26 / ${root} rw - cgroup2 cgroup2 rw\n`, "0::/user/me\n");
  return { files, host, cgroup: new CgroupV2(files, () => host, `${root}/docker/c1`, false), directory: `${root}/docker/c1` };
};

describe("cgroup v2", () => {
  it("hands the controllers down on the way to the container's cgroup", () => {
    const { files, cgroup, directory } = v2();
    cgroup.create();
    assert.ok(files.exists(directory));
    assert.equal(files.written.filter((line) => line === "cgroup.subtree_control +memory").length, 2);
    cgroup.join(42);
    assert.deepEqual(cgroup.pids(), [42]);
  });

  it("has a process that its user may not move moved by another, or is left without it", () => {
    for (const attached of [[42], []]) {
      const { files, host, directory } = v2();
      const pids: number[] = [];
      const cgroup = new CgroupV2(files, () => host, directory, true, attached.length > 0 ? (pid) => pids.push(pid) : null);
      cgroup.create();
      files.refused.set(`${directory}/cgroup.procs`, "EACCES");
      cgroup.join(42);
      assert.deepEqual(pids, attached);
      assert.equal(cgroup.exists(), attached.length > 0);
    }
  });

  it("writes the limits in its own terms", () => {
    const { files, cgroup } = v2();
    cgroup.create();
    files.written.length = 0;
    cgroup.set(
      with_({
        memory: { limit: 1000, swap: 3000, reservation: 500 },
        cpu: { shares: 1024, quota: 50_000, period: 100_000, cpus: "0-1" },
        pids: 20,
        blockIo: { weight: 500, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1024 }] },
        unified: { "memory.low": "700", "cpu.max": "max" },
      }),
      null,
    );
    assert.deepEqual(files.written, [
      "pids.max 20",
      "memory.swap.max 2000",
      "memory.max 1000",
      "memory.low 500",
      "io.weight 4950",
      "io.max 8:0 rbps=1024",
      "cpu.weight 39",
      "cpu.max 50000 100000",
      "cpuset.cpus 0-1",
      "memory.low 700",
      "cpu.max max",
    ]);
  });

  it("keeps the quota when only the period changes, and knows -1 as max", () => {
    const { files, cgroup } = v2();
    cgroup.create();
    cgroup.set(with_({ cpu: { quota: 20_000 } }), null);
    cgroup.set(with_({ cpu: { period: 50_000 } }), null);
    cgroup.set(with_({ memory: { limit: -1 }, pids: -1 }), null);
    assert.deepEqual(files.written.slice(-5), [
      "cpu.max 20000 100000",
      "cpu.max 20000 50000",
      "pids.max max",
      "memory.swap.max max",
      "memory.max max",
    ]);
  });

  it("names the controller that a unified limit lacks", () => {
    const { cgroup, directory } = v2();
    cgroup.create();
    assert.throws(() => cgroup.set(with_({ unified: { "hugetlb.2MB.max": "0" } }), null), {
      message: `unified resource "hugetlb.2MB.max" can't be set: controller "hugetlb" not available`,
    });
    assert.throws(() => cgroup.set(with_({ unified: { "../x": "0" } }), null), /must be a file name/);
    assert.throws(() => cgroup.set(with_({ unified: { "memory.peak": "abc" } }), null), {
      message: `unable to set unified resource "memory.peak": failed to write "abc": write ${directory}/memory.peak: no such file or directory`,
    });
  });

  it("a refused value is told with its file", () => {
    const { files, cgroup, directory } = v2();
    cgroup.create();
    files.refused.set(`${directory}/pids.max`, "EINVAL");
    assert.throws(() => cgroup.set(with_({ pids: 7 }), null), {
      message: `failed to write "7": write ${directory}/pids.max: invalid argument`,
    });
  });

  it("counts as runc tells it", () => {
    const { cgroup } = v2();
    cgroup.create();
    const { cpu, cpuset, memory, pids } = cgroup.stats();
    assert.equal(statsJson(cpu), '{"usage":{"total":30000,"kernel":10000,"user":20000},"throttling":{}}');
    // v2 has none of these; runc names them all the same.
    const none = '"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0';
    assert.equal(statsJson(cpuset), `{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,${none},"sched_relax_domain_level":0}`);
    assert.equal(statsJson(memory.usage), '{"limit":18446744073709551615,"usage":4096,"failcnt":0}');
    assert.equal(statsJson(pids), '{"current":3}');
  });

  it("goes with what is below it", async () => {
    const { files, cgroup, directory } = v2();
    cgroup.create();
    files.makeDirectory(`${directory}/a/b`);
    await cgroup.destroy();
    assert.equal(cgroup.exists(), false);
    assert.equal(files.exists("/sys/fs/cgroup/docker"), true);
  });

  it("in which somebody stays is told, and keeps only what is above it", async () => {
    const { files, cgroup, directory } = v2();
    cgroup.create();
    for (const path of ["stays/inner", "goes/inner"]) files.makeDirectory(`${directory}/${path}`);
    const remove = files.removeDirectory.bind(files);
    files.removeDirectory = (path) => {
      if (files.directories(path).length > 0 || path.endsWith("stays/inner")) throw Object.assign(new Error("busy"), { code: "EBUSY" });
      remove(path);
    };
    await assert.rejects(cgroup.destroy(), { message: `unable to remove cgroup ${directory}/stays/inner: busy` });
    assert.deepEqual([files.directories(directory), files.exists(`${directory}/stays/inner`)], [["stays"], true]);
  });

  it("without rights and without limits is done without, with limits refused", () => {
    const root = "/sys/fs/cgroup";
    const files = new FakeFiles(root, V2_FILES);
    const host = parseHost(`30 20 0:26 / ${root} rw - cgroup2 cgroup2 rw\n`, "0::/user/me\n");
    files.makeDirectory(`${root}/user/c1`);
    files.refused.set(`${root}/user/c1/cgroup.procs`, "EACCES");
    const cgroup = new CgroupV2(files, () => host, `${root}/user/c1`, true);
    cgroup.create();
    cgroup.join(42);
    assert.deepEqual(cgroup.paths, {});
    cgroup.set(NO_RESOURCES, null);
    assert.throws(() => cgroup.set(with_({ pids: 7 }), null), /container could not join or create cgroup/);
  });
});

const V1_FILES = {
  "cgroup.procs": "",
  "cpu.shares": "1024",
  "cpu.cfs_quota_us": "-1",
  "cpu.cfs_period_us": "100000",
  "cpuset.cpus": "",
  "cpuset.mems": "",
  "memory.limit_in_bytes": "9223372036854771712",
  "memory.memsw.limit_in_bytes": "9223372036854771712",
  "memory.soft_limit_in_bytes": "0",
  "memory.swappiness": "60",
  "memory.oom_control": "",
  "memory.usage_in_bytes": "5000",
  "memory.max_usage_in_bytes": "6000",
  "pids.max": "max",
  "freezer.state": "THAWED",
  "blkio.bfq.weight": "100",
};

const v1 = () => {
  const mounts = ["memory", "cpu", "cpuset", "pids", "freezer", "blkio"];
  const files = new FakeFiles("/cg", V1_FILES);
  for (const name of mounts) files.makeDirectory(`/cg/${name}`);
  files.texts.set("/cg/cpuset/cpuset.cpus", "0-3");
  files.texts.set("/cg/cpuset/cpuset.mems", "0");
  const host = parseHost(
    mounts.map((name) => `1 1 0:1 / /cg/${name} rw - cgroup cgroup rw,${name}\n`).join(""),
    mounts.map((name, index) => `${index}:${name}:/\n`).join(""),
  );
  const paths = Object.fromEntries(mounts.map((name) => [name, `/cg/${name}/c/d`]));
  return { files, cgroup: new CgroupV1(files, () => host, paths, false) };
};

describe("cgroup v1", () => {
  it("a new cpuset gets what those above it have", () => {
    const { files, cgroup } = v1();
    cgroup.create();
    assert.equal(files.read("/cg/cpuset/c/d/cpuset.cpus").trim(), "0-3");
    assert.equal(files.read("/cg/cpuset/c/cpuset.mems").trim(), "0");
  });

  it("raises memory and swap from above, lowers them from below", () => {
    const { files, cgroup } = v1();
    cgroup.create();
    files.written.length = 0;
    cgroup.set(with_({ memory: { limit: 1000, swap: 2000 } }), null);
    cgroup.set(with_({ memory: { limit: 3000, swap: 4000 } }), null);
    cgroup.set(with_({ memory: { limit: -1 } }), null);
    assert.deepEqual(files.written, [
      "memory.limit_in_bytes 1000",
      "memory.memsw.limit_in_bytes 2000",
      "memory.memsw.limit_in_bytes 4000",
      "memory.limit_in_bytes 3000",
      "memory.memsw.limit_in_bytes -1",
      "memory.limit_in_bytes -1",
    ]);
  });

  it("tells what is in use when a limit is too low", () => {
    const { files, cgroup } = v1();
    cgroup.create();
    files.refused.set("/cg/memory/c/d/memory.limit_in_bytes", "EBUSY");
    assert.throws(() => cgroup.set(with_({ memory: { limit: 10 } }), null), {
      message: "unable to set memory limit to 10 (current usage: 5000, peak usage: 6000)",
    });
    assert.throws(
      () => cgroup.set(with_({ memory: { limit: 10, checkBeforeUpdate: true } }), null),
      /rejecting memory limit 10 < usage 5000/,
    );
    assert.throws(
      () => cgroup.set(with_({ memory: { swappiness: 101 } }), null),
      /invalid memory swappiness value: 101 \(valid range is 0-100\)/,
    );
  });

  it("refuses limits of controllers that are not there, and those of v2", () => {
    const { cgroup } = v1();
    cgroup.create();
    assert.throws(() => cgroup.set(with_({ hugepages: [{ pageSize: "2MB", limit: 0 }] }), null), /controller hugetlb is not mounted/);
    assert.throws(() => cgroup.set(with_({ unified: { "memory.max": "1" } }), null), /unified resources/);
  });

  it("a cgroup that others use is refused, and one that is frozen", () => {
    const { files, cgroup } = v1();
    checkNew(cgroup);
    cgroup.create();
    checkNew(cgroup);
    files.texts.set("/cg/memory/c/d/cgroup.procs", "7\n8\n");
    assert.throws(() => checkNew(cgroup), /container's cgroup is not empty: 2 process\(es\) found/);
    files.texts.set("/cg/freezer/c/d/freezer.state", "FROZEN\n");
    assert.throws(() => checkNew(cgroup), /container's cgroup unexpectedly frozen/);
  });

  it("freezes and thaws", async () => {
    const { cgroup } = v1();
    cgroup.create();
    await cgroup.freeze(true);
    assert.equal(cgroup.isFrozen(), true);
    await cgroup.freeze(false);
    assert.equal(cgroup.isFrozen(), false);
  });
});
