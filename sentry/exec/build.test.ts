/** Images of all kinds into a fake process: what is mapped where, and what a program finds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EEXIST, EINVAL, EPERM, isErrno } from "../abi/errno.ts";
import { PAGE_SIZE } from "../abi/mman.ts";
import { fakeKernel, HostModel } from "../mm/fake-task.ts";
import { ELF_ET_DYN_BASE } from "../mm/layout.ts";
import type { GuestThread } from "../platform/platform.ts";
import { R_RAX, R_RIP, R_RSP } from "../platform/registers.ts";
import { Credentials } from "../task/credentials.ts";
import { Limits } from "../task/limits.ts";
import { buildAddressSpace } from "./build.ts";
import type { Segment } from "./elf.ts";
import type { Loaded } from "./load.ts";
import type { ElfFile } from "./open.ts";

const ET_EXEC = 2;
const ET_DYN = 3;
const load = (vaddr: number, memsz: number, filesz: number, offset: number, flags: number, align = 4096): Segment => ({
  type: 1,
  flags,
  offset,
  vaddr,
  filesz,
  memsz,
  align,
});

const elf = (type: number, segments: Segment[], entry = 0x1040, fd = 9): ElfFile => {
  const file = { take: () => file, put: () => {}, inode: { execCount: 0, fs: { device: 1 }, ino: fd }, path: null };
  const mapping = { inode: file.inode, name: `/elf${fd}`, hostFd: () => fd, takeMapping: () => {}, putMapping: () => {} };
  return { file, mapping, header: { type, entry, phoff: 64, phnum: segments.length }, segments } as unknown as ElfFile;
};

const fakeThread = () => {
  const host = new HostModel();
  const writes: { addr: number; bytes: Uint8Array }[] = [];
  const regs = new Map<number, number>();
  const thread = {
    ops: host,
    isRunning: false,
    memory: {
      writeFrom: (addr: number, source: Uint8Array, at: number, length: number) => {
        writes.push({ addr, bytes: source.slice(at, at + length) });
        return length;
      },
    },
    regs: {
      set: (index: number, value: number) => regs.set(index, value),
      setHalves: (index: number, lo: number, hi: number) => regs.set(index, lo + hi * 2 ** 32),
      fsBase: 1,
      gsBase: 1,
    },
  };
  return { thread: thread as unknown as GuestThread, host, writes, regs };
};

const build = (program: ElfFile, interpreter: ElfFile | null = null, env: string[] = []) => {
  const fake = fakeThread();
  const kernel = fakeKernel([{ start: 0x6000_0000, end: 0x6001_0000, name: "" }]);
  const loaded: Loaded = {
    program,
    interpreter,
    argv: ["a"],
    env,
    name: "/a",
    taskName: "a",
    credentials: { creds: Credentials.create(0, 0), isSecure: false, hasChanged: false, personalityClear: 0 },
  };
  const mm = buildAddressSpace(kernel, fake.thread, loaded, { limits: new Limits(), isRandomized: true });
  return { mm, ...fake };
};

const built = (program: ElfFile, interpreter: ElfFile | null = null, env: string[] = []) => {
  const result = build(program, interpreter, env);
  const { mm } = result;
  if (isErrno(mm)) throw new Error(`errno ${mm}`);
  return { ...result, mm };
};

test("a dynamic program: text, data with bss, interpreter, heap and stack", () => {
  const program = elf(ET_DYN, [load(0, 0x1000, 0x1000, 0, 5), load(0x2e00, 0x2000, 0x300, 0x1e00, 6)]);
  const interpreter = elf(ET_DYN, [load(0, 0x800, 0x800, 0, 5)], 0x100, 10);
  const { mm, writes, regs, host } = built(program, interpreter);
  const areas = [...mm.vmas()];
  assert.deepEqual(
    areas.map((vma) => `${vma.permissions} ${vma.length / PAGE_SIZE} ${mm.vmaName(vma)}`),
    ["r-xp 1 /elf9", "rw-p 2 /elf9", "rw-p 1 ", "r-xp 1 /elf10", "rw-p 2048 [stack]"],
  );
  const base = areas[0].start;
  assert.ok(base >= ELF_ET_DYN_BASE);
  assert.equal(areas[1].start, base + 0x2000);
  assert.equal(areas[1].offset, 0x1000);
  // The rest of the last file page is zeroed after the mappings; the stack's content comes in one piece.
  assert.deepEqual(
    writes.map((write) => [write.addr, write.bytes.length]).filter(([addr]) => addr < areas[3].start),
    [[base + 0x3100, 0xf00]],
  );
  assert.equal(regs.get(R_RIP), areas[3].start + 0x100);
  assert.equal(regs.get(R_RSP), mm.stackStart);
  assert.equal(regs.get(R_RAX), 0);
  assert.ok(mm.brkStart >= base + 0x5000 && mm.brkStart % PAGE_SIZE === 0);
  assert.equal(mm.totalPages, 5 + 32 + Math.ceil((mm.layout.stackTop - mm.stackStart) / PAGE_SIZE));
  assert.equal(host.onFailure, null);
  const view = new DataView(mm.auxv.buffer, mm.auxv.byteOffset);
  const auxv = new Map<number, number>();
  for (let at = 0; at < mm.auxv.length; at += 16) auxv.set(view.getUint32(at, true), Number(view.getBigUint64(at + 8, true)));
  assert.deepEqual([auxv.get(3), auxv.get(7), auxv.get(9)], [base + 64, areas[3].start, base + 0x1040]);
  assert.deepEqual([...auxv.keys()].slice(-4), [26, 31, 15, 0]);
});

test("fixed addresses, and a program without an interpreter among the mappings", () => {
  const fixed = built(elf(ET_EXEC, [load(0x40_0000, 0x1000, 0x1000, 0, 5)], 0x40_0040));
  assert.equal(fixed.regs.get(R_RIP), 0x40_0040);
  assert.equal([...fixed.mm.vmas()][0].start, 0x40_0000);
  const pie = built(elf(ET_DYN, [load(0, 0x3000, 0x3000, 0, 5, 0x20_0000)]));
  const [area] = [...pie.mm.vmas()];
  assert.ok(area.start > 0x7000_0000_0000 && area.start % 0x20_0000 === 0);
  assert.ok(pie.mm.brkStart < 0x6000_0000_0000);
});

test("hostile images are refused with what Linux finds wrong", () => {
  const cases: [string, Segment[], number, number][] = [
    ["nothing to load", [{ ...load(0, 0, 0, 0, 5), type: 2 }], ET_EXEC, EINVAL],
    ["more in the file than in memory", [load(0x40_0000, 0x10, 0x20, 0, 5)], ET_EXEC, EINVAL],
    ["offset and address differ within the page", [load(0x40_0010, 0x20, 0x20, 0x20, 5)], ET_EXEC, EINVAL],
    ["offset below the page", [load(0x40_0800, 0x20, 0x20, 0x100, 5)], ET_EXEC, EINVAL],
    ["page 0", [load(0, 0x1000, 0x1000, 0, 5)], ET_EXEC, EPERM],
    ["the kernel's half", [load(0xffff_8000_0000_0000, 0x1000, 0x1000, 0, 5)], ET_EXEC, EINVAL],
    ["wraps round", [load(0x40_0000, 2 ** 64 - 4096, 0x1000, 0, 5)], ET_EXEC, EINVAL],
    ["on the platform", [load(0x6000_0000, 0x1000, 0x1000, 0, 5)], ET_EXEC, EEXIST],
    ["an absurd offset", [load(0x40_0000, 0x1000, 0x1000, 2 ** 63, 5)], ET_EXEC, EINVAL],
  ];
  for (const [name, segments, type, error] of cases) assert.equal(build(elf(type, segments)).mm, error, name);
  const far = build(elf(ET_DYN, [load(0, 0x1000, 0x1000, 0, 5), load(2 ** 62, 0x1000, 0x1000, 0x1000, 6)]));
  assert.ok(isErrno(far.mm));
  assert.equal(build(elf(ET_EXEC, [load(0x40_0000, 0x1000, 0x1000, 0, 5)], 2 ** 63)).mm, EINVAL);
});

test("addresses that leave the 64 bits do no harm", () => {
  const phdr = { ...load(2 ** 64 - 1, 0, 0, 0, 4), type: 6 };
  built(elf(ET_EXEC, [phdr, load(0x40_0000, 0x1000, 0x1000, 0, 5)], 0x40_0000));
  const interpreter = elf(ET_DYN, [load(0, 0x800, 0x800, 0, 5)], 0x100, 10);
  const low = { ...load(1, 0, 0, 0, 4), type: 6 };
  built(elf(ET_DYN, [low, load(0x7000_0000_0000, 0x1000, 0x1000, 0, 5)], 0x7000_0000_0010), interpreter);
  assert.equal(build(elf(ET_DYN, [load(0x7000_0000_0000, 0x1000, 0x1000, 0, 5)], 0x10), interpreter).mm, EINVAL);
});

test("overlapping segments: the later one wins", () => {
  const { mm } = built(elf(ET_EXEC, [load(0x40_0000, 0x3000, 0x3000, 0, 5), load(0x40_1000, 0x1000, 0x1000, 0x5000, 6)], 0x40_0000));
  assert.deepEqual(
    [...mm.vmas()].slice(0, 3).map((vma) => [vma.permissions, vma.offset]),
    [
      ["r-xp", 0],
      ["rw-p", 0x5000],
      ["r-xp", 0x2000],
    ],
  );
});

test("an executable stack when the program asks for it", () => {
  const stack = { ...load(0, 0, 0, 0, 7), type: 0x6474_e551 };
  const { mm } = built(elf(ET_EXEC, [load(0x40_0000, 0x1000, 0x1000, 0, 5), stack], 0x40_0000));
  assert.equal(mm.find(mm.stackStart)?.permissions, "rwxp");
});
