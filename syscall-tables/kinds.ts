/**
 * The vocabulary of syscall signatures. A signature is data: it decides how an argument
 * is decoded, printed (--strace), prefetched by the stub and documented.
 * This folder imports nothing.
 */

export interface Arg<K extends ArgKind = ArgKind> {
  readonly kind: K;
  readonly name: string;
  /** flags: the flag set (a file of flags/); structs: the C name of the struct, such as "timespec". */
  readonly of?: string;
  /** structs and array elements: bytes of one. */
  readonly size?: number;
  /** buffers and arrays: the name of the sibling argument that holds the length or count. */
  readonly length?: string;
  /** strings: the largest length including the NUL. */
  readonly max?: number;
  /** strings: the errno when no NUL lies within `max`; ENAMETOOLONG if absent (paths). */
  readonly tooLong?: "EINVAL" | "ERANGE";
  /** What its kind does not tell of the memory behind it: see prefetch.ts. */
  readonly hint?: "fdSet" | "msgbuf" | "msghdrIn" | "msghdrOut" | "flock" | "futex";
}

/** kind → what the handler receives is in sentry/syscalls/decode.ts. */
export type ArgKind =
  | "fd" // int: a file descriptor
  | "dirfd" // int: a directory fd or AT_FDCWD
  | "pid" // int
  | "uid" // u32
  | "gid" // u32
  | "mode" // u32: permission bits
  | "int" // i32
  | "uint" // u32
  | "long" // i64 as a double
  | "ulong" // u64 as a double
  | "size" // u64 as a double: a length in bytes
  | "off" // i64 as a double: a file offset
  | "flags" // u32, with `of`
  | "signal" // i32
  | "clock" // i32
  | "addr" // an address that is not read or written as a buffer (mmap, brk, futex word)
  | "path" // char *: a path, at most 4096 bytes; decoded to a latin1 string
  | "pathOrNull" // the same, null allowed
  | "string" // char *: any other string, at most `max`
  | "inBytes" // void *: `length` bytes the kernel reads
  | "outBytes" // void *: up to `length` bytes the kernel writes
  | "inStruct" // struct *: `size` bytes read (null allowed)
  | "outStruct" // struct *: `size` bytes written (null allowed)
  | "inOutStruct" // struct *: read and written
  | "inArray" // struct *: `length` elements of `size` bytes read
  | "outArray" // struct *: up to `length` elements of `size` bytes written
  | "inOutArray"
  | "iovIn" // struct iovec *: `length` vectors the kernel reads from (writev)
  | "iovOut" // struct iovec *: `length` vectors the kernel writes to (readv)
  | "stringArray"; // char **: NULL-terminated (argv, envp)

/** What a return value is, for printing. */
export type ReturnKind = "int" | "fd" | "pid" | "size" | "off" | "addr" | "none";

export interface Signature<A extends readonly Arg[] = readonly Arg[]> {
  readonly args: A;
  readonly returns: ReturnKind;
}

const arg =
  <K extends ArgKind>(kind: K) =>
  (name: string): Arg<K> => ({ kind, name });

export const fd = arg("fd");
export const dirfd = arg("dirfd");
export const pid = arg("pid");
export const uid = arg("uid");
export const gid = arg("gid");
export const mode = arg("mode");
export const int = arg("int");
export const uint = arg("uint");
export const long = arg("long");
export const ulong = arg("ulong");
export const size = arg("size");
export const off = arg("off");
export const signal = arg("signal");
export const clock = arg("clock");
export const addr = arg("addr");
export const path = arg("path");
export const pathOrNull = arg("pathOrNull");
export const stringArray = arg("stringArray");

export const flags = (name: string, of: string): Arg<"flags"> => ({ kind: "flags", name, of });
export const string = (name: string, max = 4096, tooLong: "EINVAL" | "ERANGE" = "EINVAL"): Arg<"string"> => ({
  kind: "string",
  name,
  max,
  tooLong,
});
export const inBytes = (name: string, length: string): Arg<"inBytes"> => ({ kind: "inBytes", name, length });
export const outBytes = (name: string, length: string): Arg<"outBytes"> => ({ kind: "outBytes", name, length });
export const inStruct = (name: string, of: string, size: number): Arg<"inStruct"> => ({ kind: "inStruct", name, of, size });
export const outStruct = (name: string, of: string, size: number): Arg<"outStruct"> => ({ kind: "outStruct", name, of, size });
export const inOutStruct = (name: string, of: string, size: number): Arg<"inOutStruct"> => ({ kind: "inOutStruct", name, of, size });
export const inArray = (name: string, of: string, size: number, length: string): Arg<"inArray"> => ({
  kind: "inArray",
  name,
  of,
  size,
  length,
});
export const outArray = (name: string, of: string, size: number, length: string): Arg<"outArray"> => ({
  kind: "outArray",
  name,
  of,
  size,
  length,
});
export const inOutArray = (name: string, of: string, size: number, length: string): Arg<"inOutArray"> => ({
  kind: "inOutArray",
  name,
  of,
  size,
  length,
});
export const iovIn = (name: string, length: string): Arg<"iovIn"> => ({ kind: "iovIn", name, length });
export const iovOut = (name: string, length: string): Arg<"iovOut"> => ({ kind: "iovOut", name, length });
/** An int whose values (and flag bits, if any) have names: `of` is an enumeration or a set of flags/. Decoded as an int. */
export const choice = (name: string, of: string): Arg<"int"> => ({ kind: "int", name, of });
/** A struct whose size the caller states, so that it can grow: see clone3(2), openat2(2). */
export const inExtensible = (name: string, of: string, length: string): Arg<"inBytes"> => ({ kind: "inBytes", name, of, length });
/** A socket address that the kernel reads. */
export const sockaddrIn = (name: string, length: string): Arg<"inBytes"> => ({ kind: "inBytes", name, of: "sockaddr", length });
/** A socket address that the kernel writes; `length` is the value-result argument behind it. */
export const sockaddrOut = (name: string, length: string): Arg<"addr"> => ({ kind: "addr", name, of: "sockaddr", length });

/** An fd_set: as long as `length` bits, rounded up to longs; see select(2). */
export const fdSet = (name: string, length: string): Arg<"addr"> => ({ kind: "addr", name, length, hint: "fdSet" });
/** A struct msgbuf that the kernel reads: `length` bytes behind a long; see msgop(2). */
export const msgbufIn = (name: string, length: string): Arg<"addr"> => ({ kind: "addr", name, length, hint: "msgbuf" });
/** A struct msghdr whose vectors the kernel reads from. */
export const msghdrIn = (name: string): Arg<"inStruct"> => ({ kind: "inStruct", name, of: "msghdr", size: 56, hint: "msghdrIn" });
/** A struct msghdr whose vectors the kernel writes to. */
export const msghdrOut = (name: string): Arg<"inOutStruct"> => ({ kind: "inOutStruct", name, of: "msghdr", size: 56, hint: "msghdrOut" });
/** What fcntl(2) takes behind `cmd`: a number, or the address of a struct flock. */
export const fcntlArg = (name: string, cmd: string): Arg<"ulong"> => ({ kind: "ulong", name, length: cmd, hint: "flock" });

/** A futex's word, on which `op` decides; see futex(2). */
export const futexWord = (name: string, op: string): Arg<"addr"> => ({ kind: "addr", name, length: op, hint: "futex" });

/** A signature; `returns` defaults to "int". */
export const sig = <const A extends readonly Arg[]>(...args: A): Signature<A> => ({ args, returns: "int" });
/** A signature with a named return kind. */
export const sigReturning = <const A extends readonly Arg[]>(returns: ReturnKind, ...args: A): Signature<A> => ({ args, returns });
