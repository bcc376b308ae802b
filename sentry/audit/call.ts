/**
 * One system call as the printer sees it: raw registers, the signature, and guest memory.
 * Everything here is best effort and read only: a bad pointer is printed, never reported.
 */

import type { Signature } from "../../syscall-tables/kinds.ts";
import { TWO_32 } from "../../syscall-tables/limits.ts";
import type { UserAddr, UserMemory } from "../mm/user-memory.ts";

/** What the printer reads guest memory through. */
export type PeekMemory = Pick<UserMemory, "copyIn" | "viewIn" | "loadU64" | "readCString">;

/** What the printer needs of a task. */
export interface Traced {
  readonly tid: number;
  readonly memory: PeekMemory;
}

export interface Call {
  readonly name: string;
  readonly signature: Signature;
  memory: PeekMemory;
  /** Low and high halves of the six arguments: lo0, hi0, lo1, … */
  readonly words: Uint32Array;
  /** Null until the call returns. */
  result: number | null;
  /** What a descriptor (or AT_FDCWD) refers to. */
  readonly describeFd: (fd: number) => string | null;
}

export const argI32 = ({ words }: Call, index: number): number => words[index * 2] | 0;
export const argU32 = ({ words }: Call, index: number): number => words[index * 2];
/** As a double, hence inexact from 2^53 on. */
export const argU64 = ({ words }: Call, index: number): number => words[index * 2 + 1] * TWO_32 + words[index * 2];
export const argI64 = ({ words }: Call, index: number): number => (words[index * 2 + 1] | 0) * TWO_32 + words[index * 2];
export const argAddr: (call: Call, index: number) => UserAddr = argU64;

/** The index of the argument called `name`; self-tests prove that it exists. */
export const argIndex = ({ signature }: Call, name: string): number => signature.args.findIndex((arg) => arg.name === name);

/** True once the call has returned and succeeded. */
export const hasSucceeded = ({ result }: Call): boolean => result !== null && result >= 0;

/** `length` guest bytes, or null when any of them cannot be read. */
export const peekBytes = (memory: PeekMemory, addr: UserAddr, length: number): Uint8Array | null => {
  const bytes = memory.copyIn(addr, length);
  return typeof bytes === "number" ? null : bytes;
};

export const peekView = (memory: PeekMemory, addr: UserAddr, length: number): DataView | null => {
  const view = memory.viewIn(addr, length);
  return typeof view === "number" ? null : view;
};
