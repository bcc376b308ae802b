import assert from "node:assert/strict";
import { test } from "node:test";
import { Field } from "../../runtime/spec/field.ts";
import { validateSeccomp } from "../../runtime/spec/validate-seccomp.ts";
import { BpfProgram } from "../../sentry/task/bpf.ts";
import type { SeccompProfile } from "../seccomp/profile.ts";
import { compileProfile } from "./seccomp-profile-unsafe.ts";

const ALLOW = 0x7fff_0000;
const errno = (value: number): number => 0x0005_0000 + value;
const ARCH = 0xc000_003e;

/** The verdict on a call; arguments up to 2^64. */
const judge =
  (profile: object) =>
  (nr: number, ...args: bigint[]): number => {
    const bpf = compileProfile(validateSeccomp(new Field(profile, "linux.seccomp")) as SeccompProfile);
    const program = BpfProgram.parse(new DataView(bpf.buffer, bpf.byteOffset, bpf.length), bpf.length / 8);
    const data = new Uint32Array(16);
    data[0] = nr;
    data[1] = ARCH;
    args.forEach((value, index) => {
      data[4 + index * 2] = Number(value & 0xffff_ffffn);
      data[5 + index * 2] = Number(value >> 32n);
    });
    return (program as BpfProgram).run(data) >>> 0;
  };

const [read, mkdir, personality, socket, openat2] = [0, 83, 135, 41, 437];

test("rules, default, errnoRet", () => {
  const verdict = judge({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 99,
    architectures: ["SCMP_ARCH_X86_64"],
    syscalls: [
      { names: ["read", "no_such_call", "openat2"], action: "SCMP_ACT_ALLOW" },
      { names: ["mkdir"], action: "SCMP_ACT_ERRNO" },
      { names: ["socket"], action: "SCMP_ACT_KILL_PROCESS" },
    ],
  });
  assert.deepEqual([verdict(read), verdict(mkdir), verdict(socket), verdict(1)], [ALLOW, errno(1), 0x8000_0000, errno(99)]);
  assert.equal(verdict(openat2 + 1), errno(38), "newer than the profile");
  assert.equal(verdict(0x4000_0000 + read), 0, "x32 is not listed: killed");
});

test("conditions: all of them, or one of several on the same argument, on 64 bits", () => {
  const args = [
    { index: 0, op: "SCMP_CMP_EQ", value: 2n ** 64n - 1n },
    { index: 0, op: "SCMP_CMP_EQ", value: 8 },
  ];
  const verdict = judge({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [
      { names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 5, args },
      {
        names: ["socket"],
        action: "SCMP_ACT_TRAP",
        args: [
          { index: 0, op: "SCMP_CMP_NE", value: 1 },
          { index: 1, op: "SCMP_CMP_MASKED_EQ", value: 0xf, valueTwo: 2 },
        ],
      },
    ],
  });
  assert.deepEqual(
    [0n, 8n, 2n ** 64n - 1n, 2n ** 32n - 1n].map((value) => verdict(personality, value)),
    [ALLOW, errno(5), errno(5), ALLOW],
  );
  assert.deepEqual([verdict(socket, 2n, 0x102n), verdict(socket, 1n, 2n), verdict(socket, 2n, 3n)], [0x0003_0000, ALLOW, ALLOW]);
  assert.equal(verdict(9999), ALLOW, "a permissive default needs no stub");
});

test("x32 has numbers of its own when it is listed", () => {
  const verdict = judge({
    defaultAction: "SCMP_ACT_ERRNO",
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_X86"],
    syscalls: [{ names: ["read", "personality"], action: "SCMP_ACT_ALLOW" }],
  });
  assert.deepEqual(
    [0, 1, 135, 136].map((nr) => verdict(0x4000_0000 + nr)),
    [ALLOW, errno(1), ALLOW, errno(38)],
  );
  assert.deepEqual(
    [0, 1, 135, 136].map((nr) => verdict(nr)),
    [ALLOW, errno(1), ALLOW, errno(38)],
  );
});

test("what makes no sense is refused by name", () => {
  const refuses = (profile: object, text: RegExp): void => {
    assert.throws(() => validateSeccomp(new Field(profile, "linux.seccomp")), text);
  };
  const syscalls = [{ names: ["read"], action: "SCMP_ACT_ALLOW" }];
  refuses({ defaultAction: "SCMP_ACT_NO", syscalls }, /defaultAction: string SCMP_ACT_NO is not a valid action/);
  refuses({ defaultAction: "SCMP_ACT_NOTIFY", syscalls }, /SCMP_ACT_NOTIFY/);
  refuses({ defaultAction: "SCMP_ACT_LOG", architectures: ["X"], syscalls }, /architectures\[0\]: string X is not a valid arch/);
  refuses({ defaultAction: "SCMP_ACT_LOG", flags: ["X"], syscalls }, /flags\[0\]/);
  refuses(
    { defaultAction: "SCMP_ACT_LOG", syscalls: [{ ...syscalls[0], args: [{ index: 6, op: "SCMP_CMP_EQ", value: 0 }] }] },
    /args\[0\]\.index/,
  );
  assert.equal(validateSeccomp(new Field({}, "linux.seccomp")), null);
});
