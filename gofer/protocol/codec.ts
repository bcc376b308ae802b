/**
 * Packing and checked unpacking of messages. The bytes come from a peer that may be hostile:
 * `isPlain` walks them first and refuses all of MessagePack but integers, doubles, strings,
 * byte arrays and shallow arrays, so msgpackr's extensions, maps, records and 64-bit integers
 * are never reached; then the fields of the message table check the values.
 */
import { Packr, REUSE_BUFFER_MODE, Unpackr } from "msgpackr/pack";
import { EMSGSIZE } from "./errno.ts";
import type { Field } from "./fields.ts";

const packr = new Packr({ useRecords: false, moreTypes: false });
const unpackr = new Unpackr({ useRecords: false });

/** What msgpackr keeps back at a buffer's end. */
const SPARE = 16;

interface PackTarget {
  position: number;
  useBuffer(buffer: Uint8Array): void;
}

/** Packs into `buffer`: the length, or EMSGSIZE when it does not fit. */
export const packInto = (buffer: Buffer, values: readonly unknown[]): number => {
  const target = packr as unknown as PackTarget;
  target.useBuffer(buffer);
  const packed = packr.pack(values, REUSE_BUFFER_MODE) as Buffer & { start: number; end: number };
  // msgpackr goes on in a bigger buffer of its own when this one is full. Either way nobody else's
  // packing in this process may continue in our buffer: it starts a fresh one at the end of it.
  const length = packed === buffer ? packed.end - packed.start : EMSGSIZE;
  target.position = packed.length;
  return length > buffer.length - SPARE ? EMSGSIZE : length;
};

const MAX_DEPTH = 2;

/** Whether `bytes[0…length]` is one array made of nothing but the plain kinds. */
export const isPlain = (bytes: Uint8Array, length: number): boolean => {
  if (length === 0) return false;
  let at = 0;
  // Items still to come at each depth; the message itself is one item at depth 0.
  let depth = 0;
  const left = [1, 0, 0];
  while (depth >= 0) {
    if (left[depth] === 0) {
      depth--;
      continue;
    }
    left[depth]--;
    if (at >= length) return false;
    const token = bytes[at++];
    let count = -1;
    if (token < 0x80 || token >= 0xe0) {
      if (depth === 0) return false;
    } else if ((token & 0xf0) === 0x90) count = token & 0x0f;
    else if ((token & 0xe0) === 0xa0) at += token & 0x1f;
    else {
      switch (token) {
        case 0xcc: // uint 8
        case 0xd0: // int 8
          at += 1;
          break;
        case 0xcd: // uint 16
        case 0xd1: // int 16
          at += 2;
          break;
        case 0xce: // uint 32
        case 0xd2: // int 32
          at += 4;
          break;
        case 0xcb: // float 64
          at += 8;
          break;
        case 0xc4: // bin 8
        case 0xd9: // str 8
          if (at + 1 > length) return false;
          at += 1 + bytes[at];
          break;
        case 0xc5: // bin 16
        case 0xda: // str 16
          if (at + 2 > length) return false;
          at += 2 + bytes[at] * 256 + bytes[at + 1];
          break;
        case 0xc6: // bin 32: 64 KiB xattr values
          if (at + 4 > length) return false;
          at += 4 + bytes[at] * 2 ** 24 + bytes[at + 1] * 65536 + bytes[at + 2] * 256 + bytes[at + 3];
          break;
        case 0xdc: // array 16
          if (at + 2 > length) return false;
          count = bytes[at] * 256 + bytes[at + 1];
          at += 2;
          break;
        default:
          return false;
      }
    }
    if (at > length || (depth === 0 && count < 0)) return false;
    if (count >= 0) {
      if (depth === MAX_DEPTH || count > length - at) return false;
      left[++depth] = count;
    }
  }
  return at === length;
};

/** The values of the first `length` bytes, or null when they are not a plain message. Byte arrays alias `buffer`. */
export const unpackFrom = (buffer: Buffer, length: number): unknown[] | null => {
  if (!isPlain(buffer, length)) return null;
  try {
    return unpackr.unpack(buffer, { start: 0, end: length }) as unknown[];
  } catch {
    return null;
  }
};

/** Whether `values[1…]` are what `fields` ask for, no more and no less. */
export const fits = (fields: readonly Field<unknown>[], values: readonly unknown[]): boolean => {
  if (values.length !== fields.length + 1) return false;
  for (let i = 0; i < fields.length; i++) {
    if (!fields[i].accepts(values[i + 1])) return false;
  }
  return true;
};
