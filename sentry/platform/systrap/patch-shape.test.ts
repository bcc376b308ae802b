import assert from "node:assert/strict";
import { test } from "node:test";
import { TRAMPOLINE_MOVED, TRAMPOLINE_RETURN, TRAMPOLINES } from "./layout.generated.ts";
import { movableLength, SITE_WINDOW, shapeOf } from "./patch-shape.ts";
import { movingTrampoline, TrampolineArea, tableEntry } from "./trampoline-area.ts";

const bytes = (hex: string): Uint8Array => {
  const code = new Uint8Array(SITE_WINDOW);
  code.set(Buffer.from(hex.replaceAll(" ", ""), "hex").subarray(0, SITE_WINDOW));
  return code;
};

test("instructions that mean the same elsewhere have their length, others have none", () => {
  const lengths: [string, number][] = [
    ["48 3d 01 f0 ff ff", 6], // cmp $-4095,%rax
    ["3d 01 f0 ff ff", 5],
    ["48 89 c7", 3], // mov %rax,%rdi
    ["48 89 44 24 28", 5], // mov %rax,40(%rsp)
    ["89 44 24 28", 4],
    ["48 85 c0", 3], // test %rax,%rax
    ["48 83 c4 18", 4], // add $24,%rsp
    ["80 bb f8 08 00 00 00", 7], // cmpb $0,0x8f8(%rbx)
    ["48 8b 05 10 00 00 00", 0], // relative to rip
    ["48 8b 04 25 00 00 00 00", 0], // absolute
    ["c3", 0],
    ["eb 10", 0],
    ["e8 00 00 00 00", 0],
    ["0f 0b", 0],
    ["66 90", 0],
  ];
  for (const [hex, length] of lengths) assert.equal(movableLength(bytes(hex), 0), length, hex);
});

test("a number that stands before the call makes two shapes, what stands behind it the third", () => {
  assert.deepEqual(shapeOf(bytes("90 90 b8 27 00 00 00 0f 05 c3"), 39), { start: -5, length: 7, guard: 5, movedLength: 0 });
  // Called with another number: somebody jumped to the `syscall`.
  assert.equal(shapeOf(bytes("90 90 b8 27 00 00 00 0f 05 c3"), 40), null);
  assert.deepEqual(shapeOf(bytes("48 c7 c0 0f 00 00 00 0f 05 0f 1f 80"), 15), { start: -7, length: 7, guard: 0, movedLength: 0 });
  assert.equal(shapeOf(bytes("48 c7 c0 0f 00 00 00 0f 05 0f 1f 80"), 16), null);
  // Another register.
  assert.equal(shapeOf(bytes("48 c7 c1 0f 00 00 00 0f 05 0f 1f 80"), 15), null);
  assert.deepEqual(shapeOf(bytes("90 90 90 90 90 31 c0 0f 05 48 3d 00 f0 ff ff"), 0), { start: 0, length: 5, guard: 2, movedLength: 6 });
  assert.equal(shapeOf(bytes("90 90 90 90 90 31 c0 0f 05 c3"), 0), null);
  // Two short instructions: execution may come between them.
  assert.equal(shapeOf(bytes("90 90 90 90 90 31 c0 0f 05 5f 5d c3"), 0), null);
  assert.equal(shapeOf(bytes("90 90 90 90 90 31 c0 cd 80 48 3d 00 f0 ff ff"), 0), null);
});

test("trampolines lie where the third byte of the jump is no opcode, and lead back", () => {
  const area = new TrampolineArea(0x7f12_3456_0000);
  const noOpcodes = [0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xea];
  const seen = new Set<number>();
  for (let i = 0; i < 40; i++) {
    const site = 0x7f12_3000_0123 + i * 0x1357;
    const addr = area.takeFor(site);
    assert.ok(addr > 0 && !seen.has(addr));
    seen.add(addr);
    assert.ok(noOpcodes.includes(((addr - site - 5) >> 8) & 0xff));
    const moved = bytes("48 3d 01 f0 ff ff").subarray(0, 6);
    const code = movingTrampoline(addr, site + 2, moved);
    const view = new DataView(code.buffer, code.byteOffset);
    assert.equal(code[TRAMPOLINE_MOVED + 6], 0xe9);
    assert.equal(addr + TRAMPOLINE_MOVED + 11 + view.getInt32(TRAMPOLINE_MOVED + 7, true), site + 8);
    assert.equal(view.getUint32(TRAMPOLINE_RETURN, true) + view.getUint32(TRAMPOLINE_RETURN + 4, true) * 2 ** 32, site + 2);
  }
});

test("the low area keeps its table free, and no entry's address may be executed from its third byte", () => {
  const area = new TrampolineArea(TRAMPOLINES);
  for (let addr = area.take(), count = 0; addr >= 0; addr = area.take(), count++) {
    assert.ok(addr >= TRAMPOLINES + 0x2000);
    assert.equal((tableEntry(addr) >> 16) & 0xff, 6);
    assert.ok(tableEntry(addr) + 8 <= TRAMPOLINES + 0x2000);
    assert.ok(count < 1000);
  }
});
