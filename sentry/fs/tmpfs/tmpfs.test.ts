import assert from "node:assert/strict";
import { test } from "node:test";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, SEEK_DATA, SEEK_HOLE } from "../../../syscall-tables/flags/fd.ts";
import {
  AT_FDCWD,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
} from "../../../syscall-tables/flags/open.ts";
import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  EMFILE,
  ENODATA,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  EXDEV,
} from "../../abi/errno.ts";
import { sys_chmod } from "../../syscalls/file/chmod.ts";
import { sys_getdents64 } from "../../syscalls/file/getdents.ts";
import { sys_link, sys_readlink, sys_rename, sys_renameat2, sys_symlink } from "../../syscalls/file/link.ts";
import { sys_lseek } from "../../syscalls/file/lseek.ts";
import { sys_mkdir, sys_mknod, sys_rmdir, sys_unlink } from "../../syscalls/file/mkdir.ts";
import { sys_open } from "../../syscalls/file/open.ts";
import { sys_pread64, sys_read } from "../../syscalls/file/read.ts";
import { sys_stat } from "../../syscalls/file/stat.ts";
import { sys_fallocate, sys_ftruncate } from "../../syscalls/file/truncate.ts";
import { sys_pwrite64, sys_write } from "../../syscalls/file/write.ts";
import { sys_getxattr, sys_listxattr, sys_setxattr } from "../../syscalls/file/xattr.ts";
import { Credentials } from "../../task/credentials.ts";
import { BUFFER, type FakeGuestTask, fakeGuest, INPUT } from "../../vfs/fake-guest.ts";

import { parseTmpfsOptions, type TmpfsOptions } from "./options.ts";
import { Tmpfs } from "./tmpfs.ts";

const start = (options: TmpfsOptions = { mode: 0o755 }) => fakeGuest((kernel) => new Tmpfs(kernel, options));

const open = (task: FakeGuestTask, path: string, flags: number, mode = 0o644): number => task.call(sys_open, path, flags, mode);
const write = (task: FakeGuestTask, fd: number, data: string): number => task.call(sys_write, fd, INPUT, task.input(data));
const pread = (task: FakeGuestTask, fd: number, length: number, at: number): string | number => {
  const n = task.call(sys_pread64, fd, BUFFER, length, at);
  return n < 0 ? n : task.output(n);
};
/** Fields of struct stat after sys_stat to BUFFER. */
const stat = (task: FakeGuestTask, path: string): { nlink: number; mode: number; size: number; blocks: number; ino: number } => {
  assert.equal(task.call(sys_stat, path, BUFFER), 0, path);
  const { memory } = task;
  return {
    ino: memory.loadU64(BUFFER + 8),
    nlink: memory.loadU64(BUFFER + 16),
    mode: memory.loadU32(BUFFER + 24),
    size: memory.loadU64(BUFFER + 48),
    blocks: memory.loadU64(BUFFER + 64),
  };
};

/** The names a directory fd yields in one call of at most `size` bytes. */
const list = (task: FakeGuestTask, fd: number, size = 32768): string[] => {
  const n = task.call(sys_getdents64, fd, BUFFER, size);
  assert.ok(n >= 0, String(n));
  const names: string[] = [];
  for (let at = BUFFER; at < BUFFER + n; at += task.memory.loadU16(at + 16)) names.push(task.memory.readCString(at + 19, 256) as string);
  return names;
};

test("bytes go in and come out, over chunk borders and holes", () => {
  const { task } = start();
  const fd = open(task, "/f", O_RDWR | O_CREAT);
  assert.equal(fd, 0);
  assert.equal(write(task, fd, "hello"), 5);
  assert.equal(pread(task, fd, 100, 0), "hello");
  assert.equal(pread(task, fd, 100, 5), "");
  const big = "0123456789abcdef".repeat(20000);
  assert.equal(task.call(sys_pwrite64, fd, INPUT, task.input(big), 65530), big.length);
  assert.equal(pread(task, fd, big.length, 65530), big);
  assert.equal(pread(task, fd, 10, 65525), `\0\0\0\0\0${big.slice(0, 5)}`);
  assert.equal(stat(task, "/f").size, 65530 + big.length);
  assert.equal(task.call(sys_ftruncate, fd, 3), 0);
  assert.equal(task.call(sys_ftruncate, fd, 8), 0);
  assert.equal(pread(task, fd, 100, 0), "hel\0\0\0\0\0");
  assert.equal(stat(task, "/f").blocks, 8);
  assert.equal(task.call(sys_pwrite64, fd, INPUT, 1, 2 ** 40), 1);
  assert.equal(stat(task, "/f").size, 2 ** 40 + 1);
  assert.equal(stat(task, "/f").blocks, 16);
});

test("holes are found and punched", () => {
  const { task } = start();
  const fd = open(task, "/f", O_RDWR | O_CREAT);
  task.call(sys_ftruncate, fd, 1 << 20);
  assert.equal(task.call(sys_lseek, fd, 0, SEEK_DATA), ENXIO);
  task.call(sys_pwrite64, fd, INPUT, 10, 100_000);
  assert.equal(task.call(sys_lseek, fd, 0, SEEK_DATA), 98304);
  assert.equal(task.call(sys_lseek, fd, 98304, SEEK_HOLE), 102400);
  assert.equal(task.call(sys_lseek, fd, 0, SEEK_HOLE), 0);
  assert.equal(task.call(sys_lseek, fd, 1 << 20, SEEK_HOLE), ENXIO);
  assert.equal(task.call(sys_fallocate, fd, 0, 0, 200_000), 0);
  assert.equal(stat(task, "/f").blocks, 49 * 8);
  assert.equal(task.call(sys_fallocate, fd, FALLOC_FL_PUNCH_HOLE, 0, 8192), EOPNOTSUPP);
  assert.equal(task.call(sys_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192), 0);
  assert.equal(stat(task, "/f").blocks, 47 * 8);
  assert.equal(stat(task, "/f").size, 1 << 20);
  assert.equal(task.call(sys_fallocate, fd, 0, 1 << 20, 4096), 0);
  assert.equal(stat(task, "/f").size, (1 << 20) + 4096);
  assert.equal(task.call(sys_fallocate, fd, 0, 0, 0), EINVAL);
});

test("a mapped file lives in a memfd and keeps its bytes", () => {
  const { task } = start();
  const fd = open(task, "/f", O_RDWR | O_CREAT);
  write(task, fd, "before");
  task.call(sys_pwrite64, fd, INPUT, task.input("far"), 300_000);
  const file = task.files.get(fd);
  const mapping = file?.mapping(task.asTask);
  assert.ok(typeof mapping === "object");
  const hostFd = mapping.hostFd(true);
  assert.ok(typeof hostFd === "number" && hostFd > 2);
  assert.equal(mapping.name, "/f");
  assert.equal(pread(task, fd, 6, 0), "before");
  assert.equal(pread(task, fd, 6, 300_000), "far");
  task.call(sys_pwrite64, fd, INPUT, task.input("AFTER!!"), 3);
  assert.equal(pread(task, fd, 10, 0), "befAFTER!!");
  assert.equal(task.call(sys_lseek, fd, 8192, SEEK_DATA), 299_008);
  assert.equal(task.call(sys_ftruncate, fd, 4), 0);
  assert.equal(pread(task, fd, 10, 0), "befA");
  assert.equal(stat(task, "/f").blocks, 8);
});

test("size= and nr_inodes= are kept", () => {
  const { task } = start({ size: 16384, inodes: 3, mode: 0o755 });
  const fd = open(task, "/f", O_RDWR | O_CREAT);
  assert.equal(task.call(sys_pwrite64, fd, INPUT, 20_000, 0), 16384);
  assert.equal(task.call(sys_pwrite64, fd, INPUT, 1, 16384), ENOSPC);
  assert.equal(task.call(sys_pwrite64, fd, INPUT, 100, 0), 100);
  assert.equal(task.call(sys_ftruncate, fd, 4096), 0);
  assert.equal(task.call(sys_fallocate, fd, 0, 0, 20_000), ENOSPC);
  assert.equal(task.call(sys_pwrite64, fd, INPUT, 12_288, 4096), 12_288);
  assert.equal(task.call(sys_mkdir, "/d", 0o755), 0);
  assert.equal(task.call(sys_mkdir, "/e", 0o755), ENOSPC);
  task.call(sys_rmdir, "/d");
  assert.equal(task.call(sys_mkdir, "/e", 0o755), 0);
  task.call(sys_unlink, "/f");
  assert.equal(task.call(sys_pwrite64, fd, INPUT, 1, 16384), ENOSPC);
  task.files.close(fd, task.asTask);
  const again = open(task, "/g", O_RDWR | O_CREAT);
  assert.equal(task.call(sys_pwrite64, again, INPUT, 16384, 0), 16384);
  assert.deepEqual(parseTmpfsOptions("size=1m,mode=1777,uid=5"), { size: 2 ** 20, mode: 0o1777, uid: 5 });
  assert.deepEqual(parseTmpfsOptions("size=50%"), { size: { percent: 50 } });
  assert.equal(parseTmpfsOptions("sice=1"), EINVAL);
});

test("open flags", () => {
  const { task } = start();
  assert.equal(open(task, "/none", O_RDONLY), ENOENT);
  const fd = open(task, "/f", O_WRONLY | O_CREAT | O_EXCL, 0o666);
  assert.equal(stat(task, "/f").mode, 0o100644);
  assert.equal(open(task, "/f", O_WRONLY | O_CREAT | O_EXCL), EEXIST);
  assert.equal(task.call(sys_read, fd, BUFFER, 1), EBADF);
  write(task, fd, "data");
  const truncated = open(task, "/f", O_RDWR | O_TRUNC);
  assert.equal(stat(task, "/f").size, 0);
  write(task, truncated, "xy");
  const appended = open(task, "/f", O_WRONLY | O_APPEND);
  write(task, appended, "z");
  assert.equal(pread(task, truncated, 10, 0), "xyz");
  task.call(sys_mkdir, "/d", 0o755);
  assert.equal(open(task, "/d", O_WRONLY), EISDIR);
  assert.equal(open(task, "/d", O_RDONLY | O_CREAT), EISDIR);
  assert.equal(open(task, "/d/", O_RDONLY | O_CREAT), EISDIR);
  assert.equal(open(task, "/new/", O_RDONLY | O_CREAT), EISDIR);
  assert.equal(open(task, "/f", O_RDONLY | O_DIRECTORY), ENOTDIR);
  assert.equal(open(task, "/f", O_RDONLY | O_CREAT | O_DIRECTORY), EINVAL);
  task.call(sys_symlink, "target", "/link");
  assert.equal(open(task, "/link", O_RDONLY | O_NOFOLLOW), ELOOP);
  assert.equal(open(task, "/link", O_WRONLY | O_CREAT | O_EXCL), EEXIST);
  assert.ok(open(task, "/link", O_WRONLY | O_CREAT) > 0);
  assert.equal(stat(task, "/target").size, 0);
  assert.ok(open(task, "/d", O_RDWR | O_TMPFILE, 0o600) > 0);
  assert.equal(open(task, "/d", O_RDONLY | O_TMPFILE, 0o600), EINVAL);
});

test("permission: what a file's mode and its directory's allow", () => {
  const { task, fork } = start();
  const user = fork(Credentials.create(1000, 1000));
  open(task, "/secret", O_WRONLY | O_CREAT, 0o600);
  assert.equal(open(user, "/secret", O_RDONLY), EACCES);
  assert.equal(open(user, "/new", O_WRONLY | O_CREAT), EACCES);
  assert.equal(user.call(sys_unlink, "/secret"), EACCES);
  assert.equal(user.call(sys_chmod, "/secret", 0o777), EPERM);
  task.call(sys_mkdir, "/tmp", 0o777);
  task.call(sys_chmod, "/tmp", 0o1777);
  open(task, "/tmp/roots", O_WRONLY | O_CREAT, 0o666);
  assert.equal(user.call(sys_unlink, "/tmp/roots"), EPERM);
  assert.ok(open(user, "/tmp/mine", O_WRONLY | O_CREAT, 0o400) >= 0);
  assert.equal(open(user, "/tmp/mine", O_WRONLY), EACCES);
  assert.equal(user.call(sys_unlink, "/tmp/mine"), 0);
  assert.equal(user.call(sys_mknod, "/tmp/null", 0o020666, 0x103), EPERM);
});

test("names: links, renames, removal", () => {
  const { task } = start();
  open(task, "/f", O_WRONLY | O_CREAT);
  task.call(sys_mkdir, "/d", 0o755);
  task.call(sys_mkdir, "/d/sub", 0o755);
  assert.equal(stat(task, "/d").nlink, 3);
  assert.equal(task.call(sys_link, "/f", "/d/hard"), 0);
  assert.equal(stat(task, "/f").nlink, 2);
  assert.equal(stat(task, "/f").ino, stat(task, "/d/hard").ino);
  assert.equal(task.call(sys_link, "/d", "/e"), EPERM);
  assert.equal(task.call(sys_rename, "/f", "/d/hard"), 0);
  assert.equal(stat(task, "/f").nlink, 2);
  assert.equal(task.call(sys_unlink, "/d/hard"), 0);
  assert.equal(task.call(sys_unlink, "/d"), EISDIR);
  assert.equal(task.call(sys_unlink, "/f/"), ENOTDIR);
  assert.equal(task.call(sys_rmdir, "/d"), ENOTEMPTY);
  assert.equal(task.call(sys_rmdir, "/f"), ENOTDIR);
  assert.equal(task.call(sys_rmdir, "/d/."), EINVAL);
  assert.equal(task.call(sys_rename, "/d", "/d/sub/x"), EINVAL);
  assert.equal(task.call(sys_rename, "/f", "/d"), EISDIR);
  assert.equal(task.call(sys_rename, "/d/sub", "/f"), ENOTDIR);
  assert.equal(task.call(sys_rename, "/d/sub", "/d"), ENOTEMPTY);
  assert.equal(task.call(sys_rename, "/d/sub", "/moved"), 0);
  assert.equal(stat(task, "/d").nlink, 2);
  assert.equal(task.call(sys_rename, "/moved", "/d"), 0);
  assert.equal(task.call(sys_renameat2, AT_FDCWD, "/f", AT_FDCWD, "/d", RENAME_NOREPLACE), EEXIST);
  assert.equal(task.call(sys_renameat2, AT_FDCWD, "/f", AT_FDCWD, "/d", RENAME_EXCHANGE), 0);
  assert.equal(stat(task, "/f").mode & 0o170000, 0o040000);
  assert.equal(stat(task, "/d").mode & 0o170000, 0o100000);
  assert.equal(task.call(sys_rename, "/d/", "/g"), ENOTDIR);
  assert.equal(task.call(sys_symlink, "over there", "/s"), 0);
  assert.equal(task.call(sys_readlink, "/s", BUFFER, 4), 4);
  assert.equal(task.output(4), "over");
  assert.equal(task.call(sys_mkdir, "/f", 0o755), EEXIST);
  assert.equal(task.call(sys_mkdir, "/x/y", 0o755), ENOENT);
});

test("rename over mounts is refused", () => {
  const { task, vfs, kernel } = start();
  task.call(sys_mkdir, "/m", 0o755);
  vfs.mountAt(task.fs.namespace, "/m", new Tmpfs(kernel), "tmpfs");
  open(task, "/f", O_WRONLY | O_CREAT);
  assert.equal(task.call(sys_rename, "/f", "/m/f"), EXDEV);
  assert.equal(task.call(sys_link, "/f", "/m/f"), EXDEV);
  assert.equal(task.call(sys_rename, "/m", "/n"), -16);
});

test("a directory can be emptied while it is being read", () => {
  const { task } = start();
  task.call(sys_mkdir, "/d", 0o755);
  const count = 500;
  for (let i = 0; i < count; i++) task.files.close(open(task, `/d/file-${i}`, O_WRONLY | O_CREAT), task.asTask);
  const fd = open(task, "/d", O_RDONLY | O_DIRECTORY);
  const seen = new Set<string>();
  for (let names = list(task, fd, 1024); names.length > 0; names = list(task, fd, 1024)) {
    for (const name of names) {
      assert.ok(!seen.has(name), name);
      seen.add(name);
      if (!name.startsWith("file")) continue;
      assert.equal(task.call(sys_unlink, `/d/${name}`), 0);
    }
  }
  assert.equal(seen.size, count + 2);
  assert.equal(task.call(sys_rmdir, "/d"), 0);
  assert.equal(task.call(sys_getdents64, fd, BUFFER, 1024), ENOENT);
});

test("a directory's positions hold; renames do not make a listing endless", () => {
  const { task } = start();
  task.call(sys_mkdir, "/d", 0o755);
  for (let i = 0; i < 20; i++) task.files.close(open(task, `/d/${i}`, O_WRONLY | O_CREAT), task.asTask);
  const fd = open(task, "/d", O_RDONLY | O_DIRECTORY);
  const first = list(task, fd, 128);
  const position = task.call(sys_lseek, fd, 0, 1);
  const rest = list(task, fd);
  task.call(sys_lseek, fd, position, 0);
  assert.deepEqual(list(task, fd), rest);
  assert.equal(first.length + rest.length, 22);
  task.call(sys_lseek, fd, 0, 0);
  let total = 0;
  for (let names = list(task, fd, 128); names.length > 0; names = list(task, fd, 128)) {
    for (const name of names) if (!name.startsWith(".")) task.call(sys_rename, `/d/${name}`, `/d/${name}x`);
    total += names.length;
    assert.ok(total < 100);
  }
  assert.equal(total, 22);
  assert.equal(task.call(sys_getdents64, fd, BUFFER, 8), 0);
  task.call(sys_lseek, fd, 0, 0);
  assert.equal(task.call(sys_getdents64, fd, BUFFER, 8), EINVAL);
});

test("extended attributes", () => {
  const { task } = start();
  open(task, "/f", O_WRONLY | O_CREAT);
  assert.equal(task.call(sys_setxattr, "/f", "user.a", INPUT, task.input("value"), 0), 0);
  assert.equal(task.call(sys_setxattr, "/f", "user.a", INPUT, 5, 1), EEXIST);
  assert.equal(task.call(sys_setxattr, "/f", "user.b", INPUT, 5, 2), ENODATA);
  assert.equal(task.call(sys_setxattr, "/f", "system.posix_acl_access", INPUT, 5, 0), EOPNOTSUPP);
  assert.equal(task.call(sys_setxattr, "/f", "other.b", INPUT, 5, 0), EOPNOTSUPP);
  assert.equal(task.call(sys_getxattr, "/f", "user.a", BUFFER, 0), 5);
  assert.equal(task.call(sys_getxattr, "/f", "user.a", BUFFER, 4), -34);
  assert.equal(task.call(sys_getxattr, "/f", "user.a", BUFFER, 100), 5);
  assert.equal(task.output(5), "value");
  assert.equal(task.call(sys_listxattr, "/f", BUFFER, 100), 7);
});

test("set-user-ID goes with a foreign write", () => {
  const { task, fork } = start();
  const user = fork(Credentials.create(1000, 1000));
  open(task, "/f", O_WRONLY | O_CREAT, 0o666);
  task.call(sys_chmod, "/f", 0o6777);
  const fd = open(user, "/f", O_WRONLY);
  write(user, fd, "x");
  assert.equal(stat(task, "/f").mode & 0o7777, 0o777);
});

test("file size limits and descriptor limits", () => {
  const { task } = start();
  const fd = open(task, "/f", O_RDWR | O_CREAT);
  task.fileSizeLimit = 10;
  assert.equal(write(task, fd, "0123456789abc"), 10);
  assert.equal(write(task, fd, "x"), -27);
  assert.equal(task.call(sys_ftruncate, fd, 11), -27);
  task.fileSizeLimit = Number.POSITIVE_INFINITY;
  while (task.files.canInstall() === 0) open(task, "/f", O_RDONLY);
  assert.equal(open(task, "/another", O_WRONLY | O_CREAT), EMFILE);
  assert.equal(open(task, "/another", O_RDONLY), EMFILE);
});
