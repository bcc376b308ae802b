import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openAt } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_FDCWD, O_PATH } from "../../syscall-tables/flags/open.ts";
import { FileServer } from "./server.ts";
import { warmUp } from "./warm-up.ts";

const openFds = (): number => readdirSync("/proc/self/fd").length;

test("warming up leaves no node, no descriptor and no malformed question behind, whatever the tree holds", () => {
  for (const isReadOnly of [true, false])
    for (const hasFile of [true, false]) {
      const root = mkdtempSync(join(tmpdir(), "gofer-warm-"));
      if (hasFile) {
        mkdirSync(join(root, "etc"));
        writeFileSync(join(root, "etc/passwd"), "");
      }
      const server = new FileServer({ trees: [{ fd: openAt(AT_FDCWD, root, O_PATH), readOnly: isReadOnly }] });
      const [nodes, fds] = [server.nodes.size, openFds()];
      warmUp(server);
      assert.deepEqual([server.nodes.size, openFds(), server.malformed], [nodes, fds, 0]);
      server.close();
      rmSync(root, { recursive: true });
    }
});
