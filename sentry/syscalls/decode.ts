/**
 * Registers become a handler's arguments. The kind of each argument picks its decoder once,
 * at boot; a call then costs one closure and no allocation (but for strings).
 */

import type { Arg, ArgKind, Signature } from "../../syscall-tables/kinds.ts";
import { PATH_MAX, TWO_32 } from "../../syscall-tables/limits.ts";
import { EINVAL, ENAMETOOLONG, ERANGE, type Errno, isErrno } from "../abi/errno.ts";
import { SLOT_ARGUMENTS, SLOT_LATE_ARGUMENTS } from "../platform/systrap/layout.generated.ts";
import type { Task } from "../task/task.ts";
import type { Implementation } from "./implement.ts";

/** Word offsets of the arguments in a slot (two words each): the first four are in the cache line that says that there is a call. */
export const ARGUMENT_WORDS = [0, 2, 4, 6].map((at) => SLOT_ARGUMENTS / 4 + at).concat([0, 2].map((at) => SLOT_LATE_ARGUMENTS / 4 + at));

/** Calls a handler with the arguments in `words[base…]`, a slot. */
export type Call = (task: Task, words: Uint32Array, base: number) => number;

const SIGNED_32 = 0;
const UNSIGNED_32 = 1;
const SIGNED_64 = 2;
const UNSIGNED_64 = 3;

const widths: Partial<Record<ArgKind, number>> = {
  fd: SIGNED_32,
  dirfd: SIGNED_32,
  pid: SIGNED_32,
  int: SIGNED_32,
  signal: SIGNED_32,
  clock: SIGNED_32,
  uid: UNSIGNED_32,
  gid: UNSIGNED_32,
  mode: UNSIGNED_32,
  uint: UNSIGNED_32,
  flags: UNSIGNED_32,
  long: SIGNED_64,
  off: SIGNED_64,
};

const decodeNumber = (width: number, lo: number, hi: number): number => {
  if (width === SIGNED_32) return lo | 0;
  if (width === UNSIGNED_32) return lo;
  if (width === SIGNED_64) return (hi | 0) * TWO_32 + lo;
  return hi * TWO_32 + lo;
};

const isString = (arg: Arg): boolean => arg.kind === "path" || arg.kind === "pathOrNull" || arg.kind === "string";

const decodeString = (arg: Arg, task: Task, addr: number): string | null | Errno => {
  if (addr === 0 && arg.kind === "pathOrNull") return null;
  const text = task.memory.readCString(addr, arg.kind === "string" ? (arg.max ?? PATH_MAX) : PATH_MAX);
  return text === ENAMETOOLONG && arg.tooLong !== undefined ? tooLongErrors[arg.tooLong] : text;
};

const tooLongErrors = { EINVAL, ERANGE };

type AnyHandler = (task: Task, ...args: unknown[]) => number;

/** All arguments are numbers: the hot calls. */
const numericCall = (handler: AnyHandler, kinds: readonly number[]): Call => {
  const [k0, k1, k2, k3, k4, k5] = kinds;
  const [w0, w1, w2, w3, w4, w5] = ARGUMENT_WORDS;
  const at = (kind: number, words: Uint32Array, index: number): number => decodeNumber(kind, words[index], words[index + 1]);
  switch (kinds.length) {
    case 0:
      return (task) => handler(task);
    case 1:
      return (task, u, b) => handler(task, at(k0, u, b + w0));
    case 2:
      return (task, u, b) => handler(task, at(k0, u, b + w0), at(k1, u, b + w1));
    case 3:
      return (task, u, b) => handler(task, at(k0, u, b + w0), at(k1, u, b + w1), at(k2, u, b + w2));
    case 4:
      return (task, u, b) => handler(task, at(k0, u, b + w0), at(k1, u, b + w1), at(k2, u, b + w2), at(k3, u, b + w3));
    default:
      return (task, u, b) =>
        handler(
          task,
          at(k0, u, b + w0),
          at(k1, u, b + w1),
          at(k2, u, b + w2),
          at(k3, u, b + w3),
          at(k4, u, b + w4),
          kinds.length > 5 ? at(k5, u, b + w5) : 0,
        );
  }
};

/** Some arguments are strings in guest memory: EFAULT and ENAMETOOLONG come before the handler. */
const stringCall = (handler: AnyHandler, signature: Signature, kinds: readonly number[]): Call => {
  const { args } = signature;
  return (task, words, base) => {
    const values: unknown[] = [];
    for (let i = 0; i < args.length; i++) {
      const at = base + ARGUMENT_WORDS[i];
      const value = decodeNumber(kinds[i], words[at], words[at + 1]);
      if (isString(args[i])) {
        const text = decodeString(args[i], task, value);
        if (isErrno(text)) return text;
        values.push(text);
      } else values.push(value);
    }
    return handler(task, ...values);
  };
};

export const compileCall = (implementation: Implementation): Call => {
  const { signature } = implementation;
  const handler = implementation.handler as unknown as AnyHandler;
  const kinds = signature.args.map((arg) => widths[arg.kind] ?? UNSIGNED_64);
  return signature.args.some(isString) ? stringCall(handler, signature, kinds) : numericCall(handler, kinds);
};
