import assert from "node:assert/strict";
import { test } from "node:test";
import {
  IN_ACCESS,
  IN_CREATE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_ISDIR,
  IN_MODIFY,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_ONESHOT,
  IN_Q_OVERFLOW,
} from "../../../syscall-tables/flags/open.ts";
import { EAGAIN, EINVAL } from "../../abi/errno.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";
import { anonInode } from "../../vfs/anon.ts";
import { Dentry } from "../../vfs/path.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import { InotifyFile } from "./inotify.ts";

const setUp = () => {
  const task = new FakeTask();
  const file = new InotifyFile(task.asKernel, 0);
  const dentry = new Dentry("d", null, anonInode(task.asKernel, 0o040755));
  const event = (mask: number, name = "", cookie = 0): void => dentry.inode.watches?.event(mask, name, cookie);
  /** wd, mask, cookie and name of all queued events. */
  const read = (length = 1 << 20): [number, number, number, string][] | number => {
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    const n = file.read(kernelIo(bytes, 0, length), task.asTask);
    if (n < 0) return n;
    const events: [number, number, number, string][] = [];
    for (let at = 0; at < n; ) {
      const size = view.getUint32(at + 12, true);
      const name = Buffer.from(bytes.subarray(at + 16, at + 16 + size)).toString("latin1");
      events.push([view.getInt32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 8, true), name.replace(/\0+$/, "")]);
      at += 16 + size;
    }
    return events;
  };
  return { task, file, dentry, event, read };
};

test("tells what was asked for, with names and cookies", () => {
  const { file, dentry, event, read } = setUp();
  assert.equal(file.add(dentry, IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO), 1);
  assert.equal(read(), EAGAIN);
  event(IN_ACCESS, "x");
  event(IN_CREATE | IN_ISDIR, "dir");
  event(IN_MOVED_FROM, "a", 7);
  event(IN_MOVED_TO, "a-name-of-sixteen", 7);
  assert.deepEqual(read(), [
    [1, IN_CREATE | IN_ISDIR, 0, "dir"],
    [1, IN_MOVED_FROM, 7, "a"],
    [1, IN_MOVED_TO, 7, "a-name-of-sixteen"],
  ]);
});

test("like events in a row become one", () => {
  const { file, dentry, event, read } = setUp();
  file.add(dentry, IN_MODIFY | IN_ACCESS);
  for (const mask of [IN_MODIFY, IN_MODIFY, IN_ACCESS, IN_MODIFY]) event(mask, "f");
  assert.equal((read() as unknown[]).length, 3);
});

test("a short buffer is EINVAL for the first event and holds back the later ones", () => {
  const { file, dentry, event, read } = setUp();
  file.add(dentry, IN_MODIFY | IN_ACCESS);
  event(IN_MODIFY, "f");
  event(IN_ACCESS, "f");
  assert.equal(read(31), EINVAL);
  assert.equal((read(63) as unknown[]).length, 1);
  assert.equal((read(63) as unknown[]).length, 1);
});

test("one-shot watches, removed watches and deleted files end with IN_IGNORED", () => {
  const { file, dentry, event, read } = setUp();
  file.add(dentry, (IN_MODIFY | IN_ONESHOT) >>> 0);
  event(IN_MODIFY);
  event(IN_MODIFY);
  assert.deepEqual(read(), [
    [1, IN_MODIFY, 0, ""],
    [1, IN_IGNORED, 0, ""],
  ]);
  assert.equal(file.add(dentry, IN_DELETE_SELF), 2);
  event(IN_DELETE_SELF | IN_ISDIR);
  assert.deepEqual(read(), [
    [2, IN_DELETE_SELF, 0, ""],
    [2, IN_IGNORED, 0, ""],
  ]);
  assert.equal(dentry.inode.watches, null);
  assert.equal(dentry.pins, 0);
  file.add(dentry, IN_MODIFY);
  assert.equal(file.removeByDescriptor(3), 0);
  assert.equal(file.removeByDescriptor(3), EINVAL);
});

test("a full queue says so once", () => {
  const { file, dentry, event, read } = setUp();
  file.add(dentry, IN_MODIFY | IN_ACCESS);
  for (let i = 0; i < 20000; i++) event(i % 2 === 0 ? IN_MODIFY : IN_ACCESS);
  const events = read() as [number, number, number, string][];
  assert.equal(events.length, 16385);
  assert.deepEqual(events[16384], [-1, IN_Q_OVERFLOW, 0, ""]);
});
