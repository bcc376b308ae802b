import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "./pace.ts";

test("gaps that are alike become steady, and the window holds the next one", () => {
  const pace = new Pace();
  for (let i = 0; i < 10; i++) pace.note(100_000 + (i % 3) * 1000);
  assert.ok(pace.isSteady);
  assert.ok(pace.fromNs > 40_000 && pace.fromNs < 100_000);
  assert.ok(pace.untilNs > 102_000 && pace.untilNs < 140_000);
});

test("short gaps do not count, others end it, and so does a miss", () => {
  const pace = new Pace();
  for (let i = 0; i < 10; i++) pace.note(400_000);
  pace.note(5000);
  assert.ok(pace.isSteady);
  pace.note(200_000);
  assert.ok(!pace.isSteady);
  for (let i = 0; i < 30; i++) pace.note(200_000);
  assert.ok(pace.isSteady);
  pace.note(350_000);
  assert.ok(pace.isSteady, "one that is late changes little");
  pace.miss();
  pace.miss();
  assert.ok(!pace.isSteady);
  for (let i = 0; i < 20; i++) pace.note(50_000_000);
  assert.ok(!pace.isSteady);
});
