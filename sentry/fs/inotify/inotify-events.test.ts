import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AT_FDCWD,
  IN_ALL_EVENTS,
  IN_ATTRIB,
  IN_CLOSE_NOWRITE,
  IN_CLOSE_WRITE,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_ISDIR,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_OPEN,
  O_CREAT,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
} from "../../../syscall-tables/flags/open.ts";
import type { Kernel } from "../../kernel.ts";
import { FakeTask } from "../../syscalls/poll/fake-task.ts";
import { FsContext } from "../../vfs/fs-context.ts";

import { makeNode } from "../../vfs/names.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import { rename, rmdir, unlink } from "../../vfs/removal.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import { Vfs } from "../../vfs/vfs.ts";
import { Tmpfs } from "../tmpfs/tmpfs.ts";
import { InotifyFile } from "./inotify.ts";

const setUp = () => {
  const task = new FakeTask();
  const vfs = new Vfs(task.asKernel as Kernel);
  task.kernel.vfs = vfs;
  const namespace = vfs.createNamespace(new Tmpfs(task.asKernel), "none");
  const root = { mount: namespace.root, dentry: namespace.root.root };
  task.fs = new FsContext(namespace, root, root);
  const inotify = new InotifyFile(task.asKernel, 0);
  const names = new Map<number, string>();
  const open = (path: string, flags: number): OpenFile => {
    const file = vfs.openAt(task.asTask, AT_FDCWD, path, flags, 0o644);
    assert.ok(file instanceof OpenFile);
    return file;
  };
  const watch = (path: string, mask = IN_ALL_EVENTS): void => {
    const place = vfs.follow(task.asTask, path);
    assert.ok(typeof place !== "number");
    names.set(inotify.add(place.dentry, mask), path);
  };
  /** "watch mask name" of the events so far. */
  const events = (): [string, number, string][] => {
    const bytes = new Uint8Array(1 << 16);
    const view = new DataView(bytes.buffer);
    const n = Math.max(0, inotify.read(kernelIo(bytes, 0, bytes.length), task.asTask));
    const list: [string, number, string][] = [];
    for (let at = 0; at < n; ) {
      const size = view.getUint32(at + 12, true);
      const name = Buffer.from(bytes.subarray(at + 16, at + 16 + size))
        .toString()
        .replace(/\0+$/, "");
      list.push([names.get(view.getInt32(at, true)) ?? "?", view.getUint32(at + 4, true), name]);
      at += 16 + size;
    }
    return list;
  };
  return { task: task.asTask, open, watch, events };
};

// Every list of events below is what Linux 6.18 reports.

test("unlink", () => {
  const { task, open, watch, events } = setUp();
  open("f", O_CREAT | O_WRONLY).put();
  watch("/");
  watch("f");
  assert.equal(unlink(task, AT_FDCWD, "f"), 0);
  assert.deepEqual(events(), [
    ["f", IN_ATTRIB, ""],
    ["f", IN_DELETE_SELF, ""],
    ["f", IN_IGNORED, ""],
    ["/", IN_DELETE, "f"],
  ]);
});

test("unlink of an open file", () => {
  const { task, open, watch, events } = setUp();
  const file = open("f", O_CREAT | O_WRONLY);
  watch("/");
  watch("f");
  unlink(task, AT_FDCWD, "f");
  file.put();
  assert.deepEqual(events(), [
    ["f", IN_ATTRIB, ""],
    ["/", IN_DELETE, "f"],
    ["/", IN_CLOSE_WRITE, "f"],
    ["f", IN_CLOSE_WRITE, ""],
    ["f", IN_DELETE_SELF, ""],
    ["f", IN_IGNORED, ""],
  ]);
});

test("IN_EXCL_UNLINK hides what a nameless child does", () => {
  const { task, open, watch, events } = setUp();
  const file = open("f", O_CREAT | O_WRONLY);
  watch("/", IN_CLOSE_WRITE | IN_EXCL_UNLINK);
  unlink(task, AT_FDCWD, "f");
  file.put();
  assert.deepEqual(events(), []);
});

test("mkdir and rmdir", () => {
  const { task, watch, events } = setUp();
  watch("/");
  assert.ok(typeof makeNode(task, AT_FDCWD, "d", S_IFDIR | 0o755, 0) !== "number");
  watch("d");
  assert.equal(rmdir(task, AT_FDCWD, "d"), 0);
  assert.deepEqual(events(), [
    ["/", IN_CREATE | IN_ISDIR, "d"],
    ["d", IN_DELETE_SELF, ""],
    ["d", IN_IGNORED, ""],
    ["/", IN_DELETE | IN_ISDIR, "d"],
  ]);
});

test("rename over another file", () => {
  const { task, open, watch, events } = setUp();
  for (const name of ["a", "b"]) open(name, O_CREAT | O_WRONLY).put();
  for (const name of ["/", "a", "b"]) watch(name);
  assert.equal(rename(task, AT_FDCWD, "a", AT_FDCWD, "b", 0), 0);
  assert.deepEqual(events(), [
    ["/", IN_MOVED_FROM, "a"],
    ["/", IN_MOVED_TO, "b"],
    ["b", IN_ATTRIB, ""],
    ["a", IN_MOVE_SELF, ""],
    ["b", IN_DELETE_SELF, ""],
    ["b", IN_IGNORED, ""],
  ]);
});

test("creating, writing and reading", () => {
  const { task, open, watch, events } = setUp();
  watch("/");
  const writer = open("f", O_CREAT | O_WRONLY);
  writer.put();
  open("f", O_RDONLY).put();
  assert.deepEqual(events(), [
    ["/", IN_CREATE, "f"],
    ["/", IN_OPEN, "f"],
    ["/", IN_CLOSE_WRITE, "f"],
    ["/", IN_OPEN, "f"],
    ["/", IN_CLOSE_NOWRITE, "f"],
  ]);
  const file = open("f", O_WRONLY);
  watch("f");
  file.truncate(10, task);
  assert.deepEqual(events().slice(1), [
    ["/", IN_MODIFY, "f"],
    ["f", IN_MODIFY, ""],
  ]);
});
