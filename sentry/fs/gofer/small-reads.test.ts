import assert from "node:assert/strict";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { kernelIo } from "../../vfs/user-io.ts";
import { SmallReads } from "./small-reads.ts";

type Files = { forPread(): number };

const withFile = (run: (fd: number, files: Files) => void): void => {
  const directory = mkdtempSync(join(tmpdir(), "moat-small-reads-"));
  const fd = openSync(join(directory, "file"), "w+");
  try {
    run(fd, { forPread: () => fd });
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
};

const clock = { nowNs: 0, monotonicNs: () => clock.nowNs };

/** What a read gets: text, "" for nothing, null when it is to ask the host itself. */
const read = (reads: SmallReads, files: Files, offset: number, length: number): string | null => {
  const buffer = new Uint8Array(length);
  const n = reads.read(kernelIo(buffer, 0, length), files, offset, clock);
  return n === null ? null : Buffer.from(buffer.subarray(0, n)).toString("latin1");
};

test("the second read of a page fetches it, and the host's changes are seen a millisecond later", () => {
  withFile((fd, files) => {
    const reads = new SmallReads();
    writeSync(fd, `${"x".repeat(4094)}yznext`, 0);
    assert.equal(read(reads, files, 10, 2), null);
    assert.equal(read(reads, files, 4093, 3), "xyz");
    writeSync(fd, "ab", 4094);
    assert.equal(read(reads, files, 4093, 3), "xyz");
    clock.nowNs += 1e6;
    assert.equal(read(reads, files, 4093, 3), "xab");
  });
});

test("what leaves the page or the file is not served, and another page begins anew", () => {
  withFile((fd, files) => {
    const reads = new SmallReads();
    writeSync(fd, `${"x".repeat(4096)}next`, 0);
    assert.equal(read(reads, files, 4000, 10), null);
    assert.equal(read(reads, files, 4090, 10), null);
    assert.equal(read(reads, files, 4096, 2), null);
    assert.equal(read(reads, files, 4098, 2), "xt");
    assert.equal(read(reads, files, 4098, 3), null);
    ftruncateSync(fd, 4097);
    clock.nowNs += 1e6;
    assert.equal(read(reads, files, 4098, 2), null);
    assert.equal(read(reads, files, 4096, 1), "n");
    assert.equal(read(reads, { forPread: () => fd }, 4096, 1), null);
  });
});
