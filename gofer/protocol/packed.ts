/**
 * Listings and attributes as bytes, little endian: a tree walk brings thousands of them, and
 * most are never looked at, so they travel and are kept undecoded.
 */
import {
  ATIME,
  ATIME_NSEC,
  BLOCK_SIZE,
  BLOCKS,
  BTIME,
  BTIME_NSEC,
  CTIME,
  CTIME_NSEC,
  DEVICE,
  GID,
  INO,
  MODE,
  MTIME,
  MTIME_NSEC,
  NLINK,
  NODE,
  RDEV,
  SIZE,
  UID,
} from "./attributes.ts";

/** One entry: struct linux_dirent64 (getdents64(2)), the inode number below 2^53. */
export const D_INO = 0;
export const D_OFF = 8;
export const D_RECLEN = 16;
export const D_TYPE = 18;
export const D_NAME = 19;

/** A file's attributes without a node id: the columns of attributes.ts at these places. */
export const ROW_BYTES = 104;

/** Writes `row[0…ATTRIBUTE_COUNT]`; the node id is left out. */
export const packRow = (view: DataView, at: number, row: readonly number[]): void => {
  view.setUint16(at, row[MODE], true);
  view.setUint16(at + 2, row[DEVICE], true);
  view.setUint32(at + 4, row[NLINK], true);
  view.setUint32(at + 8, row[UID], true);
  view.setUint32(at + 12, row[GID], true);
  view.setFloat64(at + 16, row[INO], true);
  view.setFloat64(at + 24, row[RDEV], true);
  view.setFloat64(at + 32, row[SIZE], true);
  view.setFloat64(at + 40, row[BLOCKS], true);
  view.setFloat64(at + 48, row[ATIME], true);
  view.setFloat64(at + 56, row[MTIME], true);
  view.setFloat64(at + 64, row[CTIME], true);
  view.setFloat64(at + 72, row[BTIME], true);
  view.setUint32(at + 80, row[ATIME_NSEC], true);
  view.setUint32(at + 84, row[MTIME_NSEC], true);
  view.setUint32(at + 88, row[CTIME_NSEC], true);
  view.setUint32(at + 92, row[BTIME_NSEC], true);
  view.setUint32(at + 96, row[BLOCK_SIZE], true);
  view.setUint32(at + 100, 0, true);
};

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** Reads the row at `at` into `row`; false when it is no row that a gofer sends. */
export const unpackRow = (view: DataView, at: number, row: number[]): boolean => {
  row[NODE] = 0;
  row[MODE] = view.getUint16(at, true);
  row[DEVICE] = view.getUint16(at + 2, true);
  row[NLINK] = view.getUint32(at + 4, true);
  row[UID] = view.getUint32(at + 8, true);
  row[GID] = view.getUint32(at + 12, true);
  row[INO] = view.getFloat64(at + 16, true);
  row[RDEV] = view.getFloat64(at + 24, true);
  row[SIZE] = view.getFloat64(at + 32, true);
  row[BLOCKS] = view.getFloat64(at + 40, true);
  row[ATIME] = view.getFloat64(at + 48, true);
  row[MTIME] = view.getFloat64(at + 56, true);
  row[CTIME] = view.getFloat64(at + 64, true);
  row[BTIME] = view.getFloat64(at + 72, true);
  row[ATIME_NSEC] = view.getUint32(at + 80, true);
  row[MTIME_NSEC] = view.getUint32(at + 84, true);
  row[CTIME_NSEC] = view.getUint32(at + 88, true);
  row[BTIME_NSEC] = view.getUint32(at + 92, true);
  row[BLOCK_SIZE] = view.getUint32(at + 96, true);
  return (
    isCount(row[INO]) &&
    isCount(row[RDEV]) &&
    isCount(row[SIZE]) &&
    isCount(row[BLOCKS]) &&
    Number.isSafeInteger(row[ATIME]) &&
    Number.isSafeInteger(row[MTIME]) &&
    Number.isSafeInteger(row[CTIME]) &&
    Number.isSafeInteger(row[BTIME]) &&
    Math.max(row[ATIME_NSEC], row[MTIME_NSEC], row[CTIME_NSEC], row[BTIME_NSEC]) <= 999_999_999
  );
};

/**
 * What `scan` answers: records of one directory each. A header of which directory it is and how
 * long its three parts are; its entries; attribute rows in the order of the entries, for all of
 * them (RECORD_FULL) or for directories and entries without a type; and the targets of its links
 * (with RECORD_FULL), each behind its length as u16, 0xffff for one that could not be read.
 */
export const RECORD_INO = 0;
export const RECORD_DEVICE = 8;
export const RECORD_FLAGS = 10;
export const RECORD_ENTRY_BYTES = 12;
export const RECORD_ROW_BYTES = 16;
export const RECORD_TARGET_BYTES = 20;
export const RECORD_HEADER = 24;
export const RECORD_FULL = 1;
export const NO_TARGET = 0xffff;

/** The entries of a listing one by one, for who does not mind the cost. */
export const unpackEntries = (bytes: Uint8Array): { name: string; type: number }[] => {
  const entries: { name: string; type: number }[] = [];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < buffer.length; at += buffer.readUInt16LE(at + D_RECLEN)) {
    entries.push({ name: buffer.toString("latin1", at + D_NAME, buffer.indexOf(0, at + D_NAME)), type: buffer[at + D_TYPE] });
  }
  return entries;
};
