/**
 * Joins a signature with its handler. The signature (syscall-tables/) types and decodes
 * the arguments; a handler never sees a register.
 */
import type { Arg, ArgKind, Signature } from "../../syscall-tables/kinds.ts";
import { type Signatures, type SyscallName, signatures } from "../../syscall-tables/signatures/index.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import type { Task } from "../task/task.ts";

/** kind → what the handler receives. Integers are plain numbers; pointers are guest addresses (0 is NULL). */
export interface DecodedKinds {
  path: string;
  pathOrNull: string | null;
  string: string;
}
type Decoded<K extends ArgKind> = K extends keyof DecodedKinds ? DecodedKinds[K] : UserAddr;

type DecodedArgs<A extends readonly Arg[]> = { [I in keyof A]: A[I] extends Arg<infer K> ? Decoded<K> : never };

/**
 * A handler returns `n >= 0` (result), `n < 0` (errno) or BLOCKED. It must not throw for
 * anything a guest does.
 */
export type Handler<A extends readonly Arg[]> = (task: Task, ...args: DecodedArgs<A>) => number;

export interface SupportNote {
  /** "full": as Linux; "partial": `note` says what is missing. */
  readonly level: "full" | "partial";
  readonly note?: string;
}

export interface Implementation {
  readonly name: SyscallName;
  readonly signature: Signature;
  readonly support: SupportNote;
  readonly handler: Handler<readonly Arg[]>;
}

type ArgsOf<N extends SyscallName> = Signatures[N] extends Signature<infer A> ? A : never;

export const implement = <N extends SyscallName>(name: N, support: SupportNote, handler: Handler<ArgsOf<N>>): Implementation => ({
  name,
  signature: signatures[name],
  support,
  handler: handler as unknown as Handler<readonly Arg[]>,
});
