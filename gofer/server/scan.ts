import {
  closeFd,
  data,
  dataView,
  listedTarget,
  openAt,
  readDirectoryFd,
  readlinkAtListed,
  statAt,
  statAtListed,
} from "../../native/ffi/file-calls-unsafe.ts";
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  DT_DIR,
  DT_LNK,
  DT_UNKNOWN,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  S_IFDIR,
  S_IFMT,
} from "../../syscall-tables/flags/open.ts";
import { DEVICE, INO, MODE } from "../protocol/attributes.ts";
import { MAX_SCAN, MAX_TARGET, SCAN_FULL, scan } from "../protocol/messages.ts";
import {
  D_NAME,
  D_RECLEN,
  D_TYPE,
  NO_TARGET,
  packRow,
  RECORD_DEVICE,
  RECORD_ENTRY_BYTES,
  RECORD_FLAGS,
  RECORD_FULL,
  RECORD_HEADER,
  RECORD_INO,
  RECORD_ROW_BYTES,
  RECORD_TARGET_BYTES,
  ROW_BYTES,
} from "../protocol/packed.ts";
import { pushAttributes, pushNothing } from "./attributes.ts";
import { enter, leave } from "./directory.ts";
import { handle } from "./handler.ts";
import { copyEntries, isDots } from "./readdir.ts";
import type { FileServer } from "./server.ts";
import type { Tree } from "./tree.ts";

const O_SCAN = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
/** Deeper down the walk asks again: each level holds an fd meanwhile. */
const MAX_DEPTH = 48;

const records = Buffer.alloc(MAX_SCAN);
const recordsView = new DataView(records.buffer, records.byteOffset, records.length);
const rows = Buffer.alloc(MAX_SCAN);
const rowsView = new DataView(rows.buffer, rows.byteOffset, rows.length);
const targets = Buffer.alloc(MAX_SCAN);
const row: number[] = [];
/** What `records` cannot take any more. */
const FULL = -1;

interface Child {
  readonly name: string;
  readonly ino: number;
}

/** One answer in the making. */
class Scan {
  readonly #server: FileServer;
  readonly #tree: Tree;
  readonly #device: number;
  readonly #isFull: boolean;
  readonly #budget: number;
  used = 0;
  #rowBytes = 0;
  #targetBytes = 0;

  constructor(server: FileServer, tree: Tree, device: number, budget: number, isFull: boolean) {
    this.#server = server;
    this.#tree = tree;
    this.#device = device;
    this.#budget = budget;
    this.#isFull = isFull;
  }

  /** Directory `ino`, open as `fd`, and what is below it. False: full. */
  visit(fd: number, ino: number, depth: number): boolean {
    const start = this.used;
    const children: Child[] = [];
    const end = this.#record(fd, start, ino, children);
    if (end < 0) return end !== FULL;
    // Only the first may be larger than what was asked for.
    if (end > this.#budget && start > 0) return false;
    this.used = end;
    if (depth >= MAX_DEPTH) return true;
    for (const child of children) {
      if (this.used >= this.#budget) return false;
      const childFd = openAt(fd, child.name, O_SCAN);
      if (childFd < 0) continue;
      const goesOn = this.visit(childFd, child.ino, depth + 1);
      closeFd(childFd);
      if (!goesOn) return false;
    }
    return true;
  }

  /** Writes one directory's record from `start` on: where it ends, FULL, or another negative errno. */
  #record(fd: number, start: number, ino: number, children: Child[]): number {
    let end = start + RECORD_HEADER;
    this.#rowBytes = 0;
    this.#targetBytes = 0;
    for (;;) {
      const length = readDirectoryFd(fd, data.length);
      if (length < 0) return length === FULL ? FULL - 1 : length;
      if (length === 0) break;
      if (end + length > MAX_SCAN || !this.#lookAt(fd, length, children)) return FULL;
      end = copyEntries(records, end, this.#tree, length);
    }
    const entryBytes = end - start - RECORD_HEADER;
    if (end + this.#rowBytes + this.#targetBytes > MAX_SCAN) return FULL;
    recordsView.setFloat64(start + RECORD_INO, ino, true);
    recordsView.setUint16(start + RECORD_DEVICE, this.#device, true);
    recordsView.setUint16(start + RECORD_FLAGS, this.#isFull ? RECORD_FULL : 0, true);
    recordsView.setUint32(start + RECORD_ENTRY_BYTES, entryBytes, true);
    recordsView.setUint32(start + RECORD_ROW_BYTES, this.#rowBytes, true);
    recordsView.setUint32(start + RECORD_TARGET_BYTES, this.#targetBytes, true);
    records.set(rows.subarray(0, this.#rowBytes), end);
    end += this.#rowBytes;
    records.set(targets.subarray(0, this.#targetBytes), end);
    return end + this.#targetBytes;
  }

  /** Attributes, targets and subdirectories of the entries in `data`. False: no more room. */
  #lookAt(fd: number, length: number, children: Child[]): boolean {
    for (let at = 0; at < length; at += dataView.getUint16(at + D_RECLEN, true)) {
      const type = data[at + D_TYPE];
      const mayBeDirectory = type === DT_DIR || type === DT_UNKNOWN;
      if (!(mayBeDirectory || this.#isFull) || isDots(at)) continue;
      if (this.#rowBytes + ROW_BYTES > MAX_SCAN) return false;
      row.length = 0;
      if (statAtListed(fd, at + D_NAME, AT_SYMLINK_NOFOLLOW) < 0) pushNothing(row);
      else pushAttributes(row, this.#server, this.#tree, 0);
      packRow(rowsView, this.#rowBytes, row);
      this.#rowBytes += ROW_BYTES;
      if (mayBeDirectory && (row[MODE] & S_IFMT) === S_IFDIR && row[DEVICE] === this.#device) {
        children.push({ name: data.toString("latin1", at + D_NAME, data.indexOf(0, at + D_NAME)), ino: row[INO] });
      }
      if (type === DT_LNK && !this.#addTarget(fd, at + D_NAME)) return false;
    }
    return true;
  }

  #addTarget(fd: number, nameAt: number): boolean {
    const length = readlinkAtListed(fd, nameAt);
    const bytes = length > 0 && length <= MAX_TARGET ? length : 0;
    if (this.#targetBytes + 2 + bytes > MAX_SCAN) return false;
    targets.writeUInt16LE(bytes > 0 ? bytes : NO_TARGET, this.#targetBytes);
    listedTarget.copy(targets, this.#targetBytes + 2, 0, bytes);
    this.#targetBytes += 2 + bytes;
    return true;
  }
}

export const onScan = handle(scan, (server, id, path, names, budget, flags) => {
  const place = enter(server, id, path);
  if (typeof place === "number") return place;
  const { tree } = place;
  let device = -1;
  let work: Scan | null = null;
  let error = 0;
  for (const name of names) {
    const fd = openAt(place.fd, name, O_SCAN);
    if (fd < 0) {
      error = fd;
    } else {
      error = statAt(fd, "", AT_EMPTY_PATH);
      const here = tree.statDevice();
      if (work === null) device = here;
      work ??= new Scan(server, tree, device, budget, (flags & SCAN_FULL) !== 0);
      const goesOn = error < 0 || here !== device || work.visit(fd, tree.statIno(), 0);
      closeFd(fd);
      if (!goesOn || work.used >= budget) break;
    }
    if (work === null) break;
  }
  leave(place);
  return work === null ? error : [0, records.subarray(0, work.used)];
});
