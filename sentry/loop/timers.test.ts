import assert from "node:assert/strict";
import { it } from "node:test";
import { type Timer, TimerWheel } from "./timers.ts";

const wheelWith = (): { wheel: TimerWheel; fired: string[]; timer: (name: string, deadlineNs: number, act?: () => void) => Timer } => {
  const wheel = new TimerWheel();
  const fired: string[] = [];
  const timer = (name: string, deadlineNs: number, act: () => void = () => {}): Timer => {
    const made = {
      deadlineNs,
      fire: (): void => {
        fired.push(name);
        act();
      },
    };
    wheel.arm(made);
    return made;
  };
  return { wheel, fired, timer };
};

it("timers fire in the order of their deadlines, those that are due", () => {
  const { wheel, fired, timer } = wheelWith();
  timer("c", 30);
  timer("a", 10);
  timer("d", 40);
  timer("b", 20);
  assert.equal(wheel.run(30), 3);
  assert.deepEqual(fired, ["a", "b", "c"]);
  assert.equal(wheel.nextNs, 40);
});

it("a timer that another of the same round cancels does not fire", () => {
  const { wheel, fired, timer } = wheelWith();
  timer("a", 10, () => wheel.cancel(b));
  const b = timer("b", 20);
  timer("c", 30);
  assert.equal(wheel.run(100), 2);
  assert.deepEqual(fired, ["a", "c"]);
  assert.equal(wheel.nextNs, Number.POSITIVE_INFINITY);
});

it("one that another of the same round arms anew fires at its new time", () => {
  const { wheel, fired, timer } = wheelWith();
  timer("a", 10, () => {
    b.deadlineNs = 200;
    wheel.arm(b);
  });
  const b = timer("b", 20);
  assert.equal(wheel.run(100), 1);
  assert.equal(wheel.nextNs, 200);
  assert.equal(wheel.run(200), 1);
  assert.deepEqual(fired, ["a", "b"]);
});

it("one that arms itself for the past waits for the next round", () => {
  const { wheel, fired, timer } = wheelWith();
  const again = timer("a", 10, () => {
    if (fired.length < 2) wheel.arm(again);
  });
  assert.equal(wheel.run(100), 1);
  assert.equal(wheel.run(100), 1);
  assert.equal(wheel.run(100), 0);
  assert.deepEqual(fired, ["a", "a"]);
});
