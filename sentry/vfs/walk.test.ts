import assert from "node:assert/strict";
import { test } from "node:test";
import { AT_FDCWD, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from "../../syscall-tables/flags/open.ts";
import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV, isErrno } from "../abi/errno.ts";
import { Tmpfs } from "../fs/tmpfs/tmpfs.ts";
import { sys_chdir, sys_chroot } from "../syscalls/file/cwd.ts";
import { sys_symlink } from "../syscalls/file/link.ts";
import { sys_mkdir, sys_rmdir, sys_unlink } from "../syscalls/file/mkdir.ts";
import { sys_creat } from "../syscalls/file/open.ts";
import { Credentials } from "../task/credentials.ts";
import { type FakeGuestTask, fakeGuest } from "./fake-guest.ts";
import { WALK_DIRECTORY, WALK_EMPTY, WALK_FOLLOW } from "./vfs.ts";

const start = () => {
  const guest = fakeGuest((kernel) => new Tmpfs(kernel, { mode: 0o755 }));
  const { task } = guest;
  for (const dir of ["/a", "/a/b", "/a/b/c", "/mnt", "/empty"]) assert.equal(task.call(sys_mkdir, dir, 0o755), 0);
  task.files.close(task.call(sys_creat, "/a/file", 0o644), task.asTask);
  return guest;
};

const where = (task: FakeGuestTask, path: string, flags = WALK_FOLLOW, resolve = 0): string | number => {
  const place = task.kernel.vfs.walk(task.asTask, AT_FDCWD, path, flags, resolve);
  return isErrno(place) ? place : task.kernel.vfs.pathName(place, task.fs.root);
};

test("plain paths, dots and slashes", () => {
  const { task } = start();
  assert.equal(where(task, "/a/b/c"), "/a/b/c");
  assert.equal(where(task, "//a///b/./c/"), "/a/b/c");
  assert.equal(where(task, "/a/b/../.."), "/");
  assert.equal(where(task, "/../../a"), "/a");
  assert.equal(where(task, "/"), "/");
  assert.equal(where(task, ""), ENOENT);
  assert.equal(where(task, "", WALK_EMPTY), "/");
  assert.equal(where(task, "a/b"), "/a/b");
});

test("errors on the way", () => {
  const { task } = start();
  assert.equal(where(task, "/a/none"), ENOENT);
  assert.equal(where(task, "/a/none/x"), ENOENT);
  assert.equal(where(task, "/a/file/x"), ENOTDIR);
  assert.equal(where(task, "/a/file/"), ENOTDIR);
  assert.equal(where(task, "/a/file/.."), ENOTDIR);
  assert.equal(where(task, "/a/file", WALK_DIRECTORY), ENOTDIR);
  assert.equal(where(task, `/${"x".repeat(256)}`), ENAMETOOLONG);
  assert.equal(where(task, `/${"x".repeat(255)}`), ENOENT);
});

test("symbolic links", () => {
  const { task } = start();
  task.call(sys_symlink, "a/b", "/rel");
  task.call(sys_symlink, "/a/file", "/abs");
  task.call(sys_symlink, "loop", "/loop");
  task.call(sys_symlink, "../b/c", "/a/b/up");
  assert.equal(where(task, "/rel/c"), "/a/b/c");
  assert.equal(where(task, "/rel", 0), "/rel");
  assert.equal(where(task, "/rel/", 0), "/a/b");
  assert.equal(where(task, "/abs"), "/a/file");
  assert.equal(where(task, "/abs/"), ENOTDIR);
  assert.equal(where(task, "/loop"), ELOOP);
  assert.equal(where(task, "/loop", 0), "/loop");
  assert.equal(where(task, "/a/b/up"), "/a/b/c");
});

test("forty links pass, forty-one do not", () => {
  const { task } = start();
  task.call(sys_symlink, "a", "/l0");
  for (let i = 1; i <= 40; i++) task.call(sys_symlink, `l${i - 1}`, `/l${i}`);
  assert.equal(where(task, "/l39"), "/a");
  assert.equal(where(task, "/l40"), ELOOP);
});

test("search permission is asked of every directory", () => {
  const { fork, task } = start();
  task.call(sys_mkdir, "/closed", 0o700);
  task.call(sys_mkdir, "/closed/in", 0o755);
  const user = fork(Credentials.create(1000, 1000));
  assert.equal(where(user, "/closed"), "/closed");
  assert.equal(where(user, "/closed/in"), EACCES);
  assert.equal(where(user, "/closed/none"), EACCES);
  assert.equal(where(task, "/closed/in"), "/closed/in");
});

test("mounts, chroot and the way up", () => {
  const { task, vfs, kernel } = start();
  const mounted = vfs.mountAt(task.fs.namespace, "/mnt", new Tmpfs(kernel, { mode: 0o755 }), "tmpfs");
  assert.ok(!isErrno(mounted));
  task.call(sys_mkdir, "/mnt/d", 0o755);
  assert.equal(where(task, "/mnt/d/../.."), "/");
  assert.equal(where(task, "/mnt/d"), "/mnt/d");
  assert.equal(where(task, "/mnt/d", WALK_FOLLOW, RESOLVE_NO_XDEV), EXDEV);
  assert.equal(task.call(sys_chroot, "/mnt"), 0);
  assert.equal(where(task, "/d/../.."), "/");
  assert.equal(task.call(sys_chdir, "/d"), 0);
  assert.equal(where(task, "../.."), "/");
  assert.equal(where(task, "."), "/d");
});

test("openat2 scopes", () => {
  const { task } = start();
  task.call(sys_chdir, "/a");
  task.call(sys_symlink, "/b/c", "/a/esc");
  assert.equal(where(task, "../a", WALK_FOLLOW, RESOLVE_BENEATH), EXDEV);
  assert.equal(where(task, "/a", WALK_FOLLOW, RESOLVE_BENEATH), EXDEV);
  assert.equal(where(task, "b/../b", WALK_FOLLOW, RESOLVE_BENEATH), "/a/b");
  assert.equal(where(task, "/b", WALK_FOLLOW, RESOLVE_IN_ROOT), "/a/b");
  assert.equal(where(task, "../../b", WALK_FOLLOW, RESOLVE_IN_ROOT), "/a/b");
  assert.equal(where(task, "esc", WALK_FOLLOW, RESOLVE_IN_ROOT), "/a/b/c");
  assert.equal(where(task, "esc", WALK_FOLLOW, RESOLVE_BENEATH), EXDEV);
  assert.equal(where(task, "esc", WALK_FOLLOW, RESOLVE_NO_SYMLINKS), ELOOP);
});

test("a removed directory stays where one is, without names", () => {
  const { task } = start();
  task.call(sys_chdir, "/empty");
  assert.equal(task.call(sys_rmdir, "/empty"), 0);
  assert.equal(where(task, "."), "/empty (deleted)");
  assert.equal(where(task, ".."), "/");
  assert.equal(where(task, "x"), ENOENT);
  assert.equal(task.call(sys_mkdir, "x", 0o755), ENOENT);
  assert.equal(task.call(sys_unlink, "/empty"), ENOENT);
});
