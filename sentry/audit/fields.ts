/** How to describe a struct's layout for printing: name, offset and type of the fields that strace(1) shows. */
import type { Call } from "./call.ts";
import { escapeText, hex, hex64, list, pointer } from "./text.ts";
import { formatNamed, formatSignal, formatSignalSet } from "./words.ts";

/** Prints what lies at `at`. */
export type Format = (view: DataView, at: number, call: Call) => string;

export interface StructFormat {
  /** Bytes that `format` looks at. */
  readonly size: number;
  readonly format: Format;
}

/** Exact below 2^53. */
export const loadU64 = (view: DataView, at: number): number => view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
export const loadI64 = (view: DataView, at: number): number => view.getInt32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);

export const u8: Format = (view, at) => String(view.getUint8(at));
export const i16: Format = (view, at) => String(view.getInt16(at, true));
export const u16: Format = (view, at) => String(view.getUint16(at, true));
export const i32: Format = (view, at) => String(view.getInt32(at, true));
export const u32: Format = (view, at) => String(view.getUint32(at, true));
export const u64: Format = (view, at) => String(view.getBigUint64(at, true));
export const i64: Format = (view, at) => String(view.getBigInt64(at, true));
export const x32: Format = (view, at) => hex(view.getUint32(at, true));
export const x64: Format = (view, at) => hex64(view.getUint32(at, true), view.getUint32(at + 4, true));
export const addr: Format = (view, at) => pointer(loadU64(view, at));
export const signal: Format = (view, at) => formatSignal(view.getInt32(at, true));
export const sigset: Format = (view, at) => formatSignalSet(view.getUint32(at, true), view.getUint32(at + 4, true));

export const fd: Format = (view, at, call) => formatFd(call, view.getInt32(at, true));

export const formatFd = (call: Call, number: number): string => {
  const description = number >= 0 || number === -100 ? call.describeFd(number) : null;
  return `${number === -100 ? "AT_FDCWD" : number}${description === null ? "" : `<${escapeText(description)}>`}`;
};

/** A word of the set or enumeration `of` (flags/index.ts). */
export const named16 =
  (of: string): Format =>
  (view, at) =>
    formatNamed(of, view.getUint16(at, true));
export const named16Signed =
  (of: string): Format =>
  (view, at) =>
    formatNamed(of, view.getInt16(at, true));
export const named32 =
  (of: string): Format =>
  (view, at) =>
    formatNamed(of, view.getInt32(at, true));
/** The low half of a 64-bit flag word has the names; the high half, rarely set, follows in hex. */
export const named64 =
  (of: string): Format =>
  (view, at) => {
    const hi = view.getUint32(at + 4, true);
    const low = formatNamed(of, view.getUint32(at, true));
    return hi === 0 ? low : `${low}|${hex64(0, hi)}`;
  };

export type Field = readonly [name: string, offset: number, format: Format];

export const record =
  (fields: readonly Field[], rest = ""): Format =>
  (view, at, call) =>
    `{${fields.map(([name, offset, format]) => `${name}=${format(view, at + offset, call)}`).join(", ")}${rest}}`;

export const struct = (size: number, ...fields: readonly Field[]): StructFormat => ({ size, format: record(fields) });
/** A struct of which only the telling fields are shown. */
export const abridged = (size: number, ...fields: readonly Field[]): StructFormat => ({ size, format: record(fields, ", ...") });

/** `count` neighbours. */
export const several = ({ size, format }: StructFormat, count: number): StructFormat => ({
  size: size * count,
  format: (view, at, call) => list(Array.from({ length: count }, (_, index) => format(view, at + index * size, call))),
});

/** A bare number passed by pointer. */
export const boxed = (size: number, format: Format): StructFormat => ({ size, format: (view, at, call) => `[${format(view, at, call)}]` });
