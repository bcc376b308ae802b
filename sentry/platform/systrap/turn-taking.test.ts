import assert from "node:assert/strict";
import { test } from "node:test";
import { SCHED_BATCH, SCHED_OTHER, TURNS, type Turner, TurnTaking } from "./turn-taking.ts";

const fakeCarrier = (process: object): Turner => ({ process, thread: { hasCalled: true }, isPolite: false, turns: 0, turnsNeeded: TURNS });

test("who takes turns with another process becomes polite, and is so no longer when it is late again and again", () => {
  const policies: number[] = [];
  const turns = new TurnTaking((_carrier, policy) => policies.push(policy));
  const one = fakeCarrier({});
  const other = fakeCarrier({});
  const take = (count: number): void => {
    for (let i = 0; i < count; i++) {
      turns.woke(one);
      turns.parked(other);
    }
  };
  take(TURNS);
  assert.deepEqual(policies, [], "the guests have all CPUs");
  turns.isOn = true;
  take(TURNS);
  assert.deepEqual(policies, [SCHED_BATCH]);

  take(100);
  turns.look(1e9);
  turns.look(1e9 + 400_000);
  assert.deepEqual(policies, [SCHED_BATCH], "once is nothing");
  for (let i = 1; i < 3; i++) {
    turns.woke(one);
    turns.look(i * 2e9);
    turns.look(i * 2e9 + 400_000);
  }
  assert.deepEqual(policies, [SCHED_BATCH, SCHED_OTHER]);
  take(TURNS);
  assert.equal(policies.length, 2, "more is asked for now");
  take(TURNS);
  assert.deepEqual(policies, [SCHED_BATCH, SCHED_OTHER, SCHED_BATCH]);
});

test("threads of one process, and those who have called in time, do not count", () => {
  const policies: number[] = [];
  const turns = new TurnTaking((_carrier, policy) => policies.push(policy));
  turns.isOn = true;
  const process = {};
  const one = fakeCarrier(process);
  for (let i = 0; i < 2 * TURNS; i++) {
    turns.woke(one);
    turns.parked(fakeCarrier(process));
  }
  assert.deepEqual(policies, []);
  for (let i = 0; i < 2 * TURNS; i++) {
    turns.woke(one);
    if (one.thread) one.thread.hasCalled = true;
    turns.look(i * 1e6);
    turns.parked(fakeCarrier({}));
  }
  assert.deepEqual(policies, []);
});
