import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openAt } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_FDCWD, UTIME_OMIT } from "../../syscall-tables/flags/open.ts";
import { ATTRIBUTE_COUNT, MODE, NLINK, NODE, SIZE } from "../protocol/attributes.ts";
import { packInto, unpackFrom } from "../protocol/codec.ts";
import {
  EEXIST,
  EINVAL,
  EISDIR,
  ENFILE,
  ENODATA,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  EPROTO,
  EROFS,
  ESTALE,
  EXDEV,
} from "../protocol/errno.ts";
import * as messages from "../protocol/messages.ts";
import {
  attach,
  call,
  find,
  names,
  O_PATH,
  O_RDWR,
  outside,
  packedRows,
  replaceServer,
  reply,
  request,
  root,
  send,
  serve,
  server,
} from "./fake-sentry.ts";
import { FileServer } from "./server.ts";

test("the same file is the same node, whatever the name", () => {
  linkSync(join(root, "top"), join(root, "a/other"));
  const node = attach();
  assert.equal(find(node, "top")[NODE], find(node, "a", "other")[NODE]);
});

test("no name leads out of the tree", () => {
  const node = attach();
  for (const name of ["..", ".", "", "/", "a/b", "/etc", "../outside", "a\0b", "x".repeat(256)]) {
    assert.equal(send(messages.walk.id, node, [name], 0, 0), EPROTO, JSON.stringify(name));
    assert.equal(send(messages.mkdir.id, node, name, 0o755, 0, 0), EPROTO);
    assert.equal(send(messages.unlink.id, node, name), EPROTO);
    assert.equal(send(messages.rename.id, node, "top", node, name, 0), EPROTO);
  }
  assert.equal(server.malformed, 9 * 4);
  assert.ok(existsSync(join(root, "top")));
  // Links are read, never followed.
  const link = find(node, "up")[NODE];
  assert.equal(send(messages.open.id, link, 0), ENXIO);
  assert.equal(send(messages.readdir.id, find(node, "away")[NODE], [], 1), ENOTDIR);
  assert.equal(call(messages.walk, find(node, "away")[NODE], ["secret"], 0, 0)[1], ENOTDIR);
  assert.equal(send(messages.setattr.id, link, 1, 0o777, 0, 0, 0, 0, UTIME_OMIT, 0, UTIME_OMIT), EOPNOTSUPP);
  assert.equal(send(messages.setattr.id, link, 8, 0, 0, 0, 0, 0, UTIME_OMIT, 0, UTIME_OMIT), EINVAL);
  assert.equal(readFileSync(join(outside, "secret"), "latin1"), "secret");
});

test("a directory swapped for a link is not followed", () => {
  const node = attach();
  const dir = find(node, "a", "b")[NODE];
  renameSync(join(root, "a/b"), join(root, "a/was"));
  symlinkSync(outside, join(root, "a/b"));
  // The node stays the directory that it was.
  assert.equal(call(messages.create, dir, "new", 0o644, 0, 0)[1].length, ATTRIBUTE_COUNT);
  assert.ok(existsSync(join(root, "a/was/new")));
  assert.ok(!existsSync(join(outside, "new")));
  const [, , found] = call(messages.walk, node, ["a", "b", "secret"], 0, 0);
  assert.equal(found.length, 2 * ATTRIBUTE_COUNT);
  assert.equal(send(messages.create.id, found[ATTRIBUTE_COUNT + NODE], "x", 0o644, 0, 0), ENOTDIR);
});

test("open donates a descriptor of the very file", () => {
  const file = find(attach(), "a", "b", "file");
  renameSync(join(root, "a/b/file"), join(root, "moved"));
  writeFileSync(join(root, "a/b/file"), "other");
  call(messages.open, file[NODE], O_RDWR);
  const fd = server.takeDonated();
  const text = Buffer.alloc(16);
  assert.equal(text.toString("latin1", 0, readSync(fd, text, 0, 16, 0)), "hello");
  writeSync(fd, "j", 0);
  closeSync(fd);
  assert.equal(readFileSync(join(root, "moved"), "latin1"), "jello");
  assert.equal(send(messages.open.id, attach(), 0), EISDIR);
  assert.equal(send(messages.open.id, file[NODE], 3), EINVAL);
  // O_CREAT, O_TRUNC, O_DIRECTORY, O_PATH
  for (const flag of [0o100, 0o1000, 0o200000, 0o10000000]) assert.equal(send(messages.open.id, file[NODE], flag), EPROTO);
});

test("a read-only tree refuses every change", () => {
  replaceServer(serve(true));
  const node = attach();
  const file = find(node, "top")[NODE];
  const stay = [0, UTIME_OMIT, 0, UTIME_OMIT];
  const changes: unknown[][] = [
    [messages.create.id, node, "n", 0o644, 0, 0],
    [messages.tmpfile.id, node, 0o644, 0, 0],
    [messages.mkdir.id, node, "n", 0o755, 0, 0],
    [messages.mknod.id, node, "n", 0o10644, 0, 0],
    [messages.symlink.id, node, "n", "t", 0, 0],
    [messages.link.id, node, "n", file],
    [messages.unlink.id, node, "top"],
    [messages.rmdir.id, node, "a"],
    [messages.rename.id, node, "top", node, "n", 0],
    [messages.setattr.id, file, 1, 0o600, 0, 0, 0, ...stay],
    [messages.setattr.id, file, 8, 0, 0, 0, 0, ...stay],
    [messages.setxattr.id, file, "user.x", Buffer.from("v"), 0],
    [messages.removexattr.id, file, "user.x"],
    [messages.open.id, file, 1],
    [messages.open.id, file, 2],
  ];
  for (const change of changes) assert.equal(send(...change), EROFS, `message ${change[0]}`);
  assert.equal(readFileSync(join(root, "top"), "latin1"), "top");
  call(messages.open, file, 0);
});

test("files are made as asked for", () => {
  const node = attach();
  const file = call(messages.create, node, "new", 0o4711, 12, 34)[1];
  const fd = server.takeDonated();
  writeSync(fd, "x");
  closeSync(fd);
  assert.equal(file[MODE], 0o104711);
  const status = statSync(join(root, "new"));
  if (process.getuid?.() === 0) assert.deepEqual([status.uid, status.gid], [12, 34]);
  assert.equal(send(messages.create.id, node, "new", 0o644, 0, 0), EEXIST);
  assert.equal(send(messages.create.id, node, "up", 0o644, 0, 0), EEXIST);
  assert.equal(call(messages.mkdir, node, "dir", 0o1777, 0, 0)[1][MODE], 0o41777);
  assert.equal(call(messages.mknod, node, "fifo", 0o10600, 0, 0)[1][MODE], 0o10600);
  assert.equal(call(messages.mknod, node, "sock", 0o140600, 0, 0)[1][MODE], 0o140600);
  assert.equal(send(messages.mknod.id, node, "dev", 0o60600, 0, 0), EPERM);
  // A character device is a whiteout, whatever was meant.
  assert.equal(call(messages.mknod, node, "whiteout", 0o20600, 0, 0)[1][MODE], 0o20600);
  assert.equal(statSync(join(root, "whiteout")).rdev, 0);
  assert.equal(send(messages.open.id, find(node, "fifo")[NODE], 0), ENXIO);
  call(messages.symlink, node, "link", "/some/where", 0, 0);
  assert.equal(readlinkSync(join(root, "link")), "/some/where");
  assert.equal(call(messages.readlink, find(node, "link")[NODE])[1], "/some/where");
  assert.equal(call(messages.link, node, "again", file[NODE])[1][NLINK], 2);
  const unnamed = call(messages.tmpfile, node, 0o600, 0, 0)[1];
  const unnamedFd = server.takeDonated();
  writeSync(unnamedFd, "later");
  closeSync(unnamedFd);
  call(messages.link, node, "named", unnamed[NODE]);
  assert.equal(readFileSync(join(root, "named"), "latin1"), "later");
});

test("rename, exchange, unlink, rmdir", () => {
  const node = attach();
  const a = find(node, "a")[NODE];
  const top = find(node, "top")[NODE];
  call(messages.rename, node, "top", a, "down", 0);
  assert.equal(find(node, "a", "down")[NODE], top);
  assert.equal(send(messages.rename.id, a, "down", node, "up", 1), EEXIST);
  call(messages.rename, a, "down", node, "up", 2);
  assert.equal(readlinkSync(join(root, "a/down")), "../outside/secret");
  assert.equal(send(messages.rename.id, node, "a", a, "self", 0), EINVAL);
  assert.equal(send(messages.rename.id, node, "nothing", a, "self", 0), ENOENT);
  call(messages.unlink, node, "up");
  assert.equal(call(messages.getattr, [top])[1][NLINK], 0);
  assert.equal(send(messages.unlink.id, node, "a"), EISDIR);
  assert.equal(send(messages.rmdir.id, node, "away"), ENOTDIR);
  assert.equal(server.handle(request, packInto(request, [messages.forget.id, [top]]), reply), 0);
  assert.equal(call(messages.getattr, [top])[1][MODE], 0);
});

test("nodes of another tree are another filesystem's", () => {
  const second = openAt(AT_FDCWD, outside, O_PATH);
  replaceServer(
    new FileServer({
      trees: [
        { fd: openAt(AT_FDCWD, root, O_PATH), readOnly: false },
        { fd: second, readOnly: false },
      ],
    }),
  );
  const one = attach();
  const two = call(messages.attach, 1)[1][NODE];
  assert.equal(send(messages.rename.id, one, "top", two, "top", 0), EXDEV);
  assert.equal(send(messages.link.id, two, "top", find(one, "top")[NODE]), EXDEV);
  assert.equal(send(messages.attach.id, 2), ENOENT);
});

test("attributes", () => {
  const node = attach();
  const top = find(node, "top")[NODE];
  const set = (mask: number, mode: number, size: number, atime: number, mtime: number): unknown =>
    send(messages.setattr.id, top, mask, mode, 0, 0, size, atime, 5, mtime, 7);
  set(9, 0o2750, 100, 1000, -5);
  const status = statSync(join(root, "top"), { bigint: true });
  assert.equal(Number(status.mode), 0o102750);
  assert.equal(status.size, 100n);
  assert.equal(status.atimeNs, 1000n * 10n ** 9n + 5n);
  assert.equal(status.mtimeNs, -5n * 10n ** 9n + 7n);
  const rows = call(messages.getattr, [top, node, 999])[1];
  assert.equal(rows[SIZE], 100);
  assert.equal(rows[2 * ATTRIBUTE_COUNT + MODE], 0);
  const some = packedRows(call(messages.stats, node, [], ["top", "nothing", "a"])[1]);
  assert.deepEqual([some[0][SIZE], some[0][NODE], some[1][MODE], some[2][MODE] & 0o170000], [100, 0, 0, 0o040000]);
  assert.equal(packedRows(call(messages.stats, node, ["a", "b"], ["file"])[1])[0][SIZE], 5);
  assert.equal(send(messages.stats.id, node, ["away"], ["secret"]), ENOTDIR);
  assert.equal(call(messages.statfs, node)[1].length, 8);
});

test("extended attributes: the guest's own only", () => {
  const top = find(attach(), "top")[NODE];
  const value = Buffer.from([0, 255, 10]);
  if (send(messages.setxattr.id, top, "user.x", value, 0) === EOPNOTSUPP) return;
  assert.deepEqual([...call(messages.getxattr, top, "user.x")[1]], [...value]);
  assert.equal(send(messages.setxattr.id, top, "user.x", value, 1), EEXIST);
  assert.equal(send(messages.setxattr.id, top, "user.y", value, 2), ENODATA);
  assert.deepEqual(call(messages.listxattr, top)[1], ["user.x"]);
  assert.equal(send(messages.setxattr.id, top, "security.capability", value, 0), EINVAL);
  for (const name of ["security.selinux", "trusted.overlay.opaque", "system.posix_acl_access", "user"]) {
    assert.equal(send(messages.setxattr.id, top, name, value, 0), EOPNOTSUPP, name);
    assert.equal(send(messages.removexattr.id, top, name), EOPNOTSUPP);
    assert.equal(send(messages.getxattr.id, top, name), ENODATA);
  }
  call(messages.removexattr, top, "user.x");
  assert.equal(send(messages.getxattr.id, top, "user.x"), ENODATA);
  assert.equal(send(messages.setxattr.id, find(attach(), "up")[NODE], "user.x", value, 0), EPERM);
});

test("a directory of 20000 entries", () => {
  mkdirSync(join(root, "big"));
  const expected: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    const name = `${i}-\xe9${"n".repeat(i % 60)}`;
    expected.push(name);
    closeSync(openSync(Buffer.from(join(root, "big", name), "latin1"), "w"));
  }
  assert.deepEqual(names(find(attach(), "big")[NODE]).sort(), expected.sort());
  assert.equal(send(messages.readdir.id, attach(), [], 0), EINVAL);
});

test("more nodes than descriptors", () => {
  for (let i = 0; i < 100; i++) {
    mkdirSync(join(root, `d${i}/e/f`), { recursive: true });
    writeFileSync(join(root, `d${i}/e/f/file`), String(i));
  }
  replaceServer(serve(true, 16));
  const node = attach();
  const files = Array.from({ length: 100 }, (_, i) => find(node, `d${i}`, "e", "f", "file")[NODE]);
  assert.ok(server.nodes.size > 400);
  assert.ok(server.nodes.openCount <= 16);
  for (const [i, file] of files.entries()) {
    call(messages.open, file, 0);
    const fd = server.takeDonated();
    assert.equal(readFileSync(fd, "latin1"), String(i));
    closeSync(fd);
  }
  // What cannot be found again as it was is stale, not something else.
  renameSync(join(root, "d5/e/f/file"), join(root, "d5/e/f/kept"));
  writeFileSync(join(root, "d5/e/f/file"), "imposter");
  rmSync(join(root, "d6/e"), { recursive: true });
  symlinkSync(outside, join(root, "d6/e"));
  for (const file of files.slice(20, 60)) call(messages.getattr, [file]);
  assert.equal(send(messages.open.id, files[5], 0), ESTALE);
  assert.equal(send(messages.open.id, files[6], 0), ESTALE);
  assert.ok(server.nodes.openCount <= 16);
});

test("an unlinked node keeps its descriptor; when nothing can be evicted the answer is ENFILE", () => {
  replaceServer(serve(false, 8));
  const node = attach();
  const held: number[] = [];
  let result: unknown[] | number = 0;
  for (let i = 0; i < 10 && typeof result !== "object"; i++) {
    const made = send(messages.create.id, node, `f${i}`, 0o644, 0, 0);
    const fd = server.takeDonated();
    if (fd >= 0) closeSync(fd);
    if (typeof made === "number") {
      assert.equal(made, ENFILE);
      break;
    }
    held.push((made[1] as number[])[NODE]);
    result = send(messages.unlink.id, node, `f${i}`) as number;
    result = typeof result === "object" ? 0 : result;
  }
  assert.ok(held.length >= 8);
  for (const id of held) assert.equal(call(messages.getattr, [id])[1][NLINK], 0);
});

test("random and damaged requests are answered", () => {
  const node = attach();
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const values = [
    0,
    1,
    node,
    -1,
    7,
    0o777,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1.5,
    "",
    "a",
    "..",
    "x/y",
    "top",
    "user.x",
    [],
    ["a"],
    ["a", "b"],
    ["..", "a"],
    [1],
    Buffer.from("v"),
  ];
  for (let round = 0; round < 20_000; round++) {
    let length: number;
    const id = random(messages.MAX_MESSAGE_ID + 3);
    if (round % 3 === 0) {
      length = random(60);
      for (let i = 0; i < length; i++) request[i] = random(256);
    } else {
      const fields = Array.from({ length: random(7) }, () => values[random(values.length)]);
      length = packInto(request, [id, ...fields]);
      if (round % 3 === 2) request[random(length)] = random(256);
    }
    const answer = server.handle(request, length, reply);
    const fd = server.takeDonated();
    if (fd >= 0) closeSync(fd);
    if (answer > 0) assert.notEqual(unpackFrom(reply, answer), null);
  }
  assert.ok(server.malformed > 0);
  assert.equal(readFileSync(join(outside, "secret"), "latin1"), "secret");
});

test("the owner of a rootless gofer shows as the guest's", () => {
  const { uid, gid } = statSync(join(root, "top"));
  replaceServer(
    new FileServer({
      trees: [{ fd: openAt(AT_FDCWD, root, O_PATH), readOnly: false }],
      ownerMap: { hostUid: uid, hostGid: gid, guestUid: 77, guestGid: 88 },
    }),
  );
  const top = find(attach(), "top");
  assert.deepEqual(top.slice(5, 7), [77, 88]);
  const stay = [0, 0, UTIME_OMIT, 0, UTIME_OMIT];
  assert.notEqual(typeof send(messages.setattr.id, top[NODE], 6, 0, 77, 88, ...stay), "number");
  assert.equal(statSync(join(root, "top")).uid, uid);
  chmodSync(join(root, "top"), 0o600);
});
