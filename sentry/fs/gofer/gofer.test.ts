import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { openAt } from "../../../native/ffi/file-calls-unsafe.ts";
import { AT_FDCWD, O_APPEND, O_DIRECTORY, O_RDONLY, O_RDWR, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, EISDIR, ENAMETOOLONG, ENODATA, ENOENT, ENOTDIR, EOPNOTSUPP, EPERM, EROFS, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { rootDentry } from "../../vfs/dentry-cache.ts";
import type { Inode } from "../../vfs/inode.ts";
import { Mount } from "../../vfs/mount.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { Dentry } from "../../vfs/path.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import { GoferFilesystem } from "./filesystem.ts";
import type { GoferInode } from "./inode.ts";
import { LocalGofer } from "./local-gofer.ts";

const O_PATH = 0o10000000;
/** Nobody in particular: without limits. */
const noTask = {
  kernel: { clock: { monotonicNs: () => 0 } },
  process: { limits: { get: () => ({ soft: Number.POSITIVE_INFINITY }) } },
} as unknown as Task;

let root: string;
let gofer: LocalGofer;

const mount = (isImmutable: boolean): GoferFilesystem => {
  const fs = GoferFilesystem.attach(gofer, 0, 42, { isImmutable, idleFiles: 4 });
  assert.ok(!isErrno(fs));
  return fs;
};

const must = <T>(value: T): Exclude<T, number> => {
  assert.ok(typeof value !== "number", `errno ${-(value as number)}`);
  return value as Exclude<T, number>;
};

const find = (from: Inode, ...names: string[]): GoferInode => {
  let inode = from;
  for (const name of names) inode = must(inode.lookup(name, null));
  return inode as GoferInode;
};

const open = (inode: Inode, flags: number): OpenFile => {
  const { fs } = inode;
  const dentry = new Dentry("x", rootDentry(fs), inode);
  return must(inode.open({ mount: new Mount(fs, rootDentry(fs), 0, "test"), dentry }, flags, noTask));
};

const read = (file: OpenFile, length = 100): string => {
  const bytes = new Uint8Array(length);
  const n = file.read(kernelIo(bytes, 0, length), noTask);
  assert.ok(n >= 0, `errno ${-n}`);
  return Buffer.from(bytes.subarray(0, n)).toString("latin1");
};

const write = (file: OpenFile, text: string): number => file.write(kernelIo(Buffer.from(text, "latin1"), 0, text.length), noTask);

const entries = (file: OpenFile, most = Number.POSITIVE_INFINITY): string[] => {
  const names: string[] = [];
  const sink = {
    add(name: string): boolean {
      if (names.length >= most) return false;
      names.push(name);
      return true;
    },
  };
  assert.equal(file.readDirectory(sink, noTask), 0);
  return names;
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gofer-fs-"));
  mkdirSync(join(root, "usr/lib/python"), { recursive: true });
  for (let i = 0; i < 40; i++) writeFileSync(join(root, "usr/lib/python", `m${i}.py`), `module ${i}`);
  symlinkSync("usr/lib", join(root, "lib"));
  linkSync(join(root, "usr/lib/python/m0.py"), join(root, "usr/hard"));
  gofer = new LocalGofer({ trees: [{ fd: openAt(AT_FDCWD, root, O_PATH), readOnly: false }] });
});

afterEach(() => {
  gofer.flush();
  gofer.server.close();
  rmSync(root, { recursive: true });
});

test("immutable: what was learned is not asked for again", () => {
  const fs = mount(true);
  const dir = find(fs.root, "usr", "lib", "python");
  const again = gofer.count(() => {
    find(fs.root, "usr", "lib", "python").refresh();
    assert.equal(fs.root.lookup("usr", null), find(fs.root, "usr"));
  });
  assert.equal(again, 0);
  assert.equal(dir.lookup("no", null), ENOENT);
  assert.equal(
    gofer.count(() => assert.equal(dir.lookup("no", null), ENOENT)),
    0,
  );
  assert.equal(find(fs.root, "usr", "hard"), find(dir, "m0.py"));
  assert.equal(find(dir, "m0.py").nlink, 2);
  assert.equal(find(dir, "m0.py").ino, statSync(join(root, "usr/hard")).ino);
  assert.equal(find(dir, "m0.py").lookup("x", null), ENOTDIR);
  assert.equal(dir.lookup("n".repeat(256), null), ENAMETOOLONG);
});

test("immutable: a search path's misses cost one listing", () => {
  const fs = mount(true);
  const dir = find(fs.root, "usr", "lib", "python");
  const calls = gofer.count(() => {
    for (let i = 0; i < 500; i++) assert.equal(dir.lookup(`missing${i}.so`, null), ENOENT);
  });
  // Where the directory is a small one as its file system tells, the first miss brings it.
  assert.ok(calls <= 3, `${calls} messages for 500 misses`);
  const found = gofer.count(() => {
    for (let i = 0; i < 40; i++) assert.equal(find(dir, `m${i}.py`).size, `module ${i}`.length);
  });
  assert.ok(found <= 8, `${found} messages for 40 stats`);
});

test("immutable: files of a listed directory that are opened take a message each", () => {
  const fs = mount(true);
  const dir = find(fs.root, "usr", "lib", "python");
  for (let i = 0; i < 5; i++) dir.lookup(`missing${i}.so`, null);
  const calls = gofer.count(() => {
    for (let i = 0; i < 10; i++) {
      const file = open(find(dir, `m${i}.py`), O_RDONLY);
      assert.equal(read(file), `module ${i}`);
      file.put();
    }
  });
  assert.equal(calls, 10);
});

test("immutable: what a link leads to comes with it, however it is reached", () => {
  symlinkSync("python/m4.py", join(root, "usr/lib/four"));
  symlinkSync("/lib/four", join(root, "five"));
  symlinkSync("gone", join(root, "dangling"));
  const fs = mount(true);
  const calls = gofer.count(() => {
    const link = find(fs.root, "five");
    assert.equal(must(link.readlink(noTask)), "/lib/four");
    assert.equal(must(find(fs.root, "lib").readlink(noTask)), "usr/lib");
    const lib = find(fs.root, "usr", "lib");
    assert.equal(must(find(lib, "four").readlink(noTask)), "python/m4.py");
    const file = open(find(lib, "python", "m4.py"), O_RDONLY);
    assert.equal(read(file), "module 4");
    file.put();
  });
  assert.equal(calls, 1);
  assert.equal(must(find(fs.root, "dangling").readlink(noTask)), "gone");
  assert.equal(fs.root.lookup("gone", null), ENOENT);
  assert.equal(find(fs.root, "usr", "lib", "python").ino, statSync(join(root, "usr/lib/python")).ino);
});

test("immutable: a walk ahead takes one message, link target and file included", () => {
  const fs = mount(true);
  const calls = gofer.count(() => {
    fs.root.lookAhead("usr/lib//python/./m3.py", 0);
    const file = open(find(fs.root, "usr", "lib", "python", "m3.py"), O_RDONLY);
    assert.equal(read(file), "module 3");
    file.put();
  });
  // "." ends what is asked for in one go.
  assert.equal(calls, 2);
  assert.equal(
    gofer.count(() => fs.root.lookAhead("lib/python/m1.py", 0)),
    1,
  );
  assert.equal(
    gofer.count(() => assert.equal(must(find(fs.root, "lib").readlink(noTask)), "usr/lib")),
    0,
  );
  assert.equal(
    gofer.count(() => {
      fs.root.lookAhead("usr/none/x", 0);
      assert.equal(find(fs.root, "usr").lookup("none", null), ENOENT);
    }),
    1,
  );
});

test("immutable: names are listed once, in stable positions", () => {
  const fs = mount(true);
  const file = open(find(fs.root, "usr", "lib", "python"), O_RDONLY | O_DIRECTORY);
  const first = entries(file, 5);
  assert.deepEqual(first.slice(0, 2), [".", ".."]);
  assert.equal(file.position, 5);
  const rest = entries(file);
  assert.equal(new Set([...first, ...rest]).size, 42);
  assert.deepEqual(entries(file), []);
  assert.equal(file.seek(2, 0), 2);
  assert.deepEqual(entries(file).slice(0, 3), first.slice(2));
  assert.equal(file.seek(-1, 0), EINVAL);
  assert.equal(
    gofer.count(() => assert.equal(entries(open(file.inode, O_RDONLY)).length, 42)),
    0,
  );
  assert.equal(file.read(kernelIo(new Uint8Array(1), 0, 1), noTask), EISDIR);
});

test("immutable: nothing changes", () => {
  const fs = mount(true);
  const dir = find(fs.root, "usr");
  const file = find(dir, "hard");
  assert.equal(dir.create("n", 0o100644, 0, 0, 0), EROFS);
  assert.equal(dir.unlink("hard", file), EROFS);
  assert.equal(file.setAttributes({ mode: 0 }, null), EROFS);
  assert.equal(file.setXattr("user.x", new Uint8Array(1), 0), EROFS);
  assert.equal(file.open({ mount: new Mount(fs, rootDentry(fs), 0, ""), dentry: rootDentry(fs) }, O_RDWR, noTask), EROFS);
  assert.equal(file.getXattr("user.x"), ENODATA);
  assert.equal(
    gofer.count(() => assert.equal(file.getXattr("security.capability"), ENODATA)),
    0,
  );
});

test("immutable: descriptors of files that nobody has open are kept, up to a bound", () => {
  const fs = mount(true);
  const dir = find(fs.root, "usr", "lib", "python");
  const use = (i: number): void => {
    const file = open(find(dir, `m${i}.py`), O_RDONLY);
    assert.equal(read(file), `module ${i}`);
    file.put();
  };
  for (let i = 0; i < 40; i++) use(i);
  assert.equal(
    gofer.count(() => use(39)),
    0,
  );
  assert.equal(
    gofer.count(() => use(0)),
    1,
  );
  const kept = Array.from({ length: 40 }, (_, i) => find(dir, `m${i}.py`).files?.readOnly ?? -1).filter((fd) => fd >= 0);
  assert.equal(kept.length, 4);
});

test("immutable: an evicted inode is found again", () => {
  const fs = mount(true);
  const dir = find(fs.root, "usr", "lib", "python");
  const file = find(dir, "m5.py");
  file.evict();
  dir.evict();
  gofer.flush();
  const same = find(fs.root, "usr", "lib", "python", "m5.py");
  assert.notEqual(same, file);
  assert.equal(read(open(same, O_RDONLY)), "module 5");
  // The old object still works, should anyone hold it.
  assert.equal(read(open(file, O_RDONLY)), "module 5");
  assert.equal(entries(open(dir, O_RDONLY)).length, 42);
});

test("extended attributes that are never shown cost no message", () => {
  for (const isImmutable of [true, false]) {
    const fs = mount(isImmutable);
    const file = find(fs.root, "usr", "hard");
    const link = find(fs.root, "lib");
    const calls = gofer.count(() => {
      for (const name of ["system.posix_acl_access", "security.selinux"]) assert.equal(file.getXattr(name), ENODATA);
      assert.equal(link.getXattr("user.x"), ENODATA);
      assert.deepEqual(link.listXattr(), []);
    });
    assert.equal(calls, 0);
  }
});

test("shared: changes made outside are seen", () => {
  const fs = mount(false);
  const usr = find(fs.root, "usr");
  assert.equal(usr.lookup("late", null), ENOENT);
  writeFileSync(join(root, "usr/late"), "1");
  const late = find(usr, "late");
  const file = open(late, O_RDONLY);
  appendFileSync(join(root, "usr/late"), "23");
  chmodSync(join(root, "usr/late"), 0o604);
  const until = performance.now() + 1;
  while (performance.now() < until);
  assert.equal(late.refresh(), 0);
  assert.deepEqual([late.size, late.mode & 0o777], [3, 0o604]);
  assert.equal(read(file), "123");
  unlinkSync(join(root, "usr/late"));
  assert.equal(usr.lookup("late", null), ENOENT);
  writeFileSync(join(root, "usr/late"), "another");
  assert.notEqual(usr.lookup("late", null), late);
  assert.equal(file.seek(0, 0), 0);
  assert.equal(read(file), "123");
});

test("shared: a walk ahead takes one message, and is believed once", () => {
  const fs = mount(false);
  const calls = gofer.count(() => {
    fs.root.lookAhead("usr/lib/python/m3.py", 0);
    assert.equal(read(open(find(fs.root, "usr", "lib", "python", "m3.py"), O_RDONLY)), "module 3");
  });
  assert.ok(calls <= 2, `${calls} messages`);
  assert.equal(
    gofer.count(() => find(fs.root, "usr")),
    1,
  );
  fs.root.lookAhead("usr/none/x", 0);
  const usr = find(fs.root, "usr");
  const made = must(usr.create("none", 0o40755, 0, 0, 0));
  assert.equal(usr.lookup("none", null), made);
  fs.root.lookAhead("usr/none/x", 0);
  assert.equal(usr.rmdir("none", made), 0);
  assert.equal(usr.lookup("none", null), ENOENT);
});

test("shared: written through", () => {
  const fs = mount(false);
  const made = must(fs.root.create("new", 0o100640, 0, 0, 0));
  const calls = gofer.count(() => {
    const file = open(made, O_RDWR);
    assert.equal(write(file, "hello world"), 11);
    assert.equal(file.position, 11);
    assert.equal(file.seek(0, 2), 11);
    assert.equal(file.seek(0, 0), 0);
    assert.equal(read(file, 5), "hello");
    assert.equal(file.truncate(8, noTask), 0);
    assert.equal(file.sync(noTask), 0);
    file.put();
  });
  assert.ok(calls <= 1, `${calls} messages`);
  assert.equal(readFileSync(join(root, "new"), "latin1"), "hello wo");
  assert.equal(made.size, 8);
  const log = open(made, O_WRONLY | O_APPEND);
  appendFileSync(join(root, "new"), "+");
  assert.equal(write(log, "tail"), 4);
  assert.equal(log.position, 13);
  assert.equal(log.pwrite(kernelIo(Buffer.from("!"), 0, 1), 0, noTask), 1);
  assert.equal(readFileSync(join(root, "new"), "latin1"), "hello wo+tail!");
  log.put();
  assert.equal(made.setAttributes({ mode: 0o600, size: 2, mtime: { sec: 5, nsec: 6 }, atime: "now" }, null), 0);
  assert.deepEqual([made.mode, made.size, made.mtime], [0o100600, 2, { sec: 5, nsec: 6 }]);
  assert.equal(statSync(join(root, "new")).size, 2);
});

test("shared: names", () => {
  const fs = mount(false);
  const dir = must(fs.root.create("dir", 0o41777, 0, 0, 0));
  assert.equal(dir.mode, 0o41777);
  const file = must(dir.create("f", 0o100644, 0, 0, 0));
  assert.equal(dir.link("g", file), 0);
  assert.equal(file.nlink, 2);
  assert.equal(find(dir, "g"), file);
  assert.equal(dir.rename("f", file, fs.root, "moved", null, 0), 0);
  assert.equal(find(fs.root, "moved"), file);
  assert.ok(existsSync(join(root, "moved")));
  const RENAME_WHITEOUT = 4;
  if (process.getuid?.() === 0) {
    assert.equal(dir.rename("g", file, fs.root, "w", null, RENAME_WHITEOUT), 0);
    assert.deepEqual([lstatSync(join(root, "dir/g")).isCharacterDevice(), lstatSync(join(root, "dir/g")).rdev], [true, 0]);
    rmSync(join(root, "dir/g"));
    renameSync(join(root, "w"), join(root, "dir/g"));
  }
  const link = must(fs.root.symlink("s", "to/\xe9", 0, 0));
  assert.equal(must(link.readlink(noTask)), "to/\xe9");
  assert.deepEqual(readlinkSync(join(root, "s"), "buffer"), Buffer.from("to/\xe9", "latin1"));
  assert.equal(must(fs.root.create("p", 0o10600, 0, 0, 0)).mode, 0o10600);
  assert.equal(fs.root.create("d", 0o20600, 0, 0, 0x103), EPERM);
  assert.ok((fs.root.rmdir("dir", dir) as number) < 0);
  assert.equal(dir.unlink("g", file), 0);
  assert.equal(file.nlink, 1);
  assert.equal(fs.root.rmdir("dir", dir), 0);
  assert.equal(dir.nlink, 0);
  assert.equal(open(dir, O_RDONLY).readDirectory({ add: () => true }, noTask), ENOENT);
  assert.equal(fs.root.unlink("moved", file), 0);
  assert.equal(file.nlink, 0);
  file.forget();
  gofer.flush();
  const unnamed = must(fs.root.createUnnamed(0o100600, 0, 0));
  const opened = open(unnamed, O_RDWR);
  write(opened, "kept");
  assert.equal(fs.root.link("named", unnamed), 0);
  assert.equal(readFileSync(join(root, "named"), "latin1"), "kept");
});

test("shared: the guest's rename over a file, and the host's", () => {
  const fs = mount(false);
  writeFileSync(join(root, "a"), "a");
  writeFileSync(join(root, "b"), "b");
  const a = find(fs.root, "a");
  const b = find(fs.root, "b");
  assert.equal(fs.root.rename("a", a, fs.root, "b", b, 0), 0);
  assert.equal(b.nlink, 0);
  assert.equal(find(fs.root, "b"), a);
  renameSync(join(root, "b"), join(root, "c"));
  assert.equal(fs.root.lookup("b", null), ENOENT);
  assert.equal(find(fs.root, "c"), a);
});

test("shared: extended attributes", () => {
  const fs = mount(false);
  const file = find(fs.root, "usr", "hard");
  if (file.setXattr("user.k", Buffer.from("v"), 0) === EOPNOTSUPP) return;
  assert.deepEqual(file.getXattr("user.k"), Uint8Array.from([118]));
  assert.deepEqual(file.listXattr(), ["user.k"]);
  assert.equal(file.removeXattr("user.k"), 0);
  assert.equal(file.getXattr("user.k"), ENODATA);
});

test("a mapping keeps the file open and offers its descriptor", () => {
  const fs = mount(false);
  const file = open(find(fs.root, "usr", "hard"), O_RDWR);
  const task = { kernel: { vfs: { pathName: () => "/usr/hard" } }, fs: { root: null } } as unknown as Task;
  const mapping = must(file.mapping(task));
  mapping.takeMapping(true);
  file.put();
  assert.equal(mapping.name, "/usr/hard");
  assert.ok((mapping.hostFd(false) as number) >= 0);
  assert.ok((mapping.hostFd(true) as number) >= 0);
  const { files } = find(fs.root, "usr", "hard");
  mapping.putMapping(true);
  assert.equal(files?.readWrite, -1);
});

test("figures of the filesystem", () => {
  const fs = mount(false);
  const { blockSize, nameMax } = fs.statfs();
  assert.ok(blockSize >= 512 && nameMax === 255);
  assert.equal(fs.device, 42);
  fs.destroy();
  assert.equal(gofer.server.nodes.size, 1);
});
