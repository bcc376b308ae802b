import assert from "node:assert/strict";
import { it } from "node:test";
import { ANY4, ANY6, type IpAddress, LOOPBACK4, LOOPBACK6, v4Address } from "./address.ts";
import { addressesMeet, type Binding, PortTable, receives, TimeWait } from "./port-table.ts";

const binding = (localAddress: IpAddress, more: Partial<Binding> = {}): Binding => ({
  localAddress,
  isV6Only: false,
  interfaceIndex: 0,
  reuseAddress: false,
  reusePort: false,
  uid: 0,
  isListening: false,
  isConnectOnly: false,
  ...more,
});

it("wildcards of either family meet, unless one is v6 only", () => {
  assert.ok(addressesMeet(binding(ANY4), binding(LOOPBACK4)));
  assert.ok(!addressesMeet(binding(v4Address(0x7f000002)), binding(LOOPBACK4)));
  assert.ok(addressesMeet(binding(ANY6), binding(LOOPBACK4)));
  assert.ok(!addressesMeet(binding(ANY6, { isV6Only: true }), binding(ANY4)));
  assert.ok(addressesMeet(binding(ANY6, { isV6Only: true }), binding(ANY6)));
  assert.ok(!addressesMeet(binding(LOOPBACK6), binding(ANY4)));
});

it("SO_REUSEADDR needs both sides and no listener", () => {
  const table = new PortTable();
  table.add(80, binding(LOOPBACK4, { reuseAddress: true }));
  assert.ok(!table.conflicts(80, binding(LOOPBACK4, { reuseAddress: true }), 0));
  assert.ok(table.conflicts(80, binding(LOOPBACK4), 0));
  table.add(81, binding(LOOPBACK4, { reuseAddress: true, isListening: true }));
  assert.ok(table.conflicts(81, binding(ANY4, { reuseAddress: true }), 0));
});

it("SO_REUSEPORT needs one owner", () => {
  const table = new PortTable();
  table.add(80, binding(ANY4, { reusePort: true, uid: 5, isListening: true }));
  assert.ok(!table.conflicts(80, binding(ANY4, { reusePort: true, uid: 5 }), 0));
  assert.ok(table.conflicts(80, binding(ANY4, { reusePort: true, uid: 6 }), 0));
});

it("a closed connection keeps its port until its time is over", () => {
  const table = new PortTable();
  table.add(80, new TimeWait(binding(LOOPBACK4), 80, LOOPBACK4, 4000, 100));
  assert.ok(table.conflicts(80, binding(LOOPBACK4), 99));
  assert.ok(!table.conflicts(80, binding(LOOPBACK4), 100));
  assert.deepEqual(table.bound(80), []);
});

it("picks every port before it gives up, the wanted parity first", () => {
  const table = new PortTable();
  const picked: number[] = [];
  for (let i = 0; i < 4; i++) picked.push(table.pick(10, 13, 2, 1, (port) => !picked.includes(port)));
  assert.deepEqual(picked, [13, 11, 12, 10]);
  assert.ok(table.pick(10, 13, 0, 0, () => false) < 0);
});

it("delivers to the address, or to the wildcard of the family", () => {
  assert.ok(receives(binding(ANY6), LOOPBACK4));
  assert.ok(!receives(binding(ANY6, { isV6Only: true }), LOOPBACK4));
  assert.ok(!receives(binding(ANY4), LOOPBACK6));
  assert.ok(receives(binding(LOOPBACK6), LOOPBACK6));
});
