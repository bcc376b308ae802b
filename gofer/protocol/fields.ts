/**
 * The kinds of fields a message may have. Each says what it accepts; nothing decoded is
 * used before its field has accepted it, on either side.
 */
import { NAME_MAX } from "../../syscall-tables/limits.ts";

export interface Field<T> {
  readonly label: string;
  /** Type only: what an accepted value is. */
  readonly type?: T;
  accepts(value: unknown): boolean;
}

/** A tuple of fields for a tuple of values. */
export type Fields<Values extends readonly unknown[]> = { readonly [K in keyof Values]: Field<Values[K]> };

const field = <T>(label: string, accepts: (value: unknown) => boolean): Field<T> => ({ label, accepts });

export const int = (label: string, least: number, most: number): Field<number> =>
  field(label, (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most);

/** Bits of `mask` and no others. */
export const bits = (label: string, mask: number): Field<number> =>
  field(
    label,
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= mask && ((value as number) & ~mask) === 0,
  );

/** Any integer that a double holds exactly: sizes, inode numbers, seconds. */
export const wide = (label: string): Field<number> => field(label, Number.isSafeInteger);

/** The id of a node that the gofer gave out. */
export const nodeId = (label: string): Field<number> => int(label, 1, Number.MAX_SAFE_INTEGER);

/** Latin1 text (one char per byte) without NUL. */
const isText = (value: unknown, most: number): value is string => {
  if (typeof value !== "string" || value.length > most) return false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0 || code > 0xff) return false;
  }
  return true;
};
const SLASH = 0x2f;

/** One component of a path: never empty, "." or "..", never with a slash. */
export const isName = (value: unknown): value is string => {
  if (typeof value !== "string" || value.length === 0 || value.length > NAME_MAX) return false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0 || code === SLASH || code > 0xff) return false;
  }
  return value !== "." && value !== "..";
};

export const name = (label: string): Field<string> => field(label, isName);

export const text = (label: string, most: number): Field<string> => field(label, (value) => isText(value, most));

export const bytes = (label: string, most: number): Field<Uint8Array> =>
  field(label, (value) => value instanceof Uint8Array && value.length <= most);

/** From `least` to `most` items of one kind. */
export const list = <T>(item: Field<T>, least: number, most: number): Field<T[]> =>
  field(item.label, (value) => Array.isArray(value) && value.length >= least && value.length <= most && value.every(item.accepts));

/** One list of `kinds.length` × n values: rows laid end to end, the cheapest form to pack. */
export const rows = (label: string, kinds: readonly Field<unknown>[], mostRows: number): Field<unknown[]> =>
  field(label, (value) => {
    if (!Array.isArray(value) || value.length % kinds.length !== 0 || value.length > mostRows * kinds.length) return false;
    for (let i = 0; i < value.length; i++) {
      if (!kinds[i % kinds.length].accepts(value[i])) return false;
    }
    return true;
  });
