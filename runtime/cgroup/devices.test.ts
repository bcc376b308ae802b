import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deviceProgram } from "./device-program.ts";
import { ALWAYS_ALLOWED, deviceWrites, parseDeviceList, stateAfter } from "./devices.ts";
import type { DeviceRule } from "./resources.ts";

const deny: DeviceRule = { allow: false, type: "a", major: null, minor: null, access: "rwm" };
const allow = (major: number | null, minor: number | null, access = "rwm"): DeviceRule => ({
  allow: true,
  type: "c",
  major,
  minor,
  access,
});

describe("device rules", () => {
  it("end in a default and its exceptions", () => {
    const state = stateAfter([deny, allow(1, 3, "r"), allow(1, 3, "w"), allow(10, null)]);
    assert.equal(state.allowsByDefault, false);
    assert.deepEqual(
      [...state.exceptions],
      [
        ["c 1:3", "rw"],
        ["c 10:*", "rwm"],
      ],
    );
  });

  it("a denial takes an earlier permission back, but not a part of a wider one", () => {
    assert.deepEqual([...stateAfter([deny, allow(1, 3), { ...allow(1, 3, "w"), allow: false }]).exceptions], [["c 1:3", "rm"]]);
    assert.throws(() => stateAfter([deny, allow(1, null), { ...allow(1, 3), allow: false }]), /c 1:3 rwm is part of c 1:\* rwm/);
  });

  it("only differences are written, permissions first", () => {
    const from = parseDeviceList("c 1:3 rwm\nc 1:5 r\n");
    assert.deepEqual(deviceWrites(from, stateAfter([deny, allow(1, 3, "r"), allow(5, 0)])), [
      { file: "devices.allow", text: "c 5:0 rwm" },
      { file: "devices.deny", text: "c 1:3 wm" },
      { file: "devices.deny", text: "c 1:5 r" },
    ]);
    assert.deepEqual(deviceWrites(parseDeviceList("a *:* rwm"), stateAfter([deny, allow(1, 3)])), [
      { file: "devices.deny", text: "a" },
      { file: "devices.allow", text: "c 1:3 rwm" },
    ]);
    assert.deepEqual(deviceWrites(from, from), []);
  });

  it("every container has the usual devices", () => {
    const { exceptions } = stateAfter([deny, ...ALWAYS_ALLOWED]);
    for (const device of ["c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:2", "c 136:*"])
      assert.equal(exceptions.get(device), "rwm");
  });
});

/** What the kernel's interpreter does with the few instructions that the program has. */
const runs = (program: Uint8Array, type: number, access: number, major: number, minor: number): number => {
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  const context = [(access << 16) | type, major, minor];
  const registers = new Array<number>(11).fill(0);
  for (let at = 0; ; at++) {
    const code = view.getUint8(at * 8);
    const [target, source] = [view.getUint8(at * 8 + 1) & 15, view.getUint8(at * 8 + 1) >> 4];
    const [offset, immediate] = [view.getInt16(at * 8 + 2, true), view.getInt32(at * 8 + 4, true)];
    if (code === 0x61) registers[target] = context[offset / 4];
    else if (code === 0x54) registers[target] &= immediate;
    else if (code === 0x74) registers[target] >>>= immediate;
    else if (code === 0xbc) registers[target] = registers[source];
    else if (code === 0xb7) registers[target] = immediate;
    else if (code === 0x16) at += registers[target] === immediate ? offset : 0;
    else if (code === 0x56) at += registers[target] !== immediate ? offset : 0;
    else if (code === 0x5e) at += registers[target] !== registers[source] ? offset : 0;
    else if (code === 0x95) return registers[0];
    else throw new Error(`instruction ${code}`);
  }
};

describe("the device program of cgroup v2", () => {
  const [BLOCK, CHAR] = [1, 2];
  const [MAKE, READ, WRITE] = [1, 2, 4];

  it("allows what a rule allows as a whole", () => {
    const program = deviceProgram(stateAfter([deny, allow(1, 3, "rw"), allow(136, null)]));
    assert.equal(runs(program, CHAR, READ | WRITE, 1, 3), 1);
    assert.equal(runs(program, CHAR, READ | MAKE, 1, 3), 0);
    assert.equal(runs(program, BLOCK, READ, 1, 3), 0);
    assert.equal(runs(program, CHAR, READ, 1, 4), 0);
    assert.equal(runs(program, CHAR, WRITE, 136, 77), 1);
  });

  it("where all is allowed, forbids what a rule forbids a part of", () => {
    const program = deviceProgram(
      stateAfter([
        { ...deny, allow: true },
        { ...allow(8, 0, "w"), allow: false },
      ]),
    );
    assert.equal(runs(program, CHAR, READ | WRITE, 8, 0), 0);
    assert.equal(runs(program, CHAR, READ, 8, 0), 1);
    assert.equal(runs(program, BLOCK, WRITE, 8, 0), 1);
  });
});
