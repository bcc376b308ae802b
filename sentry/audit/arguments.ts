/** One argument, from its kind alone. Calls that need more are in special.ts. */

import type { Arg } from "../../syscall-tables/kinds.ts";
import { PATH_MAX } from "../../syscall-tables/limits.ts";
import { argAddr, argI32, argI64, argIndex, argU32, argU64, type Call, hasSucceeded, peekBytes, peekView } from "./call.ts";
import { formatFd } from "./fields.ts";
import { formatSockaddr } from "./sockaddr.ts";
import { structs } from "./structs.ts";
import { ARRAY_LIMIT, hex, hex64, list, permissions, pointer, quotePath } from "./text.ts";
import { formatBuffer, formatIovec } from "./vectors.ts";
import { formatClock, formatNamed, formatSignal } from "./words.ts";

export type ArgFormat = (call: Call, index: number) => string;

/** Longer than any socket address. */
const SOCKADDR_MAX = 128;
/** argv and envp: more strings than this are counted, not printed. */
const STRINGS_MAX = 32;

/** Kinds that mean something only when the call has returned. */
const OUT_KINDS: ReadonlySet<string> = new Set(["outBytes", "outStruct", "outArray", "inOutStruct", "inOutArray", "iovOut"]);

export const isOutput = ({ kind, of }: Arg): boolean => OUT_KINDS.has(kind) || (kind === "addr" && of === "sockaddr");

/** Values that were read at entry and are still wanted at exit, printed as "before => after". */
export const isValueResult = ({ kind }: Arg): boolean => kind === "inOutStruct" || kind === "inOutArray";

/** The value of the sibling that holds a length or count: through the pointer if it is value-result. */
const siblingValue = (call: Call, name: string): number => {
  const index = argIndex(call, name);
  const { kind } = call.signature.args[index];
  if (kind === "inOutStruct") return peekView(call.memory, argAddr(call, index), 4)?.getUint32(0, true) ?? 0;
  return kind === "int" ? Math.max(argI32(call, index), 0) : kind === "uint" ? argU32(call, index) : argU64(call, index);
};

const lengthOf = (call: Call, index: number): number => siblingValue(call, call.signature.args[index].length ?? "");

const formatString: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  const text = addr === 0 ? null : call.memory.readCString(addr, call.signature.args[index].max ?? PATH_MAX);
  return typeof text === "string" ? quotePath(text) : pointer(addr);
};

const formatInBytes: ArgFormat = (call, index) => {
  const { of = "" } = call.signature.args[index];
  const addr = argAddr(call, index);
  const length = lengthOf(call, index);
  if (addr === 0) return "NULL";
  if (of === "sockaddr") return formatSocketAddress(call, addr, length);
  const layout = structs[of];
  if (layout === undefined) return of === "" ? formatBuffer(call, addr, length) : pointer(addr);
  const known = peekBytes(call.memory, addr, Math.min(length, layout.size));
  if (known === null) return pointer(addr);
  const padded = new Uint8Array(layout.size);
  padded.set(known);
  return layout.format(new DataView(padded.buffer), 0, call);
};

const formatSocketAddress = (call: Call, addr: number, length: number): string => {
  const bytes = length > SOCKADDR_MAX ? null : peekBytes(call.memory, addr, length);
  return bytes === null ? pointer(addr) : formatSockaddr(bytes);
};

/** What the kernel wrote: as many bytes as the call returned, if it returns a count, else the whole buffer. */
const formatOutBytes: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  if (!hasSucceeded(call)) return pointer(addr);
  const length = lengthOf(call, index);
  return formatBuffer(call, addr, length, call.signature.returns === "size" ? Math.min(call.result ?? 0, length) : length);
};

export const formatStruct = (call: Call, of: string, addr: number): string => {
  const layout = structs[of];
  const view = addr === 0 || layout === undefined ? null : peekView(call.memory, addr, layout.size);
  return view === null || layout === undefined ? pointer(addr) : layout.format(view, 0, call);
};

const formatArray = (call: Call, index: number, count: number): string => {
  const { of = "", size = 0 } = call.signature.args[index];
  const addr = argAddr(call, index);
  const layout = structs[of];
  const shown = Math.min(count, ARRAY_LIMIT);
  const view = addr === 0 || layout === undefined ? null : peekView(call.memory, addr, shown * size);
  if (view === null || layout === undefined) return pointer(addr);
  // Boxes around the numbers of an array would only be noise.
  const unboxed = (text: string): string => (of.length <= 5 && /^\[.*\]$/.test(text) ? text.slice(1, -1) : text);
  return list(
    Array.from({ length: shown }, (_, element) => unboxed(layout.format(view, element * size, call))),
    count > shown,
  );
};

/** argv in full, up to a limit; strace(1) only counts envp. */
const formatStrings: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  if (addr === 0) return "NULL";
  const items: string[] = [];
  let count = 0;
  for (; count < STRINGS_MAX * STRINGS_MAX; count++) {
    const item = call.memory.loadU64(addr + count * 8);
    if (item < 0) return pointer(addr);
    if (item === 0) break;
    if (count >= STRINGS_MAX) continue;
    const text = call.memory.readCString(item, PATH_MAX);
    items.push(typeof text === "string" ? quotePath(text) : pointer(item));
  }
  if (call.signature.args[index].name === "envp") return `${hex(addr)} /* ${count} vars */`;
  return list(items, count > items.length);
};

const int = (value: number): string => String(value);

export const formatArg: ArgFormat = (call, index) => {
  const arg = call.signature.args[index];
  const [lo, hi] = [call.words[index * 2], call.words[index * 2 + 1]];
  switch (arg.kind) {
    case "fd":
    case "dirfd":
      return formatFd(call, argI32(call, index));
    case "pid":
      return int(argI32(call, index));
    case "uid":
    case "gid":
      return lo === 0xffff_ffff ? "-1" : int(lo);
    case "mode":
      return permissions(lo);
    case "int":
      return arg.of === undefined ? int(argI32(call, index)) : formatNamed(arg.of, argI32(call, index));
    case "uint":
      return int(lo);
    case "long":
    case "off":
      return int(argI64(call, index));
    case "size":
      return int(argU64(call, index));
    case "ulong":
      return hex64(lo, hi);
    case "flags":
      return formatNamed(arg.of ?? "", lo);
    case "signal":
      return formatSignal(argI32(call, index));
    case "clock":
      return formatClock(argI32(call, index));
    case "addr":
      if (arg.of !== "sockaddr" || !hasSucceeded(call) || lo + hi === 0) return lo + hi === 0 ? "NULL" : hex64(lo, hi);
      return formatSocketAddress(call, argAddr(call, index), lengthOf(call, index));
    case "path":
    case "pathOrNull":
    case "string":
      return formatString(call, index);
    case "inBytes":
      return formatInBytes(call, index);
    case "outBytes":
      return formatOutBytes(call, index);
    case "outStruct":
      return hasSucceeded(call) ? formatStruct(call, arg.of ?? "", argAddr(call, index)) : pointer(argAddr(call, index));
    case "inStruct":
    case "inOutStruct":
      return formatStruct(call, arg.of ?? "", argAddr(call, index));
    case "outArray":
      return hasSucceeded(call)
        ? formatArray(call, index, Math.min(call.result ?? 0, lengthOf(call, index)))
        : pointer(argAddr(call, index));
    case "inArray":
    case "inOutArray":
      return formatArray(call, index, lengthOf(call, index));
    case "iovIn":
      return formatIovec(call, argAddr(call, index), lengthOf(call, index));
    case "iovOut":
      return formatIovec(call, argAddr(call, index), lengthOf(call, index), hasSucceeded(call) ? (call.result ?? 0) : 0);
    case "stringArray":
      return formatStrings(call, index);
  }
};
