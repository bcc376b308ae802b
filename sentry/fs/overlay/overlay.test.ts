import assert from "node:assert/strict";
import { fstatSync, writeSync } from "node:fs";
import { test } from "node:test";
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
} from "../../../syscall-tables/flags/open.ts";
import { EEXIST, ENOENT, ENOTEMPTY, isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { sys_chmod, sys_chown } from "../../syscalls/file/chmod.ts";
import { sys_getdents64 } from "../../syscalls/file/getdents.ts";
import { sys_link, sys_readlink, sys_rename, sys_renameat2 } from "../../syscalls/file/link.ts";
import { sys_mkdir, sys_rmdir, sys_unlink } from "../../syscalls/file/mkdir.ts";
import { sys_open } from "../../syscalls/file/open.ts";
import { sys_pread64 } from "../../syscalls/file/read.ts";
import { sys_stat } from "../../syscalls/file/stat.ts";
import { sys_pwrite64 } from "../../syscalls/file/write.ts";
import { sys_listxattr, sys_setxattr } from "../../syscalls/file/xattr.ts";
import { BUFFER, type FakeGuestTask, fakeGuest, INPUT } from "../../vfs/fake-guest.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { MemoryDirectory } from "../../vfs/memory/memory-directory.ts";
import type { MemoryRegular } from "../../vfs/memory/memory-regular.ts";

import { kernelIo } from "../../vfs/user-io.ts";
import { Tmpfs } from "../tmpfs/tmpfs.ts";
import { Overlay } from "./overlay.ts";

/** A lower tree: /dir/{a,b,sub/deep}, /file, /hard (the same as /file), /link. */
const makeLower = (kernel: Kernel): Tmpfs => {
  const fs = new Tmpfs(kernel, { mode: 0o755 });
  const make = (dir: Inode, name: string, mode: number): Inode => {
    const made = dir.create(name, mode, 0, 0, 0);
    assert.ok(!isErrno(made));
    return made;
  };
  const fill = (inode: Inode, text: string): void => {
    const data = Buffer.from(text);
    (inode as MemoryRegular).data.write(kernelIo(data, 0, data.length), 0);
    inode.size = data.length;
  };
  const dir = make(fs.root, "dir", 0o040755);
  fill(make(dir, "a", 0o100644), "lower a");
  fill(make(dir, "b", 0o100644), "lower b");
  fill(make(make(dir, "sub", 0o040755), "deep", 0o100644), "deep");
  const file = make(fs.root, "file", 0o100755);
  fill(file, "x".repeat(100_000));
  fs.root.link("hard", file);
  fs.root.symlink("link", "dir/a", 0, 0);
  file.setXattr("user.lower", Buffer.from("1"), 0);
  return fs;
};

const start = () => {
  let lower: Tmpfs | null = null;
  const guest = fakeGuest((kernel) => {
    lower = makeLower(kernel);
    return new Overlay(kernel, lower);
  });
  return { ...guest, lower: lower as unknown as Tmpfs };
};

const open = (task: FakeGuestTask, path: string, flags = O_RDONLY): number => task.call(sys_open, path, flags, 0o644);
const read = (task: FakeGuestTask, path: string): string | number => {
  const fd = open(task, path);
  if (fd < 0) return fd;
  const n = task.call(sys_pread64, fd, BUFFER, 200_000, 0);
  task.files.close(fd, task.asTask);
  return n < 0 ? n : task.output(n);
};
const write = (task: FakeGuestTask, path: string, text: string, at = 0): void => {
  const fd = open(task, path, O_WRONLY | O_CREAT);
  assert.ok(fd >= 0, `${path}: ${fd}`);
  assert.equal(task.call(sys_pwrite64, fd, INPUT, task.input(text), at), text.length);
  task.files.close(fd, task.asTask);
};
const list = (task: FakeGuestTask, path: string): string[] => {
  const fd = open(task, path, O_RDONLY | O_DIRECTORY);
  assert.ok(fd >= 0, String(fd));
  const names: string[] = [];
  for (let n = task.call(sys_getdents64, fd, BUFFER, 200); n > 0; n = task.call(sys_getdents64, fd, BUFFER, 200)) {
    for (let at = BUFFER; at < BUFFER + n; at += task.memory.loadU16(at + 16)) names.push(task.memory.readCString(at + 19, 256) as string);
  }
  task.files.close(fd, task.asTask);
  return names.filter((name) => !name.startsWith(".")).sort();
};
const stat = (task: FakeGuestTask, path: string): { ino: number; nlink: number; mode: number; uid: number; size: number } | number => {
  const error = task.call(sys_stat, path, BUFFER);
  if (error < 0) return error;
  const { memory } = task;
  return {
    ino: memory.loadU64(BUFFER + 8),
    nlink: memory.loadU64(BUFFER + 16),
    mode: memory.loadU32(BUFFER + 24) & 0o7777,
    uid: memory.loadU32(BUFFER + 28),
    size: memory.loadU64(BUFFER + 48),
  };
};

test("the lower tree shows, and stays as it is", () => {
  const { task, lower } = start();
  assert.equal(read(task, "/dir/a"), "lower a");
  assert.equal(read(task, "/link"), "lower a");
  assert.deepEqual(list(task, "/"), ["dir", "file", "hard", "link"]);
  write(task, "/dir/a", "UPPER");
  assert.equal(read(task, "/dir/a"), "UPPER a");
  const dir = lower.root.lookup("dir", null) as MemoryDirectory;
  const buffer = new Uint8Array(20);
  const n = (dir.lookup("a", null) as MemoryRegular).data.read(kernelIo(buffer, 0, 20), 0);
  assert.equal(Buffer.from(buffer.subarray(0, n)).toString(), "lower a");
});

test("an inode keeps its number over the first write, and hard links stay one file", () => {
  const { task } = start();
  const before = stat(task, "/file");
  const early = open(task, "/hard");
  write(task, "/file", "Y", 50_000);
  assert.deepEqual({ ...(before as object), size: 100_000 }, stat(task, "/file"));
  assert.deepEqual(stat(task, "/file"), stat(task, "/hard"));
  assert.equal((read(task, "/hard") as string)[50_000], "Y");
  // Opened before the copy, it sees the write all the same.
  task.call(sys_pread64, early, BUFFER, 1, 50_000);
  assert.equal(task.output(1), "Y");
  assert.equal(task.call(sys_unlink, "/file"), 0);
  assert.equal((stat(task, "/hard") as { nlink: number }).nlink, 1);
});

test("truncating on open copies nothing; attributes change without the data", () => {
  const { task } = start();
  open(task, "/file", O_RDWR | O_TRUNC);
  assert.equal(read(task, "/file"), "");
  assert.equal(task.call(sys_chmod, "/dir/a", 0o600), 0);
  assert.equal(task.call(sys_chown, "/dir/a", 5, 6), 0);
  assert.deepEqual([(stat(task, "/dir/a") as { mode: number }).mode, (stat(task, "/dir/a") as { uid: number }).uid], [0o600, 5]);
  assert.equal(read(task, "/dir/a"), "lower a");
  assert.equal(task.call(sys_listxattr, "/file", BUFFER, 100), 11);
  assert.equal(task.call(sys_setxattr, "/file", "user.upper", INPUT, task.input("2"), 0), 0);
  assert.equal(task.call(sys_listxattr, "/file", BUFFER, 100), 22);
});

test("removed names stay removed, and can be made anew", () => {
  const { task } = start();
  assert.equal(task.call(sys_unlink, "/dir/a"), 0);
  assert.equal(read(task, "/dir/a"), ENOENT);
  assert.deepEqual(list(task, "/dir"), ["b", "sub"]);
  assert.equal(task.call(sys_rmdir, "/dir"), ENOTEMPTY);
  write(task, "/dir/a", "new");
  assert.equal(read(task, "/dir/a"), "new");
  assert.deepEqual(list(task, "/dir"), ["a", "b", "sub"]);
  for (const name of ["/dir/a", "/dir/b", "/dir/sub/deep"]) assert.equal(task.call(sys_unlink, name), 0);
  assert.equal(task.call(sys_rmdir, "/dir/sub"), 0);
  assert.equal(task.call(sys_rmdir, "/dir"), 0);
  assert.equal(read(task, "/dir/b"), ENOENT);
  assert.equal(task.call(sys_mkdir, "/dir", 0o755), 0);
  assert.deepEqual(list(task, "/dir"), []);
  assert.equal(task.call(sys_mkdir, "/dir", 0o755), EEXIST);
});

test("lower directories move with all that is in them", () => {
  const { task } = start();
  write(task, "/dir/sub/more", "more");
  assert.equal(task.call(sys_unlink, "/dir/b"), 0);
  assert.equal(task.call(sys_rename, "/dir", "/elsewhere"), 0);
  assert.equal(read(task, "/dir/a"), ENOENT);
  assert.equal(read(task, "/elsewhere/a"), "lower a");
  assert.deepEqual(list(task, "/elsewhere"), ["a", "sub"]);
  assert.deepEqual(list(task, "/elsewhere/sub"), ["deep", "more"]);
  assert.equal(task.call(sys_rename, "/elsewhere/sub", "/sub"), 0);
  assert.deepEqual(list(task, "/sub"), ["deep", "more"]);
  assert.deepEqual(list(task, "/"), ["elsewhere", "file", "hard", "link", "sub"]);
  assert.equal(task.call(sys_rename, "/sub", "/elsewhere/a"), -20);
  assert.equal(task.call(sys_renameat2, AT_FDCWD, "/file", AT_FDCWD, "/elsewhere/a", RENAME_EXCHANGE), 0);
  assert.equal(read(task, "/file"), "lower a");
  assert.equal((read(task, "/elsewhere/a") as string).length, 100_000);
});

test("links to lower files", () => {
  const { task } = start();
  assert.equal(task.call(sys_link, "/dir/a", "/linked"), 0);
  write(task, "/linked", "LOWER");
  assert.equal(read(task, "/dir/a"), "LOWER a");
  assert.equal((stat(task, "/dir/a") as { nlink: number }).nlink, 2);
  assert.equal(task.call(sys_readlink, "/link", BUFFER, 100), 5);
  assert.equal(task.output(5), "dir/a");
});

test("a mapping for reading is the lower file's; one for writing is the copy's", () => {
  const { task } = start();
  const fd = open(task, "/dir/a", O_RDWR);
  const mapping = task.files.get(fd)?.mapping(task.asTask);
  assert.ok(typeof mapping === "object");
  const lowerFd = mapping.hostFd(false);
  const upperFd = mapping.hostFd(true);
  assert.ok(typeof lowerFd === "number" && typeof upperFd === "number" && lowerFd > 0 && upperFd > 0 && lowerFd !== upperFd);
  // The copy again, through an fd that cannot write.
  const readingFd = mapping.hostFd(false);
  assert.ok(typeof readingFd === "number" && readingFd !== upperFd);
  assert.equal(fstatSync(readingFd).ino, fstatSync(upperFd).ino);
  assert.throws(() => writeSync(readingFd, "x"), { code: "EBADF" });
  assert.equal(read(task, "/dir/a"), "lower a");
});
