import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  MNT_DETACH,
  MOUNT_ATTR_NOSUID,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_BIND,
  MS_MOVE,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  OPEN_TREE_CLONE,
} from "../../../syscall-tables/flags/mount.ts";
import { AT_FDCWD, AT_RECURSIVE, O_CREAT, O_RDONLY, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import { EBUSY, EINVAL, ELOOP, ENODEV, ENOENT, ENOTDIR, EPERM, EROFS } from "../../abi/errno.ts";
import { registerTmpfs, Tmpfs } from "../../fs/tmpfs/tmpfs.ts";
import { Credentials } from "../../task/credentials.ts";
import { BUFFER, type FakeGuestTask, fakeGuest, INPUT } from "../../vfs/fake-guest.ts";

import { sys_close } from "../file/close.ts";
import { sys_chdir, sys_getcwd } from "../file/cwd.ts";
import { sys_mkdir } from "../file/mkdir.ts";
import { sys_open } from "../file/open.ts";
import { sys_fsconfig, sys_fsmount, sys_fsopen } from "./fs-config.ts";
import { sys_mount, sys_pivot_root, sys_umount2 } from "./mount.ts";
import { sys_move_mount, sys_open_tree } from "./mount-tree.ts";
import { sys_statfs } from "./statfs.ts";

const start = () => {
  const guest = fakeGuest((kernel) => new Tmpfs(kernel, { mode: 0o755 }));
  registerTmpfs(guest.kernel);
  for (const dir of ["/a", "/b", "/a/in", "/new"]) assert.equal(guest.task.call(sys_mkdir, dir, 0o755), 0);
  touch(guest.task, "/file");
  return guest;
};

const touch = (task: FakeGuestTask, path: string): number => {
  const fd = task.call(sys_open, path, O_CREAT | O_WRONLY, 0o644);
  if (fd >= 0) task.call(sys_close, fd);
  return Math.min(fd, 0);
};
const mount = (task: FakeGuestTask, source: string | null, target: string, type: string | null, flags = 0, data: string | null = null) =>
  task.call(sys_mount, source, target, type, flags, data);
const tmpfs = (task: FakeGuestTask, target: string, flags = 0, data = ""): number => mount(task, "t", target, "tmpfs", flags, data);
const umount = (task: FakeGuestTask, target: string, flags = 0): number => task.call(sys_umount2, target, flags);
const exists = (task: FakeGuestTask, path: string): boolean => {
  const fd = task.call(sys_open, path, O_RDONLY, 0);
  if (fd >= 0) task.call(sys_close, fd);
  return fd >= 0;
};
const mounts = (task: FakeGuestTask): string[] =>
  task.kernel.vfs.mounts(task.asTask).map(({ path, mountOptions }) => `${path} ${mountOptions}`);

test("a new filesystem covers a directory until it is unmounted", () => {
  const { task } = start();
  assert.equal(tmpfs(task, "/a", MS_NOSUID, "size=64k"), 0);
  assert.equal(exists(task, "/a/in"), false);
  assert.equal(touch(task, "/a/x"), 0);
  assert.deepEqual(mounts(task), ["/ rw,relatime", "/a rw,nosuid,relatime"]);
  assert.equal(task.call(sys_statfs, "/a", BUFFER), 0);
  assert.equal(task.memory.loadU64(BUFFER), 0x01021994);
  assert.equal(task.memory.loadU64(BUFFER + 16), 16);
  assert.equal(tmpfs(task, "/a"), 0);
  assert.equal(exists(task, "/a/x"), false);
  assert.equal(umount(task, "/a"), 0);
  assert.equal(exists(task, "/a/x"), true);
  assert.equal(umount(task, "/a"), 0);
  assert.equal(exists(task, "/a/in"), true);
  assert.equal(umount(task, "/a"), EINVAL);
});

test("what mount refuses", () => {
  const { task, fork } = start();
  assert.equal(mount(task, "t", "/a", "nosuchfs"), ENODEV);
  assert.equal(mount(task, "t", "/a", null), EINVAL);
  assert.equal(tmpfs(task, "/none"), ENOENT);
  assert.equal(tmpfs(task, "/file"), ENOTDIR);
  assert.equal(tmpfs(task, "/a", 0, "size=x"), EINVAL);
  assert.equal(mount(task, "/file", "/a", null, MS_BIND), ENOTDIR);
  assert.equal(mount(task, null, "/a", null, MS_REMOUNT), EINVAL);
  assert.equal(tmpfs(fork(Credentials.create(1000, 1000)), "/a"), EPERM);
});

test("binding, alone and with what lies below", () => {
  const { task } = start();
  touch(task, "/a/in/f");
  tmpfs(task, "/a/in");
  touch(task, "/a/in/g");
  assert.equal(mount(task, "/a", "/b", null, MS_BIND), 0);
  assert.equal(exists(task, "/b/in/f"), true);
  assert.equal(umount(task, "/b"), 0);
  assert.equal(mount(task, "/a", "/b", null, MS_BIND | MS_REC), 0);
  assert.equal(exists(task, "/b/in/g"), true);
  assert.equal(umount(task, "/b"), EBUSY);
  assert.equal(umount(task, "/b", MNT_DETACH), 0);
  assert.equal(exists(task, "/b/in"), false);
  assert.equal(exists(task, "/a/in/g"), true);
  touch(task, "/other");
  assert.equal(mount(task, "/file", "/other", null, MS_BIND), 0);
  assert.equal(umount(task, "/other"), 0);
});

test("read-only by remount, of the mount alone", () => {
  const { task } = start();
  assert.equal(mount(task, "/a", "/b", null, MS_BIND), 0);
  assert.equal(mount(task, null, "/b", null, MS_REMOUNT | MS_BIND | MS_RDONLY), 0);
  assert.equal(touch(task, "/b/x"), EROFS);
  assert.equal(touch(task, "/a/x"), 0);
  assert.equal(exists(task, "/b/x"), true);
  assert.equal(task.call(sys_mkdir, "/b/dir", 0o755), EROFS);
  const fd = task.call(sys_open, "/a/x", O_WRONLY, 0);
  assert.equal(mount(task, null, "/", null, MS_REMOUNT | MS_RDONLY), EBUSY);
  task.call(sys_close, fd);
  assert.equal(mount(task, null, "/", null, MS_REMOUNT | MS_RDONLY), 0);
  assert.equal(touch(task, "/a/y"), EROFS);
  assert.equal(mount(task, null, "/", null, MS_PRIVATE | MS_REC), 0);
});

test("a busy mount goes lazily", () => {
  const { task } = start();
  tmpfs(task, "/a");
  touch(task, "/a/f");
  const fd = task.call(sys_open, "/a/f", O_RDONLY, 0);
  assert.equal(umount(task, "/a"), EBUSY);
  assert.equal(umount(task, "/a", MNT_DETACH), 0);
  assert.equal(exists(task, "/a/f"), false);
  assert.equal(task.call(sys_close, fd), 0);
  tmpfs(task, "/a");
  task.call(sys_chdir, "/a");
  assert.equal(umount(task, "/a"), EBUSY);
  umount(task, "/a", MNT_DETACH);
  const length = task.call(sys_getcwd, BUFFER, 100);
  assert.equal(task.output(length - 1), "(unreachable)/");
});

test("moving mounts", () => {
  const { task } = start();
  tmpfs(task, "/a");
  touch(task, "/a/f");
  task.call(sys_mkdir, "/a/deep", 0o755);
  assert.equal(mount(task, "/a", "/a/deep", null, MS_MOVE), ELOOP);
  assert.equal(mount(task, "/b", "/new", null, MS_MOVE), EINVAL);
  assert.equal(mount(task, "/a", "/b", null, MS_MOVE), 0);
  assert.equal(exists(task, "/b/f"), true);
  assert.equal(exists(task, "/a/in"), true);
});

test("pivot_root", () => {
  const { task } = start();
  assert.equal(task.call(sys_pivot_root, "/new", "/new"), EBUSY);
  tmpfs(task, "/new");
  task.call(sys_mkdir, "/new/old", 0o755);
  touch(task, "/new/here");
  assert.equal(task.call(sys_pivot_root, "/new", "/a"), EBUSY);
  assert.equal(task.call(sys_pivot_root, "/new", "/new/old"), 0);
  const top = task.fs.namespace.root;
  task.fs.root = { mount: top, dentry: top.root };
  assert.equal(exists(task, "/here"), true);
  assert.equal(exists(task, "/old/file"), true);
  assert.deepEqual(mounts(task).sort(), ["/ rw,relatime", "/old rw,relatime"]);
});

test("a mount made in steps", () => {
  const { task } = start();
  const context = task.call(sys_fsopen, "tmpfs", 0);
  assert.ok(context >= 0);
  assert.equal(task.call(sys_fsopen, "nosuchfs", 0), ENODEV);
  task.input("16k\0");
  assert.equal(task.call(sys_fsconfig, context, FSCONFIG_SET_STRING, "size", INPUT, 0), 0);
  assert.equal(task.call(sys_fsconfig, context, FSCONFIG_SET_FLAG, "ro", 0, 0), 0);
  assert.equal(task.call(sys_fsmount, context, 0, 0), EINVAL);
  assert.equal(task.call(sys_fsconfig, context, FSCONFIG_CMD_CREATE, null, 0, 0), 0);
  const made = task.call(sys_fsmount, context, 0, MOUNT_ATTR_NOSUID);
  assert.ok(made >= 0);
  assert.equal(task.call(sys_move_mount, made, "", AT_FDCWD, "/a", MOVE_MOUNT_F_EMPTY_PATH), 0);
  assert.deepEqual(mounts(task), ["/ rw,relatime", "/a ro,nosuid,relatime"]);
  assert.equal(touch(task, "/a/x"), EROFS);
  const tree = task.call(sys_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE);
  assert.ok(tree >= 0);
  assert.equal(task.call(sys_move_mount, tree, "", AT_FDCWD, "/b", MOVE_MOUNT_F_EMPTY_PATH), 0);
  assert.equal(exists(task, "/b/file"), true);
  assert.equal(touch(task, "/b/a/x"), EROFS);
  assert.equal(touch(task, "/b/y"), 0);
});

test("a namespace of one's own", () => {
  const { task, fork } = start();
  tmpfs(task, "/a");
  touch(task, "/a/f");
  const child = fork();
  child.fs = task.fs.fork();
  child.fs.unshareMounts();
  assert.equal(exists(child, "/a/f"), true);
  assert.equal(umount(child, "/a"), 0);
  assert.equal(exists(child, "/a/f"), false);
  assert.equal(exists(task, "/a/f"), true);
  assert.equal(tmpfs(child, "/b"), 0);
  touch(child, "/b/g");
  assert.equal(exists(task, "/b/g"), false);
  assert.deepEqual(mounts(task).length, 2);
});
