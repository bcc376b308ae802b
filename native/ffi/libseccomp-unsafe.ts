/** libseccomp through koffi: compiles rule lists to BPF; and seccomp(2), which installs them. */

import koffi from "koffi";
import {
  PR_SET_NO_NEW_PRIVS,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_SET_MODE_FILTER,
} from "../../syscall-tables/flags/prctl.ts";
import { precompiled } from "../seccomp/precompiled.ts";
import { type ArgumentCheck, actionWord, type FilterSpec, syscallNumber } from "../seccomp/rules.ts";
import { hostCall3, hostCall6, memoryOnUse } from "./syscall-unsafe.ts";

const SYS_close = 3;
const SYS_pread64 = 17;
const SYS_prctl = 157;
const SYS_seccomp = 317;
const SYS_memfd_create = 319;
const SCMP_FLTATR_ACT_BADARCH = 2;
const SCMP_FLTATR_CTL_OPTIMIZE = 8;
/** A binary tree: the order of rules is no matter of speed. */
const OPTIMIZE_TREE = 2;
const EEXIST = -17;
/** BPF_MAXINSNS of linux/bpf_common.h. */
const MAX_INSTRUCTIONS = 4096;

const compareOps = { "!=": 1, "<": 2, "<=": 3, "==": 4, ">=": 5, ">": 6, masked: 7 } as const;
/** sizeof(struct scmp_arg_cmp) */
const CHECK_SIZE = 24;

type Call = (...args: unknown[]) => number;

export interface Seccomp {
  readonly init: (action: number) => unknown;
  readonly release: (context: unknown) => void;
  readonly setAttribute: Call;
  readonly addArchitecture: Call;
  /** Has the program made as a tree. Unknown to libseccomp before 2.5: then it is a list, and still right. */
  readonly optimize: (context: unknown) => void;
  readonly addRule: Call;
  readonly exportBpf: Call;
}

export const openLibrary = (): Seccomp => {
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load("libseccomp.so.2");
  } catch {
    throw new Error("libseccomp is missing; install it, for instance: apt-get install libseccomp2");
  }
  const setAttribute = library.func("int seccomp_attr_set(void *, uint32_t, uint32_t)") as Call;
  return {
    init: library.func("void *seccomp_init(uint32_t)") as never,
    release: library.func("void seccomp_release(void *)") as never,
    setAttribute,
    addArchitecture: library.func("int seccomp_arch_add(void *, uint32_t)") as never,
    optimize: (context) => {
      setAttribute(context, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
    },
    addRule: library.func("int seccomp_rule_add_array(void *, uint32_t, int, uint32_t, void *)") as never,
    exportBpf: library.func("int seccomp_export_bpf(void *, int)") as never,
  };
};

const ownMemory = memoryOnUse(MAX_INSTRUCTIONS * 8 + 4096);

const writeChecks = (checks: readonly ArgumentCheck[]): void => {
  const { view } = ownMemory();
  const store64 = (at: number, value: number): void => {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  };
  for (const [i, check] of checks.entries()) {
    view.setUint32(i * CHECK_SIZE, check.index, true);
    view.setUint32(i * CHECK_SIZE + 4, compareOps[check.op], true);
    store64(i * CHECK_SIZE + 8, check.op === "masked" ? (check.mask ?? 0) : check.value);
    store64(i * CHECK_SIZE + 16, check.op === "masked" ? check.value : 0);
  }
};

const must = (what: string, result: number): number => {
  if (result < 0) throw new Error(`${what}: errno ${-result}`);
  return result;
};

export const exportProgram = (library: Seccomp, context: unknown): Uint8Array => {
  const memory = ownMemory();
  const memfd = must("memfd_create", hostCall3(SYS_memfd_create, memory.address + memory.length - 1, 1));
  must("seccomp_export_bpf", library.exportBpf(context, memfd));
  const length = must("pread", hostCall6(SYS_pread64, memfd, memory.address, MAX_INSTRUCTIONS * 8, 0));
  hostCall3(SYS_close, memfd);
  return memory.u8.slice(0, length);
};

/** Compiles to the bytes of an array of struct sock_filter. Another architecture or x32 kills the process. */
export const compileFilter = (spec: FilterSpec): Uint8Array => {
  const known = precompiled[JSON.stringify(spec)];
  if (known !== undefined) return Buffer.from(known, "base64");
  const library = openLibrary();
  const context = library.init(actionWord(spec.default));
  if (context === null) throw new Error("seccomp_init refused the default action");
  must("seccomp_attr_set", library.setAttribute(context, SCMP_FLTATR_ACT_BADARCH, actionWord("kill-process")));
  library.optimize(context);
  for (const { syscall, args = [], action = "allow" } of spec.rules) {
    writeChecks(args);
    const result = library.addRule(context, actionWord(action), syscallNumber(syscall), args.length, BigInt(ownMemory().address));
    if (result !== EEXIST) must(`the rule for ${syscall}`, result);
  }
  const bpf = exportProgram(library, context);
  library.release(context);
  return bpf;
};

/** Installs a compiled filter on this thread, or with `tsync` on all threads of the process. For ever. */
export const installFilter = (bpf: Uint8Array, options: { tsync: boolean }): void => {
  const programAt = 16;
  const memory = ownMemory();
  memory.view.setUint16(0, bpf.length / 8, true);
  memory.view.setUint32(8, (memory.address + programAt) >>> 0, true);
  memory.view.setUint32(12, Math.floor((memory.address + programAt) / 2 ** 32), true);
  memory.u8.set(bpf, programAt);
  must("prctl(PR_SET_NO_NEW_PRIVS)", hostCall6(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1));
  // Without SPEC_ALLOW, kernels before 5.16 slow the whole process down (seccomp(2)); it runs no foreign code.
  const flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW | (options.tsync ? SECCOMP_FILTER_FLAG_TSYNC : 0);
  const result = must("seccomp", hostCall3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, memory.address));
  if (result > 0) throw new Error(`seccomp: thread ${result} cannot take the filter`);
};
