/**
 * What the stub copies into a slot along with a request, derived from the signature alone.
 * The descriptors are emitted for the stub as native/stub/prefetch.generated.h.
 */

import type { Arg, Signature } from "./kinds.ts";
import { IOVEC_SIZE, PATH_MAX } from "./limits.ts";

export const PF_END = 0;
/** A NUL-terminated string of at most `size` bytes at argument `arg`. */
export const PF_CSTRING = 1;
/** As many bytes as argument `aux` says, but no more than `size`. */
export const PF_BYTES = 2;
/** `size` bytes. */
export const PF_STRUCT = 3;
/** As many elements of `size` bytes as argument `aux` says. */
export const PF_ARRAY = 4;
/** An iovec array of `aux` elements, then the bytes that it names, no more than `size` of them. */
export const PF_IOV_IN = 5;
/** An iovec array of `aux` elements of `size` bytes. */
export const PF_IOV = 6;
/** An fd_set of `aux` bits, no more than `size` bytes. */
export const PF_FD_SET = 7;
/** A struct msgbuf: a long, then `aux` bytes, no more than `size` together. */
export const PF_MSGBUF = 8;
/** A struct msghdr with its vectors; when `size` is not 0 also the name, the control data and the bytes that the vectors name. */
export const PF_MSGHDR = 9;
/** `size` bytes when `aux` is one of fcntl(2)'s commands on locks. */
export const PF_FLOCK = 10;
/** `size` bytes, the word of a futex, when `aux` is a command that waits for it, and that command's timeout. */
export const PF_FUTEX = 11;

export const PREFETCH_MAX_DESCRIPTORS = 5;
/** Larger buffers are cheaper to fetch when they are wanted than to copy twice. */
export const PREFETCH_BYTES_MAX = 65536;
const STRUCT_MAX = 4096;
const FLOCK_SIZE = 32;
const FUTEX_WORD_SIZE = 4;
/** Of 1024 descriptors; see select(2). */
const FD_SET_MAX = 128;

export interface PrefetchDescriptor {
  readonly kind: number;
  /** Index of the pointer argument. */
  readonly arg: number;
  /** Index of the length or count argument. */
  readonly aux: number;
  readonly size: number;
}

const describe = (args: readonly Arg[], index: number): PrefetchDescriptor | null => {
  const { kind, size = 0, max = PATH_MAX, length, hint } = args[index];
  const aux = length === undefined ? 0 : args.findIndex(({ name }) => name === length);
  switch (hint) {
    case "fdSet":
      return { kind: PF_FD_SET, arg: index, aux, size: FD_SET_MAX };
    case "msgbuf":
      return { kind: PF_MSGBUF, arg: index, aux, size: PREFETCH_BYTES_MAX };
    case "msghdrIn":
      return { kind: PF_MSGHDR, arg: index, aux, size };
    case "msghdrOut":
      return { kind: PF_MSGHDR, arg: index, aux, size: 0 };
    case "flock":
      return { kind: PF_FLOCK, arg: index, aux, size: FLOCK_SIZE };
    case "futex":
      return { kind: PF_FUTEX, arg: index, aux, size: FUTEX_WORD_SIZE };
  }
  switch (kind) {
    case "path":
    case "pathOrNull":
    case "string":
      return { kind: PF_CSTRING, arg: index, aux: 0, size: max };
    case "inBytes":
      return { kind: PF_BYTES, arg: index, aux, size: PREFETCH_BYTES_MAX };
    case "inStruct":
    case "inOutStruct":
      return size <= STRUCT_MAX ? { kind: PF_STRUCT, arg: index, aux: 0, size } : null;
    case "inArray":
    case "inOutArray":
      return { kind: PF_ARRAY, arg: index, aux, size };
    case "iovIn":
      return { kind: PF_IOV_IN, arg: index, aux, size: PREFETCH_BYTES_MAX };
    case "iovOut":
      return { kind: PF_IOV, arg: index, aux, size: IOVEC_SIZE };
    default:
      return null;
  }
};

/** At most PREFETCH_MAX_DESCRIPTORS, in the order of the arguments. */
export const prefetchOf = ({ args }: Signature): readonly PrefetchDescriptor[] =>
  args.map((_, index) => describe(args, index)).filter((descriptor) => descriptor !== null);
