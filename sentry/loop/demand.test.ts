import assert from "node:assert/strict";
import { test } from "node:test";
import { Demand } from "./demand.ts";

test("demand is high when a window had many calls, whatever its length, and is told when it changes", () => {
  const changes: boolean[] = [];
  const demand = new Demand((isHigh) => changes.push(isHigh));
  const window = (calls: number, endNs: number): void => {
    demand.note(calls);
    demand.look(endNs);
  };
  window(0, 1e9);
  window(600, 1e9 + 20e6);
  assert.deepEqual(changes, []);
  window(800, 1e9 + 30e6);
  assert.deepEqual(changes, [], "the window is not over");
  window(500, 1e9 + 40e6);
  assert.deepEqual(changes, [true]);
  window(1300, 1e9 + 60e6);
  assert.deepEqual(changes, [true]);
  window(5000, 1e9 + 260e6);
  assert.deepEqual(changes, [true, false], "many calls in a long time");
});
