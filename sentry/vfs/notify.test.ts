import assert from "node:assert/strict";
import { test } from "node:test";
import {
  IN_DELETE_SELF,
  IN_EXCL_UNLINK,
  IN_ISDIR,
  IN_MOVE_SELF,
  inotifyFlags,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../../syscall-tables/flags/open.ts";
import { isErrno } from "../abi/errno.ts";
import { Tmpfs } from "../fs/tmpfs/tmpfs.ts";
import { sys_chmod } from "../syscalls/file/chmod.ts";
import { sys_link, sys_rename } from "../syscalls/file/link.ts";
import { sys_mkdir, sys_rmdir, sys_unlink } from "../syscalls/file/mkdir.ts";
import { sys_open } from "../syscalls/file/open.ts";
import { sys_read } from "../syscalls/file/read.ts";
import { sys_ftruncate, sys_truncate } from "../syscalls/file/truncate.ts";
import { sys_write } from "../syscalls/file/write.ts";
import { BUFFER, fakeGuest, INPUT } from "./fake-guest.ts";

/** As inotify shows a mask: events of a directory itself do not say that it is one. */
const describe = (mask: number): string => {
  const hidden = (mask & (IN_DELETE_SELF | IN_MOVE_SELF)) !== 0 ? IN_ISDIR | IN_EXCL_UNLINK : IN_EXCL_UNLINK;
  return inotifyFlags.bits
    .filter(([, bit]) => (mask & ~hidden & bit) !== 0)
    .map(([name]) => name.slice(3))
    .join("|");
};

const start = () => {
  const { task, vfs } = fakeGuest((kernel) => new Tmpfs(kernel, { mode: 0o755 }));
  for (const dir of ["/d", "/e", "/d/sub"]) task.call(sys_mkdir, dir, 0o755);
  task.files.close(task.call(sys_open, "/d/f", O_CREAT | O_WRONLY, 0o644), task.asTask);
  const seen: string[] = [];
  const watch = (path: string): void => {
    const place = vfs.follow(task.asTask, path);
    assert.ok(!isErrno(place));
    place.dentry.inode.watches = {
      event: (mask, name) => {
        seen.push(`${path}${name === "" ? "" : `/${name}`}:${describe(mask)}`);
      },
      outside: () => assert.fail("nothing is outside"),
    };
  };
  for (const path of ["/d", "/d/f", "/d/sub", "/e"]) watch(path);
  /** What came since the last question. */
  const events = (): string[] => seen.splice(0);
  return { task, watch, events };
};

test("events of one file, for its watcher and its directory's", () => {
  const { task, events } = start();
  const both = (what: string): string[] => [`/d/f:${what}`, `/d/f:${what}`];
  const fd = task.call(sys_open, "/d/f", O_RDWR, 0);
  assert.deepEqual(events(), both("OPEN"));
  task.call(sys_write, fd, INPUT, 3);
  assert.deepEqual(events(), both("MODIFY"));
  task.files.get(fd)?.seek(0, 0);
  task.call(sys_read, fd, BUFFER, 2);
  assert.deepEqual(events(), both("ACCESS"));
  task.call(sys_ftruncate, fd, 1);
  assert.deepEqual(events(), both("MODIFY"));
  task.call(sys_chmod, "/d/f", 0o600);
  assert.deepEqual(events(), both("ATTRIB"));
  task.files.close(fd, task.asTask);
  assert.deepEqual(events(), both("CLOSE_WRITE"));
});

test("names come, go and move", () => {
  const { task, events, watch } = start();
  task.files.close(task.call(sys_open, "/d/new", O_CREAT | O_WRONLY, 0o644), task.asTask);
  assert.deepEqual(events(), ["/d/new:CREATE", "/d/new:OPEN", "/d/new:CLOSE_WRITE"]);
  task.call(sys_link, "/d/f", "/d/g");
  assert.deepEqual(events(), ["/d/f:ATTRIB", "/d/g:CREATE"]);
  task.call(sys_unlink, "/d/g");
  assert.deepEqual(events(), ["/d/f:ATTRIB", "/d/g:DELETE"]);
  task.call(sys_rename, "/d/f", "/e/h");
  assert.deepEqual(events(), ["/d/f:MOVED_FROM", "/e/h:MOVED_TO", "/d/f:MOVE_SELF"]);
  task.call(sys_rename, "/d/new", "/e/h");
  assert.deepEqual(events(), ["/d/new:MOVED_FROM", "/e/h:MOVED_TO", "/d/f:ATTRIB", "/d/f:DELETE_SELF"]);
  watch("/e/h");
  const fd = task.call(sys_open, "/e/h", O_RDONLY, 0);
  task.call(sys_unlink, "/e/h");
  assert.deepEqual(events(), ["/e/h:OPEN", "/e/h:OPEN", "/e/h:ATTRIB", "/e/h:DELETE"]);
  task.files.close(fd, task.asTask);
  assert.deepEqual(events(), ["/e/h:CLOSE_NOWRITE", "/e/h:CLOSE_NOWRITE", "/e/h:DELETE_SELF"]);
  task.call(sys_rename, "/d/sub", "/e/sub");
  assert.deepEqual(events(), ["/d/sub:MOVED_FROM|ISDIR", "/e/sub:MOVED_TO|ISDIR", "/d/sub:MOVE_SELF"]);
  task.call(sys_rmdir, "/e/sub");
  assert.deepEqual(events(), ["/d/sub:DELETE_SELF", "/e/sub:DELETE|ISDIR"]);
});

test("truncation on open and by path", () => {
  const { task, events } = start();
  task.call(sys_truncate, "/d/f", 10);
  assert.deepEqual(events(), ["/d/f:MODIFY", "/d/f:MODIFY"]);
  task.call(sys_open, "/d/f", O_WRONLY | O_TRUNC, 0);
  assert.deepEqual(events(), ["/d/f:OPEN", "/d/f:OPEN", "/d/f:MODIFY", "/d/f:MODIFY"]);
});
