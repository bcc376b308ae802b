/**
 * The check that libseccomp cannot express: where the call instruction stands. Guest threads
 * may call the host only from the stub's text; everywhere else the call traps to the stub.
 */
import { AUDIT_ARCH_X86_64 } from "../../syscall-tables/limits.ts";
import { instructionWriter } from "./instructions.ts";
import { actionWord, type FilterAction } from "./rules.ts";

const BPF_LD_W_ABS = 0x20;
const BPF_JEQ_K = 0x15;
const BPF_JGT_K = 0x25;
const BPF_RET_K = 0x06;
// struct seccomp_data
const OFFSET_ARCH = 4;
const OFFSET_IP_LOW = 8;
const OFFSET_IP_HIGH = 12;
const ENOSYS = 38;

/**
 * Puts the check in front of `bpf` (a compiled filter for calls from inside): calls from
 * outside (textStart, textEnd] get `outside`; calls of another architecture (int 0x80) get
 * `wrongArch` wherever they stand, since their numbers mean other calls. Calls with the x32
 * bit are ordinary unknown numbers outside, and for libseccomp's own check inside.
 *
 * seccomp_data's instruction pointer is the address *after* the call: a guest's call right
 * below the text has textStart itself, hence the open lower end.
 */
export const prependIpCheck = (
  bpf: Uint8Array,
  textStart: number,
  textEnd: number,
  outside: FilterAction,
  wrongArch: FilterAction = { errno: ENOSYS },
): Uint8Array => {
  const high = Math.floor(textStart / 2 ** 32);
  if (Math.floor(textEnd / 2 ** 32) !== high) throw new Error("the stub's text crosses a multiple of 4 GiB");
  const { emit, finish } = instructionWriter();
  emit(BPF_LD_W_ABS, 0, 0, OFFSET_ARCH);
  emit(BPF_JEQ_K, 1, 0, AUDIT_ARCH_X86_64);
  emit(BPF_RET_K, 0, 0, actionWord(wrongArch));
  emit(BPF_LD_W_ABS, 0, 0, OFFSET_IP_HIGH);
  emit(BPF_JEQ_K, 0, 3, high);
  emit(BPF_LD_W_ABS, 0, 0, OFFSET_IP_LOW);
  emit(BPF_JGT_K, 0, 1, textStart >>> 0);
  emit(BPF_JGT_K, 0, 1, textEnd >>> 0);
  emit(BPF_RET_K, 0, 0, actionWord(outside));
  return finish(bpf);
};
