import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeFiles } from "./fake-files.ts";
import { checkInnerCgroups } from "./inner-cgroups.ts";

const files = new FakeFiles("/cg", {});
for (const path of ["/cg/memory/c/inner", "/cg/cpu/c", "/cg/memory/cc"]) files.makeDirectory(path);
const paths = { memory: "/cg/memory/c", cpu: "/cg/cpu/c" };
const check =
  (...options: string[]) =>
  () =>
    checkInnerCgroups(files, options, paths);

describe("exec --cgroup", () => {
  it("takes the container's own, by all its names", () => {
    for (const options of [["/"], [""], ["cpu:/"], ["memory,cpu:."], ["cpu:/", "memory:inner/.."]]) assert.doesNotThrow(check(...options));
  });

  it("refuses what runc refuses, in its words", () => {
    assert.throws(check(".."), /unable to create new parent process: \.\. is not a sub cgroup path/);
    assert.throws(check("memory:../cc"), /\.\.\/cc is not a sub cgroup path/);
    assert.throws(check("whaaat:/"), /unknown controller whaaat in SubCgroupPaths/);
    assert.throws(
      check("cpu:none"),
      /error adding pid \d+ to cgroups: .*openat2 \/cg\/cpu\/c\/none\/cgroup\.procs: no such file or directory/,
    );
    assert.throws(check("cpu:/", "inner"), /invalid --cgroup argument: inner \(missing <controller>: prefix\)/);
    assert.throws(check("cpu:a:b"), /invalid --cgroup argument: cpu:a:b/);
  });

  it("refuses a cgroup below it", () => assert.throws(check("memory:inner"), /the programs of a container are in one cgroup/));
});
