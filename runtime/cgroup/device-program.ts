/** Cgroup v2 has no device files: a BPF program of the cgroup decides (Documentation/admin-guide/cgroup-v2.rst, "Device controller"). */
import { attachDeviceProgram } from "../../native/ffi/bpf-unsafe.ts";
import { type DeviceState, stateAfter } from "./devices.ts";
import { CgroupError, type DeviceRule } from "./resources.ts";

/** Opcodes of <linux/bpf.h> that are needed, by what they do to 32 bits. */
const LOAD_WORD = 0x61;
const AND = 0x54;
const SHIFT_RIGHT = 0x74;
const COPY = 0xbc;
const SET = 0xb7;
const SKIP_IF_EQUAL = 0x16;
const SKIP_UNLESS_EQUAL = 0x56;
const SKIP_UNLESS_SAME = 0x5e;
const EXIT = 0x95;
/** Registers. */
const RESULT = 0;
const CONTEXT = 1;
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;
const SCRATCH = 1;

/** BPF_DEVCG_* */
const TYPES: Readonly<Record<string, number>> = { b: 1, c: 2 };
const ACCESSES: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };

type Instruction = readonly [code: number, target: number, source: number, offset: number, immediate: number];

const exceptionBlock = (key: string, access: string, allowsByDefault: boolean): Instruction[] => {
  const [type, numbers] = key.split(" ");
  const [major, minor] = numbers.split(":");
  const mask = [...access].reduce((bits, letter) => bits | ACCESSES[letter], 0);
  const body: Instruction[] = [
    [SKIP_UNLESS_EQUAL, TYPE, 0, 0, TYPES[type]],
    [COPY, SCRATCH, ACCESS, 0, 0],
    [AND, SCRATCH, 0, 0, mask],
    // Allowed: all that is asked for is in the rule. Forbidden: some of it is.
    allowsByDefault ? [SKIP_IF_EQUAL, SCRATCH, 0, 0, 0] : [SKIP_UNLESS_SAME, SCRATCH, ACCESS, 0, 0],
  ];
  if (major !== "*") body.push([SKIP_UNLESS_EQUAL, MAJOR, 0, 0, Number(major)]);
  if (minor !== "*") body.push([SKIP_UNLESS_EQUAL, MINOR, 0, 0, Number(minor)]);
  body.push([SET, RESULT, 0, 0, allowsByDefault ? 0 : 1], [EXIT, 0, 0, 0, 0]);
  const skips = new Set([SKIP_IF_EQUAL, SKIP_UNLESS_EQUAL, SKIP_UNLESS_SAME]);
  return body.map((instruction, at) => {
    const [code, target, source, , immediate] = instruction;
    return skips.has(code) ? [code, target, source, body.length - at - 1, immediate] : instruction;
  });
};

/** A program for BPF_PROG_TYPE_CGROUP_DEVICE: 1 allows, 0 forbids. */
export const deviceProgram = ({ allowsByDefault, exceptions }: DeviceState): Uint8Array => {
  const program: Instruction[] = [
    [LOAD_WORD, TYPE, CONTEXT, 0, 0],
    [LOAD_WORD, ACCESS, CONTEXT, 0, 0],
    [LOAD_WORD, MAJOR, CONTEXT, 4, 0],
    [LOAD_WORD, MINOR, CONTEXT, 8, 0],
    [AND, TYPE, 0, 0, 0xffff],
    [SHIFT_RIGHT, ACCESS, 0, 0, 16],
    ...[...exceptions].flatMap(([key, access]) => exceptionBlock(key, access, allowsByDefault)),
    [SET, RESULT, 0, 0, allowsByDefault ? 1 : 0],
    [EXIT, 0, 0, 0, 0],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, target, source, offset, immediate], index) => {
    bytes.writeUInt8(code, index * 8);
    bytes.writeUInt8((source << 4) | target, index * 8 + 1);
    bytes.writeInt16LE(offset, index * 8 + 2);
    bytes.writeInt32LE(immediate | 0, index * 8 + 4);
  });
  return bytes;
};

/** Replaces the container's program. */
export const applyDevicesV2 = (directory: string, rules: readonly DeviceRule[]): void => {
  const error = attachDeviceProgram(directory, deviceProgram(stateAfter(rules)));
  if (error < 0) throw new CgroupError(`cannot attach the device program to ${directory}: errno ${-error}`);
};
