import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { ATTRIBUTE_COUNT, INO, MODE, SIZE } from "../../../gofer/protocol/attributes.ts";
import { MAX_SCAN, type Message, scan } from "../../../gofer/protocol/messages.ts";
import {
  D_NAME,
  D_RECLEN,
  D_TYPE,
  RECORD_ENTRY_BYTES,
  RECORD_HEADER,
  RECORD_INO,
  RECORD_ROW_BYTES,
} from "../../../gofer/protocol/packed.ts";
import { openAt } from "../../../native/ffi/file-calls-unsafe.ts";
import { AT_FDCWD, DT_DIR, O_DIRECTORY } from "../../../syscall-tables/flags/open.ts";
import { ENOENT, isErrno } from "../../abi/errno.ts";
import type { Answer } from "../../host/gofer-client.ts";
import type { Task } from "../../task/task.ts";
import { rootDentry } from "../../vfs/dentry-cache.ts";
import type { DirentSink, Inode } from "../../vfs/inode.ts";
import { Mount } from "../../vfs/mount.ts";

import { GoferFilesystem } from "./filesystem.ts";
import { Listing } from "./listing.ts";
import { Listings } from "./listings.ts";
import { LocalGofer } from "./local-gofer.ts";

const O_PATH = 0o10000000;
const noTask = null as unknown as Task;
const TOPS = 60;
const FILES = 5;

let root: string;
let gofer: LocalGofer;

const mount = (listingBytes?: number): GoferFilesystem => {
  const fs = GoferFilesystem.attach(gofer, 0, 42, { isImmutable: true, ...(listingBytes === undefined ? {} : { listingBytes }) });
  assert.ok(!isErrno(fs));
  return fs;
};

const child = (dir: Inode, name: string): Inode => {
  const found = dir.lookup(name, null);
  assert.ok(!isErrno(found), `${name}: ${found}`);
  return found;
};

interface Entry {
  readonly name: string;
  readonly type: number;
}

const list = (dir: Inode): Entry[] => {
  const file = dir.open({ mount: new Mount(dir.fs, rootDentry(dir.fs), 0, ""), dentry: rootDentry(dir.fs) }, O_DIRECTORY, noTask);
  assert.ok(!isErrno(file));
  const entries: Entry[] = [];
  const sink: DirentSink = { add: (name, _ino, mode) => entries.push({ name, type: mode >> 12 }) > 0 };
  assert.equal(file.readDirectory(sink, noTask), 0);
  file.put();
  return entries.filter(({ name }) => name !== "." && name !== "..");
};

/** As find(1) goes: every name below `dir`. */
const traverse = (dir: Inode, path = ""): string[] => {
  const found: string[] = [];
  for (const { name, type } of list(dir)) {
    found.push(`${path}/${name}`);
    if (type === DT_DIR) found.push(...traverse(child(dir, name), `${path}/${name}`));
  }
  return found;
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gofer-ahead-"));
  for (let i = 0; i < TOPS; i++) {
    mkdirSync(join(root, `top/d${i}/sub`), { recursive: true });
    for (let j = 0; j < FILES; j++) writeFileSync(join(root, `top/d${i}/sub/f${j}`), "x".repeat(j));
    symlinkSync(`f${i}`, join(root, `top/d${i}/link`));
  }
  gofer = new LocalGofer({ trees: [{ fd: openAt(AT_FDCWD, root, O_PATH), readOnly: true }] });
});

afterEach(() => {
  gofer.server.close();
  rmSync(root, { recursive: true });
});

test("a walk through a tree takes a message for many directories, and none the second time", () => {
  const fs = mount();
  const top = child(fs.root, "top");
  let names: string[] = [];
  const calls = gofer.count(() => {
    names = traverse(top);
  });
  assert.equal(names.length, TOPS * (3 + FILES));
  assert.ok(names.includes("/d7/sub/f3") && names.includes("/d59/link"));
  assert.ok(calls <= 10, `${calls} messages for ${2 * TOPS + 1} directories`);
  assert.equal(
    gofer.count(() => assert.deepEqual(traverse(top), names)),
    0,
  );
});

test("nothing is read ahead for who only lists a directory", () => {
  const fs = mount();
  child(child(fs.root, "top"), "d1");
  assert.equal(
    gofer.count(() => list(child(child(fs.root, "top"), "d1"))),
    1,
  );
  assert.equal(fs.listings.size, 1);
});

test("a walk that looks at files gets their attributes and link targets along with the names", () => {
  const fs = mount();
  const top = child(fs.root, "top");
  const calls = gofer.count(() => {
    for (const { name } of list(top)) {
      const dir = child(top, name);
      for (const entry of list(dir)) {
        const inode = child(dir, entry.name);
        if (inode.isSymlink) assert.equal(inode.readlink(noTask), name.replace("d", "f"));
        if (!inode.isDirectory) continue;
        for (const file of list(inode)) assert.equal(child(inode, file.name).size, Number(file.name.slice(1)));
      }
    }
  });
  assert.ok(calls <= 40, `${calls} messages`);
});

test("kept listings stay within their bound, those used last longest", () => {
  const bytes = Buffer.alloc(0);
  const listings = new Listings(3 * (Listing.read(bytes, 0) as Listing).weight);
  for (let ino = 1; ino <= 3; ino++) assert.ok(listings.put(ino, Listing.read(bytes, 0) as Listing));
  assert.notEqual(listings.use(1), null);
  assert.ok(listings.put(4, Listing.read(bytes, 0) as Listing));
  assert.deepEqual(
    [1, 2, 3, 4].map((ino) => listings.has(ino)),
    [true, false, true, true],
  );
  listings.clear();
  assert.deepEqual([listings.size, listings.bytes], [0, 0]);
  const fs = mount(2000);
  assert.equal(traverse(child(fs.root, "top")).length, TOPS * (3 + FILES));
  assert.ok(fs.listings.bytes <= 2000, `${fs.listings.bytes} bytes`);
});

test("an answer stays within its budget, but for the first directory", () => {
  const answer = gofer.call(scan, child(mount().root, "top") && topNode(), [], ["top"], 4096, 0);
  assert.ok(typeof answer !== "number");
  assert.ok(answer[1].length > 4096 && answer[1].length <= MAX_SCAN);
  const view = new DataView(answer[1].buffer, answer[1].byteOffset, answer[1].length);
  assert.equal(RECORD_HEADER + view.getUint32(RECORD_ENTRY_BYTES, true) + view.getUint32(RECORD_ROW_BYTES, true), answer[1].length);
  const small = gofer.call(scan, topNode(), ["top"], ["d0", "d1", "d2"], 4096, 1);
  assert.ok(typeof small !== "number" && small[1].length <= 4096);
  for (const path of [["top", "d0", "link"], ["none"]]) assert.ok((gofer.call(scan, topNode(), path, ["x"], 4096, 0) as number) < 0);
  assert.ok((gofer.call(scan, topNode(), ["top", "d0"], ["link"], 4096, 0) as number) < 0);
});

const topNode = (): number => (mount().root as Inode & { node: number }).node;

const entry = (name: string, change: (bytes: Buffer) => void = () => undefined): Buffer => {
  const bytes = Buffer.alloc((D_NAME + name.length + 8) & ~7);
  bytes.writeUInt16LE(bytes.length, D_RECLEN);
  bytes[D_TYPE] = DT_DIR;
  bytes.write(name, D_NAME, "latin1");
  change(bytes);
  return bytes;
};

test("entries that are none are refused", () => {
  const names = (bytes: Buffer): number => Listing.read(bytes, 0)?.length ?? -1;
  assert.equal(names(Buffer.concat([entry("a"), entry("b".repeat(255))])), 2);
  const bad: Buffer[] = [
    entry("a/b"),
    entry(""),
    entry("."),
    entry(".."),
    entry("n".repeat(256)),
    entry("a").subarray(0, 20),
    entry("a", (bytes) => bytes.writeUInt16LE(0, D_RECLEN)),
    entry("a", (bytes) => bytes.writeUInt16LE(20, D_RECLEN)),
    entry("a", (bytes) => bytes.writeUInt16LE(4096, D_RECLEN)),
    entry("a", (bytes) => bytes.fill(1, D_NAME)),
    entry("a", (bytes) => bytes.fill(0xff, 0, 8)),
  ];
  for (const [i, bytes] of bad.entries()) assert.equal(names(bytes), -1, `entry ${i}`);
  // What stands behind a name is not shown to the guest.
  const tail = entry("abc", (bytes) => bytes.fill(7, D_NAME + 4));
  assert.equal(names(tail), 1);
  assert.ok(tail.subarray(D_NAME + 3).every((byte) => byte === 0));
});

/** Answers `scan` with `records`, everything else as it is. */
class LyingGofer extends LocalGofer {
  records: Buffer = Buffer.alloc(0);

  override call<Request extends readonly unknown[], Reply extends readonly unknown[]>(
    message: Message<Request, Reply>,
    ...fields: Request
  ): Answer<Reply> {
    if (message.id !== scan.id) return super.call(message, ...fields);
    return [0, this.records] as unknown as Answer<Reply>;
  }
}

test("records that make no sense are as good as none", () => {
  const liar = new LyingGofer({ trees: [{ fd: openAt(AT_FDCWD, root, O_PATH), readOnly: true }] });
  const fs = GoferFilesystem.attach(liar, 0, 42, { isImmutable: true });
  assert.ok(!isErrno(fs));
  const top = child(fs.root, "top");
  list(top);
  const record = (ino: number, entries: Buffer, entryBytes: number, rowBytes = 0): Buffer => {
    const header = Buffer.alloc(RECORD_HEADER);
    header.writeDoubleLE(ino, RECORD_INO);
    header.writeUInt32LE(entryBytes, RECORD_ENTRY_BYTES);
    header.writeUInt32LE(rowBytes, RECORD_ROW_BYTES);
    return Buffer.concat([header, entries]);
  };
  const answers = (dir: Inode): Buffer[] => [
    Buffer.alloc(5),
    record(dir.ino, entry("a"), 1000),
    record(dir.ino, entry("a"), 24, 0xffff_ffff),
    record(dir.ino, entry("a/b"), 24),
    record(Number.NaN, entry("a"), 24),
    record(dir.ino + 0.5, entry("a"), 24),
  ];
  for (let i = 0; i < 6; i++) {
    const dir = child(top, `d${i}`);
    liar.records = answers(dir)[i];
    assert.deepEqual(
      list(dir)
        .map(({ name }) => name)
        .sort(),
      ["link", "sub"],
      `answer ${i}`,
    );
  }
  // Rows that are cut off or no attributes at all: the names count, the rest is asked for.
  const dir = child(top, "d9");
  const rows = Buffer.alloc(200, 0xff);
  liar.records = record(dir.ino, Buffer.concat([entry("sub"), entry("gone"), rows]), 48, rows.length);
  assert.deepEqual(
    list(dir).map(({ name }) => name),
    ["sub", "gone"],
  );
  assert.ok(child(dir, "sub").isDirectory);
  assert.equal(dir.lookup("gone", null), ENOENT);
  assert.equal(dir.lookup("link", null), ENOENT);
  liar.server.close();
});

test("attributes of a listing: rows by rank, links' targets by number", () => {
  const fs = mount();
  const top = child(fs.root, "top");
  list(top);
  list(child(top, "d3"));
  const row: number[] = new Array(ATTRIBUTE_COUNT).fill(0);
  const listing = fs.listings.get(child(top, "d3").ino);
  assert.ok(listing !== null);
  const number = listing.indexOf("sub");
  assert.ok(listing.attributes(number, row));
  assert.deepEqual([row[MODE] >> 12, row[INO]], [DT_DIR, listing.ino(number)]);
  assert.ok(row[SIZE] >= 0);
  assert.equal(listing.attributes(listing.indexOf("link"), row), false);
  assert.equal(listing.target(listing.indexOf("link")), null);
});

/** Counts the messages that read ahead. */
class ScanCounter extends LocalGofer {
  scans = 0;

  override call<Request extends readonly unknown[], Reply extends readonly unknown[]>(
    message: Message<Request, Reply>,
    ...fields: Request
  ): Answer<Reply> {
    if (message.id === scan.id) this.scans++;
    return super.call(message, ...fields);
  }
}

test("who picks directories here and there gets them one by one after a while", () => {
  const counter = new ScanCounter({ trees: [{ fd: openAt(AT_FDCWD, root, O_PATH), readOnly: true }] });
  // What comes ahead is not kept for long.
  const fs = GoferFilesystem.attach(counter, 0, 42, { isImmutable: true, listingBytes: 9000 });
  assert.ok(!isErrno(fs));
  const top = child(fs.root, "top");
  for (let i = 0; i < 12; i++) {
    list(top);
    list(child(top, `d${(i * 23 + 50) % TOPS}`));
  }
  assert.ok(counter.scans >= 2 && counter.scans <= 4, `${counter.scans} messages`);
  counter.server.close();
});
