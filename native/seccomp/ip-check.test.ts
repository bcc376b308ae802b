import assert from "node:assert/strict";
import { test } from "node:test";
import { prependIpCheck } from "./ip-check.ts";

const ALLOW = 0x7fff_0000;
const TRAP = 0x0003_0000;
const X86_64 = 0xc000_003e;
const I386 = 0x4000_0003;
const START = 0x7ffe_0000_0000;
const END = 0x7ffe_0000_4000;

/** Runs a filter on a call from `ip`: just the instructions that the check uses (bpf(4)'s classic machine). */
const run = (program: Uint8Array, ip: number, arch: number): number => {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(4, arch, true);
  data.setUint32(8, ip >>> 0, true);
  data.setUint32(12, Math.floor(ip / 2 ** 32), true);
  const view = new DataView(program.buffer, program.byteOffset);
  let accumulator = 0;
  for (let at = 0; ; ) {
    const k = view.getUint32(at * 8 + 4, true);
    const jump = (taken: boolean): number => at + 1 + view.getUint8(at * 8 + (taken ? 2 : 3));
    switch (view.getUint16(at * 8, true)) {
      case 0x20:
        accumulator = data.getUint32(k, true);
        at++;
        break;
      case 0x15:
        at = jump(accumulator === k);
        break;
      case 0x25:
        at = jump(accumulator > k);
        break;
      case 0x06:
        return k;
      default:
        assert.fail("an instruction that the check does not use");
    }
  }
};

const allowAll = new Uint8Array([6, 0, 0, 0, 0, 0, 0xff, 0x7f]);
const program = prependIpCheck(allowAll, START, END, "trap");

test("calls inside the text go on to the filter", () => {
  assert.equal(run(program, START + 2, X86_64), ALLOW);
  assert.equal(run(program, END, X86_64), ALLOW);
});

test("calls outside trap, also one that ends where the text starts", () => {
  for (const ip of [0, START, START - 1, END + 1, START - 2 ** 32 + 2, START + 2 ** 32 + 2, 0x7fff_ffff_f000]) {
    assert.equal(run(program, ip, X86_64), TRAP, ip.toString(16));
  }
});

test("another architecture's calls are not executed anywhere", () => {
  assert.equal(run(program, START + 2, I386), 0x0005_0026);
  assert.equal(run(program, 0x1000, I386), 0x0005_0026);
});

test("a text across a multiple of 4 GiB is refused", () => {
  assert.throws(() => prependIpCheck(allowAll, START - 4096, END, "trap"), /4 GiB/);
});
