/** bpf(2) for cgroup device programs. */

import { closeSync, openSync } from "node:fs";
import {
  BPF_PROG_ATTACH,
  BPF_PROG_DETACH,
  BPF_PROG_GET_FD_BY_ID,
  BPF_PROG_LOAD,
  BPF_PROG_QUERY,
} from "../../syscall-tables/flags/system.ts";
import { allocateMemory, type HostMemory, hostCall3, hostClose } from "./syscall-unsafe.ts";

const SYS_bpf = 321;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const INSTRUCTION_SIZE = 8;
const ATTRIBUTE_SIZE = 128;
const PROGRAMS_MAX = 64;

const pointer = (memory: HostMemory, at: number, address: number): void => {
  memory.view.setBigUint64(at, BigInt(address), true);
};

const call = (command: number, attribute: HostMemory): number => hostCall3(SYS_bpf, command, attribute.address, ATTRIBUTE_SIZE);

/** Words of 32 bits by their offset. */
const words = (values: Readonly<Record<number, number>>): HostMemory => {
  const attribute = allocateMemory(ATTRIBUTE_SIZE);
  for (const [at, value] of Object.entries(values)) attribute.view.setUint32(Number(at), value, true);
  return attribute;
};

/** The ids of the programs that the cgroup itself has. */
const attachedIds = (cgroup: number): number[] => {
  const ids = allocateMemory(PROGRAMS_MAX * 4);
  const attribute = words({ 0: cgroup, 4: BPF_CGROUP_DEVICE, 24: PROGRAMS_MAX });
  pointer(attribute, 16, ids.address);
  if (call(BPF_PROG_QUERY, attribute) < 0) return [];
  return [...ids.u32.subarray(0, Math.min(PROGRAMS_MAX, attribute.view.getUint32(24, true)))];
};

const attach = (cgroup: number, program: number): number =>
  call(BPF_PROG_ATTACH, words({ 0: cgroup, 4: program, 8: BPF_CGROUP_DEVICE, 12: BPF_F_ALLOW_MULTI }));

const detach = (cgroup: number, program: number): number => call(BPF_PROG_DETACH, words({ 0: cgroup, 4: program, 8: BPF_CGROUP_DEVICE }));

const load = (instructions: Uint8Array): number => {
  const code = allocateMemory(instructions.length);
  code.u8.set(instructions);
  const license = allocateMemory(8);
  license.u8.set(Buffer.from("MIT\0", "latin1"));
  const attribute = words({ 0: BPF_PROG_TYPE_CGROUP_DEVICE, 4: instructions.length / INSTRUCTION_SIZE });
  pointer(attribute, 8, code.address);
  pointer(attribute, 16, license.address);
  return call(BPF_PROG_LOAD, attribute);
};

/** The cgroup's only device program is this one afterwards. 0 or a negative errno. */
export const attachDeviceProgram = (directory: string, instructions: Uint8Array): number => {
  const cgroup = openSync(directory, "r");
  const program = load(instructions);
  let result = program;
  if (program >= 0) {
    const before = attachedIds(cgroup);
    result = attach(cgroup, program);
    for (const id of result < 0 ? [] : before) {
      const old = call(BPF_PROG_GET_FD_BY_ID, words({ 0: id }));
      if (old < 0) continue;
      detach(cgroup, old);
      hostClose(old);
    }
    hostClose(program);
  }
  closeSync(cgroup);
  return Math.min(0, result);
};
