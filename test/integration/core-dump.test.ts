import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { moatPath, root, run } from "./moat.ts";

const program = join(root, "test/integration/leaves-cores.py");
const underShell = ["/bin/sh", "-c", 'ulimit -S -c 0; /usr/bin/python3 "$0"', program];

/** As a Linux without a handler of its own for core files prints it. */
const EXPECTED = `to begin with []
killed 6 False 6 []
killed 15 False 15 []
killed 6 False 6 []
dumped 6 True 6 ['core']
type 4 machine 62 mode 0o100600 owner True
notes ['PRSTATUS', 'PRPSINFO', 'SIGINFO', 'AUXV', 'FILE'] True
own 6 b'a mark that is in memory only: 42'
dontdump (6, None)
shared (6, b'both')
file (4, None)
signal 6 siginfo 6
pids True name b'python3'
auxv 0 files True
registers True
dumped 11 True 11 ['core']
threads 3
dumped 6 True 6 ['core']
cut short True
quit True 3 230
dumped 6 True 6 ['core']
filtered True
killed 6 False 6 ['core']
`;

describe("core files", () => {
  let directory = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "moat-core-"));
  });
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it("are left by programs that die of a signal, with what debuggers look for", () => {
    assert.deepEqual(run(moatPath, ["do", "--", ...underShell], { cwd: directory }), { status: 0, stdout: EXPECTED, stderr: "" });
  });

  it("leave out memory that is reserved by the terabyte, which nobody could wait for", () => {
    const reserve = `import mmap, os
area = mmap.mmap(-1, 4 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
area[0] = 1
os.abort()`;
    const script =
      'exec 2> errors; ulimit -S -c hard; /usr/bin/python3 -c "$0"; echo $? $(($(stat -c %s core) < 1 << 30)) $(stat -c %a core)';
    const result = run(moatPath, ["do", "--", "/bin/bash", "-c", script, reserve], { cwd: directory });
    assert.deepEqual(result, { status: 0, stdout: "134 1 600\n", stderr: "" });
  });

  // Elsewhere the host's own answer says nothing: kernel.core_pattern has no namespace.
  if (readFileSync("/proc/sys/kernel/core_pattern", "latin1") === "core\n") {
    it("and so by the host", () => {
      assert.deepEqual(run(underShell[0], underShell.slice(1), { cwd: directory }), { status: 0, stdout: EXPECTED, stderr: "" });
    });
  }
});
