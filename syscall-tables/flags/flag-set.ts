/** The shape of a named bit set and of a named list of values. */

/** What Linux does with a bit that it does not know. */
export type UnknownBits = "EINVAL" | "ENOSYS" | "ignored";

/** Neighbouring bits that hold one value, such as O_ACCMODE. */
export interface FlagField {
  readonly mask: number;
  readonly names: ReadonlyMap<number, string>;
  /** How a value without a name is printed, and where: "octal" for modes, "last" for a signal, as strace(1) does. */
  readonly style: FieldStyle;
}

export type FieldStyle = "first" | "last" | "octal";

export interface FlagSet {
  readonly kind: "flags";
  /** In printing order. A name for several bits (O_SYNC) stands before the names of its parts. */
  readonly bits: readonly (readonly [name: string, value: number])[];
  readonly fields: readonly FlagField[];
  /** What a value of 0 is called, if it has a name. */
  readonly zero: string | null;
  readonly unknown: UnknownBits;
}

export interface Enumeration {
  readonly kind: "enumeration";
  readonly names: ReadonlyMap<number, string>;
}

interface FlagSetOptions {
  readonly fields?: readonly { readonly mask: number; readonly names: Readonly<Record<string, number>>; readonly style?: FieldStyle }[];
  readonly zero?: string;
}

/** value → name; of two names for a value the first one wins. */
const byValue = (names: Readonly<Record<string, number>>): ReadonlyMap<number, string> => {
  const map = new Map<number, string>();
  for (const [name, value] of Object.entries(names)) if (!map.has(value)) map.set(value, name);
  return map;
};

export const flagSet = (unknown: UnknownBits, bits: Readonly<Record<string, number>>, options: FlagSetOptions = {}): FlagSet => ({
  kind: "flags",
  bits: Object.entries(bits),
  fields: (options.fields ?? []).map(({ mask, names, style = "first" }) => ({ mask, names: byValue(names), style })),
  zero: options.zero ?? null,
  unknown,
});

export const enumeration = (names: Readonly<Record<string, number>>): Enumeration => ({ kind: "enumeration", names: byValue(names) });

/** The bits of `value` that no name of the set covers; 0 when Linux knows them all. */
export const unknownBits = (set: FlagSet, value: number): number => {
  let known = 0;
  for (const [, bit] of set.bits) known |= bit;
  for (const { mask } of set.fields) known |= mask;
  return (value & ~known) >>> 0;
};
