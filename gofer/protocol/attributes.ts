/** A file's attributes on the wire: `ATTRIBUTE_COUNT` integers in this order, always in full. */
import { type Field, int, rows, wide } from "./fields.ts";

/** The node id, or 0 when the gofer holds none for it (`stats`, or a name that is not there). */
export const NODE = 0;
/** st_mode; 0 in `stats` for a name that is not there. */
export const MODE = 1;
/** st_ino; unique together with DEVICE. */
export const INO = 2;
/** The tree's devices, counted from 0 (the root's). */
export const DEVICE = 3;
export const NLINK = 4;
export const UID = 5;
export const GID = 6;
/** As makedev(3). */
export const RDEV = 7;
export const SIZE = 8;
export const BLOCKS = 9;
export const BLOCK_SIZE = 10;
export const ATIME = 11;
export const ATIME_NSEC = 12;
export const MTIME = 13;
export const MTIME_NSEC = 14;
export const CTIME = 15;
export const CTIME_NSEC = 16;
export const BTIME = 17;
export const BTIME_NSEC = 18;
export const ATTRIBUTE_COUNT = 19;

const u32 = (label: string): Field<number> => int(label, 0, 0xffff_ffff);
const nsec = (label: string): Field<number> => int(label, 0, 999_999_999);
const positive = (label: string): Field<number> => int(label, 0, Number.MAX_SAFE_INTEGER);

const attributeFields: Field<unknown>[] = [
  positive("node"),
  int("mode", 0, 0xffff),
  positive("ino"),
  int("device", 0, 0xffff),
  u32("nlink"),
  u32("uid"),
  u32("gid"),
  positive("rdev"),
  positive("size"),
  positive("blocks"),
  u32("blockSize"),
  wide("atime"),
  nsec("atimeNsec"),
  wide("mtime"),
  nsec("mtimeNsec"),
  wide("ctime"),
  nsec("ctimeNsec"),
  wide("btime"),
  nsec("btimeNsec"),
];

/** At most `most` files' attributes, one behind the other. */
export const attributes = (label: string, most: number): Field<number[]> => rows(label, attributeFields, most) as Field<number[]>;
