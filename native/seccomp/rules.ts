/** Seccomp filters as data: which system calls, with which arguments, end how. */
import { x86_64 } from "../../syscall-tables/numbers/x86_64.ts";

export type SyscallName = (typeof x86_64)[keyof typeof x86_64];

/** SECCOMP_RET_* of linux/seccomp.h; `errno` is positive. */
export type FilterAction = "allow" | "trap" | "kill-process" | "log" | { readonly errno: number };

/** A condition on one argument; with several, all must hold. */
export interface ArgumentCheck {
  /** 0..5 */
  readonly index: number;
  readonly op: "==" | "!=" | "<" | "<=" | ">" | ">=" | "masked";
  /** Up to 2^53; compared as unsigned 64 bits. */
  readonly value: number;
  /** For "masked": (argument & mask) == value. */
  readonly mask?: number;
}

export interface FilterRule {
  readonly syscall: SyscallName;
  readonly args?: readonly ArgumentCheck[];
  /** "allow" when absent. */
  readonly action?: FilterAction;
}

export interface FilterSpec {
  /** For whatever no rule names. */
  readonly default: FilterAction;
  readonly rules: readonly FilterRule[];
}

/** The SECCOMP_RET_* word. */
export const actionWord = (action: FilterAction): number => {
  if (typeof action === "object") return 0x0005_0000 | (action.errno & 0xffff);
  switch (action) {
    case "allow":
      return 0x7fff_0000;
    case "trap":
      return 0x0003_0000;
    case "log":
      return 0x7ffc_0000;
    case "kill-process":
      return 0x8000_0000;
  }
};

const numbers = new Map<string, number>(Object.entries(x86_64).map(([number, name]) => [name, Number(number)]));

export const syscallNumber = (name: SyscallName): number => numbers.get(name) as number;

/** Rules that allow these calls with any arguments. */
export const allow = (...names: SyscallName[]): FilterRule[] => names.map((syscall) => ({ syscall }));

/** Rules that allow a call when one argument has one of the values (its low 32 bits: ints and flags). */
export const allowValues = (syscall: SyscallName, index: number, values: readonly number[]): FilterRule[] =>
  values.map((value) => ({ syscall, args: [{ index, op: "masked", mask: 0xffff_ffff, value }] }));
