/**
 * Calls that are newer than a profile: runc puts a piece of program in front of libseccomp's that
 * answers ENOSYS for numbers above the largest one that the profile names, so that C libraries
 * fall back to older calls (its libcontainer/seccomp/patchbpf).
 */
import { AUDIT_ARCH_X86_64 } from "../../syscall-tables/limits.ts";
import { instructionWriter } from "./instructions.ts";

const BPF_LD_W_ABS = 0x20;
const BPF_JEQ_K = 0x15;
const BPF_JGT_K = 0x25;
const BPF_JSET_K = 0x45;
const BPF_RET_K = 0x06;
const OFFSET_NR = 0;
const OFFSET_ARCH = 4;
const X32_SYSCALL_BIT = 0x4000_0000;
const LARGEST = 0xffff_ffff;

export const RET_ERRNO_ENOSYS = 0x0005_0026;
const RET_TRACE = 0x7ff0_0000;
const RET_LOG = 0x7ffc_0000;
const RET_ALLOW = 0x7fff_0000;

/** Profiles that let unknown calls through, or say ENOSYS themselves, need no stub. */
export const needsEnosysStub = (defaultAction: number): boolean => {
  const action = (defaultAction & 0xffff_0000) >>> 0;
  return defaultAction !== RET_ERRNO_ENOSYS && action !== RET_TRACE && action !== RET_LOG && action !== RET_ALLOW;
};

/** The largest numbers that are named; null: not an architecture of the profile, libseccomp's program decides. */
export const prependEnosysStub = (bpf: Uint8Array, largest: number | null, largestX32: number | null): Uint8Array => {
  const { emit, finish } = instructionWriter();
  emit(BPF_LD_W_ABS, 0, 0, OFFSET_ARCH);
  emit(BPF_JEQ_K, 0, 5, AUDIT_ARCH_X86_64);
  emit(BPF_LD_W_ABS, 0, 0, OFFSET_NR);
  emit(BPF_JSET_K, 1, 0, X32_SYSCALL_BIT);
  emit(BPF_JGT_K, 1, 2, largest ?? LARGEST);
  emit(BPF_JGT_K, 0, 1, largestX32 ?? LARGEST);
  emit(BPF_RET_K, 0, 0, RET_ERRNO_ENOSYS);
  return finish(bpf);
};
