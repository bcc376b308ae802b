import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Waiter, WaitQueue } from "./blocking.ts";

/** Notes who is told, and does what it is given to do then (a few times at most: a test ends). */
const waiter = (name: string, told: string[], then: (self: Waiter) => void = () => {}): Waiter => {
  const self = {
    wake: () => {
      told.push(name);
      if (told.length < 20) then(self);
    },
  };
  return self;
};

describe("WaitQueue", () => {
  it("tells each waiter once, in order of arrival", () => {
    const told: string[] = [];
    const queue = new WaitQueue();
    for (const name of ["a", "b", "c"]) queue.add(waiter(name, told));
    queue.notify();
    assert.deepEqual(told, ["a", "b", "c"]);
  });

  it("a waiter that leaves and waits again is not told again before the next time", () => {
    const told: string[] = [];
    const queue = new WaitQueue();
    const again = (self: Waiter) => {
      queue.remove(self);
      queue.add(self);
    };
    queue.add(waiter("again", told, again));
    queue.add(waiter("after", told));
    queue.notify();
    assert.deepEqual(told, ["again", "after"]);
    queue.notify();
    assert.deepEqual(told, ["again", "after", "after", "again"]);
  });

  it("a waiter that leaves is told no more", () => {
    const told: string[] = [];
    const queue = new WaitQueue();
    const last = waiter("last", told);
    queue.add(waiter("first", told, () => queue.remove(last)));
    queue.add(last);
    queue.notify();
    assert.deepEqual(told, ["first"]);
  });
});
