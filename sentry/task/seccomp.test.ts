import assert from "node:assert/strict";
import { test } from "node:test";
import { SIGSYS } from "../../syscall-tables/flags/signal.ts";
import { EACCES, EINVAL } from "../abi/errno.ts";

import { R_RDI } from "../platform/registers.ts";
import { sys_prctl } from "../syscalls/process/prctl.ts";
import { sys_seccomp } from "../syscalls/process/seccomp.ts";
import { BpfProgram } from "./bpf.ts";
import { Credentials } from "./credentials.ts";
import { call, FakeKernel, memoryOf, threadOf } from "./fake-guest.ts";
import { finishSyscall } from "./run.ts";
import type { Task } from "./task.ts";

type Instruction = readonly [code: number, yes: number, no: number, k: number];
const LD = 0x20;
const JEQ = 0x15;
const RET = 0x06;
const ALLOW = 0x7fff_0000;
const ERRNO = 0x0005_0000;

const assemble = (program: readonly Instruction[]): DataView => {
  const view = new DataView(new ArrayBuffer(program.length * 8));
  program.forEach(([code, yes, no, k], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, yes);
    view.setUint8(i * 8 + 3, no);
    view.setUint32(i * 8 + 4, k, true);
  });
  return view;
};

const install = (task: Task, program: readonly Instruction[], flags = 0): number => {
  const memory = memoryOf(task);
  const filterAddr = memory.put(new Uint8Array(assemble(program).buffer));
  return call(task, sys_seccomp, 1, flags, memory.putLongs(program.length, filterAddr));
};

/** ERRNO(`errno`) for call `nr`, everything else allowed. */
const refuse = (nr: number, errno: number): Instruction[] => [
  [LD, 0, 0, 0],
  [JEQ, 0, 1, nr],
  [RET, 0, 0, ERRNO | errno],
  [RET, 0, 0, ALLOW],
];

const run = (program: readonly Instruction[], words: Uint32Array): number | undefined =>
  BpfProgram.parse(assemble(program), program.length)?.run(words);

test("arithmetic, memory and jumps", () => {
  const words = new Uint32Array(16);
  words[0] = 10;
  const compute: Instruction[] = [
    [LD, 0, 0, 0],
    [0x24, 0, 0, 0x8000_0001], // a *= k, wrapping
    [0x02, 0, 0, 3], // M[3] = a
    [0x07, 0, 0, 0], // x = a
    [0x00, 0, 0, 1], // a = 1
    [0x0c, 0, 0, 0], // a += x
    [0x84, 0, 0, 0], // a = -a
    [0x61, 0, 0, 3], // x = M[3]
    [0xac, 0, 0, 0], // a ^= x
    [0x16, 0, 0, 0],
  ];
  const a = Math.imul(10, 0x8000_0001) >>> 0;
  assert.equal(run(compute, words), ((-(a + 1) >>> 0) ^ a) >>> 0);
  assert.equal(
    run(
      [
        [0x01, 0, 0, 0],
        [0x3c, 0, 0, 0],
        [0x16, 0, 0, 0],
      ],
      words,
    ),
    0,
  );
});

test("programs that bpf_check_classic refuses", () => {
  const words = new Uint32Array(16);
  const bad: Instruction[][] = [
    [],
    [[LD, 0, 0, 0]],
    [
      [LD, 0, 0, 64],
      [RET, 0, 0, 0],
    ],
    [
      [LD, 0, 0, 2],
      [RET, 0, 0, 0],
    ],
    [
      [JEQ, 1, 0, 0],
      [RET, 0, 0, 0],
    ],
    [
      [0x05, 0, 0, 9],
      [RET, 0, 0, 0],
    ],
    [
      [0x34, 0, 0, 0],
      [RET, 0, 0, 0],
    ],
    [
      [0x64, 0, 0, 32],
      [RET, 0, 0, 0],
    ],
    [
      [0x60, 0, 0, 3],
      [RET, 0, 0, 0],
    ],
    [
      [0x94, 0, 0, 3],
      [RET, 0, 0, 0],
    ],
    [
      [0x28, 0, 0, 0],
      [RET, 0, 0, 0],
    ],
  ];
  for (const program of bad) assert.equal(run(program, words), undefined);
});

test("filters stack: the strictest wins, of equal ones the newest", () => {
  const kernel = new FakeKernel();
  const task = kernel.start();
  assert.equal(install(task, refuse(1, 5)), 0);
  assert.equal(install(task, refuse(1, 7)), 0);
  assert.equal(install(task, refuse(2, 9)), 0);
  assert.equal(task.seccomp?.check(task, 1, 0), -7);
  assert.equal(task.seccomp?.check(task, 2, 0), -9);
  assert.equal(task.seccomp?.check(task, 3, 0), null);
  assert.equal(task.seccomp?.check(task, 3, 0), null);
  assert.equal(task.seccomp?.count, 3);
});

test("arguments and their high halves are seen", () => {
  const kernel = new FakeKernel();
  const task = kernel.start();
  assert.equal(
    install(task, [
      [LD, 0, 0, 20],
      [JEQ, 0, 1, 0xabcd],
      [RET, 0, 0, ERRNO | 1],
      [RET, 0, 0, ALLOW],
    ]),
    0,
  );
  threadOf(task).regs.setHalves(R_RDI, 0, 0xabcd);
  assert.equal(task.seccomp?.check(task, 1, 0), -1);
  threadOf(task).regs.setHalves(R_RDI, 0xabcd, 0);
  assert.equal(task.seccomp?.check(task, 1, 0), null);
});

test("a filter needs no_new_privs or CAP_SYS_ADMIN", () => {
  const kernel = new FakeKernel();
  const task = kernel.start(Credentials.create(1000, 1000));
  assert.equal(install(task, refuse(1, 5)), EACCES);
  assert.equal(call(task, sys_prctl, 38, 1, 0, 0, 0), 0);
  assert.equal(install(task, [[LD, 0, 0, 0]]), EINVAL);
  assert.equal(install(task, refuse(1, 5)), 0);
  assert.equal(call(task, sys_prctl, 21, 0, 0, 0, 0), 2);
});

test("KILL ends with SIGSYS", () => {
  const kernel = new FakeKernel();
  const task = kernel.start();
  assert.equal(install(task, [[RET, 0, 0, 0x8000_0000]]), 0);
  const verdict = task.seccomp?.check(task, 1, 0);
  assert.equal(typeof verdict, "number");
  threadOf(task).isRunning = false;
  finishSyscall(task, verdict as number);
  assert.equal(task.process.exitStatus, SIGSYS);
});
