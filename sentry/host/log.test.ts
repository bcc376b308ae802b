import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Log } from "./log.ts";

test("writes pino's lines at and above its level", () => {
  const dir = mkdtempSync(join(tmpdir(), "moat-log-"));
  const file = join(dir, "log");
  const fd = openSync(file, "w");
  const log = new Log("sentry", "info", fd);
  log.debug("not this");
  log.info("this", { calls: 3 });
  log.error("and this");
  closeSync(fd);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  rmSync(dir, { recursive: true });
  assert.equal(lines.length, 2);
  const first = JSON.parse(lines[0]);
  assert.deepEqual([first.level, first.name, first.msg, first.calls], [30, "sentry", "this", 3]);
  assert.equal(JSON.parse(lines[1]).level, 50);
});

test("is silent without a file, and outlives a bad one", () => {
  new Log("sentry", "debug", -1).error("nowhere");
  new Log("sentry", "debug", 9999).error("lost");
});
