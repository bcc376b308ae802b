import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHost } from "./host.ts";
import { cgroupfsPaths, expandSlice, systemdPaths, systemdUnit } from "./paths.ts";

const V1 = `25 20 0:22 / /sys/fs/cgroup ro - tmpfs tmpfs ro
26 25 0:23 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
27 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
28 25 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
`;
const UNIFIED_BESIDE = "29 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
const OWN_V1 = "4:memory:/user\n3:cpu,cpuacct:/\n1:name=systemd:/user.slice\n0::/user.slice\n";
const v2 = parseHost("30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "0::/user.slice/session-1.scope\n");

describe("cgroup hierarchies", () => {
  it("are known by what is mounted", () => {
    assert.equal(parseHost(V1, OWN_V1).mode, "v1");
    assert.equal(parseHost(V1 + UNIFIED_BESIDE, OWN_V1).mode, "hybrid");
    assert.equal(v2.mode, "v2");
    assert.equal(parseHost("", "").mode, "none");
  });

  it("an absolute path counts from the mounts, another from the caller's cgroup", () => {
    const host = parseHost(V1 + UNIFIED_BESIDE, OWN_V1);
    assert.deepEqual(cgroupfsPaths(host, "/docker/x", "x"), {
      "name=systemd": "/sys/fs/cgroup/systemd/docker/x",
      cpu: "/sys/fs/cgroup/cpu,cpuacct/docker/x",
      cpuacct: "/sys/fs/cgroup/cpu,cpuacct/docker/x",
      memory: "/sys/fs/cgroup/memory/docker/x",
      "": "/sys/fs/cgroup/unified/docker/x",
    });
    assert.equal(cgroupfsPaths(host, "", "id1").memory, "/sys/fs/cgroup/memory/user/id1");
    assert.equal(cgroupfsPaths(host, "a/../../b", "id1").memory, "/sys/fs/cgroup/memory/user/b");
  });

  it("on v2 a relative path is beside the caller's cgroup, which has processes", () => {
    assert.deepEqual(cgroupfsPaths(v2, "", "id1"), { "": "/sys/fs/cgroup/user.slice/id1" });
    assert.deepEqual(cgroupfsPaths(v2, "/docker/x", "x"), { "": "/sys/fs/cgroup/docker/x" });
  });

  it("a mount that shows a part of the hierarchy is no obstacle", () => {
    const host = parseHost("28 25 0:25 /docker/c1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "4:memory:/docker/c1/sub\n");
    assert.equal(cgroupfsPaths(host, "", "id1").memory, "/sys/fs/cgroup/memory/sub/id1");
  });
});

describe("systemd's names", () => {
  const plain = { annotations: {} };
  it("come from slice:prefix:name", () => {
    assert.deepEqual(systemdUnit("machine.slice:libpod:abc", "id1", false), { ...plain, slice: "machine.slice", unit: "libpod-abc.scope" });
    assert.deepEqual(systemdUnit("a-b.slice::c.slice", "id1", false), { ...plain, slice: "a-b.slice", unit: "c.slice" });
    assert.equal(systemdUnit("a.slice::c", "id1", false).unit, "-c.scope");
    assert.deepEqual(systemdUnit("", "id1", false), { ...plain, slice: "system.slice", unit: "moat-id1.scope" });
    assert.throws(
      () => systemdUnit("/docker/x", "x", false),
      /to be of format "slice:prefix:name" for systemd cgroups, got "\/docker\/x" instead/,
    );
  });

  it("a slice's directory is in those of its prefixes, below the user's manager", () => {
    const unit = { ...plain, slice: "a-b.slice", unit: "x.scope" };
    assert.equal(expandSlice("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
    assert.equal(expandSlice("-.slice"), "/");
    assert.throws(() => expandSlice("a--b.slice"), /invalid slice name/);
    assert.deepEqual(systemdPaths(v2, unit, "/"), { "": "/sys/fs/cgroup/a.slice/a-b.slice/x.scope" });
    assert.deepEqual(systemdPaths(v2, unit, "/user.slice/user@5.service"), {
      "": "/sys/fs/cgroup/user.slice/user@5.service/a.slice/a-b.slice/x.scope",
    });
  });
});
