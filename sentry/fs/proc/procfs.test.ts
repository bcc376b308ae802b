import assert from "node:assert/strict";
import { test } from "node:test";
import { O_DIRECTORY, O_RDONLY, O_RDWR, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import { EACCES, EINVAL, ENOENT, ESRCH, isErrno } from "../../abi/errno.ts";
import { Credentials } from "../../task/credentials.ts";
import type { Task } from "../../task/task.ts";
import type { DirentSink } from "../../vfs/inode.ts";

import { kernelIo } from "../../vfs/user-io.ts";
import { WALK_FOLLOW } from "../../vfs/vfs.ts";
import { fakeSandbox } from "./fake-sandbox.ts";

const AT_FDCWD = -100;

const read = (task: Task, path: string): string => {
  const file = task.kernel.vfs.openAt(task, AT_FDCWD, path, O_RDONLY, 0);
  assert.ok(!isErrno(file), `${path}: ${file}`);
  const bytes = new Uint8Array(1 << 16);
  let length = 0;
  for (;;) {
    const n = file.read(kernelIo(bytes, length, bytes.length - length), task);
    assert.ok(n >= 0, `${path}: ${n}`);
    if (n === 0) break;
    length += n;
  }
  file.put();
  return Buffer.from(bytes.subarray(0, length)).toString("latin1");
};

const write = (task: Task, path: string, text: string): number => {
  const file = task.kernel.vfs.openAt(task, AT_FDCWD, path, O_WRONLY, 0);
  if (isErrno(file)) return file;
  const n = file.write(kernelIo(Buffer.from(text, "latin1"), 0, text.length), task);
  file.put();
  return n;
};

const names = (task: Task, path: string): string[] => {
  const file = task.kernel.vfs.openAt(task, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
  assert.ok(!isErrno(file), `${path}: ${file}`);
  const found: string[] = [];
  const sink: DirentSink = { add: (name) => found.push(name) > 0 };
  assert.equal(file.readDirectory(sink, task), 0);
  file.put();
  return found;
};

const link = (task: Task, path: string): string | number => {
  const place = task.kernel.vfs.walk(task, AT_FDCWD, path, 0);
  return isErrno(place) ? place : place.dentry.inode.readlink(task);
};

test("stat has the 52 fields of proc_pid_stat(5)", () => {
  const { init, fork } = fakeSandbox();
  const child = fork(init);
  child.name = "a (b) c";
  const text = read(init, `/proc/${child.tid}/stat`);
  assert.match(text, /^2 \(a \(b\) c\) R 1 1 1 0 -1 \d+ /);
  assert.equal(text.at(-1), "\n");
  assert.equal(
    text
      .slice(text.lastIndexOf(")") + 2)
      .trimEnd()
      .split(" ").length,
    50,
  );
});

test("status has one tab behind each name and the layout that ps and top parse", () => {
  const { init } = fakeSandbox();
  const lines = read(init, "/proc/self/status").trimEnd().split("\n");
  const values = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf("\t") + 1)]));
  assert.equal(values.get("Name"), "init");
  assert.equal(values.get("Umask"), "0022");
  assert.equal(values.get("State"), "R (running)");
  assert.equal(values.get("Uid"), "0\t0\t0\t0");
  assert.equal(values.get("Groups"), " ");
  assert.equal(values.get("NSpid"), "1");
  assert.equal(values.get("SigBlk"), "0000000000000000");
  assert.equal(values.get("CapEff"), "000001ffffffffff");
  assert.equal(values.get("Cpus_allowed"), "3");
  assert.equal(values.get("Cpus_allowed_list"), "0-1");
  assert.match(values.get("VmSize") ?? "", /^ {0,8}\d+ kB$/);
  assert.deepEqual(lines[0], "Name:\tinit");
});

test("self and thread-self follow the reader", () => {
  const { init, fork } = fakeSandbox();
  const child = fork(init);
  assert.equal(link(child, "/proc/self"), "2");
  assert.equal(link(child, "/proc/thread-self"), "2/task/2");
  assert.equal(read(child, "/proc/self/comm"), "init\n");
});

test("a process's names end with it", () => {
  const { init, fork, kernel } = fakeSandbox();
  const child = fork(init);
  const directory = `/proc/${child.tid}`;
  const open = kernel.vfs.openAt(init, AT_FDCWD, `${directory}/stat`, O_RDONLY, 0);
  assert.ok(!isErrno(open));
  assert.ok(names(init, "/proc").includes("2"));
  child.process.isReaped = true;
  child.pid.task = null;
  assert.equal(kernel.vfs.walk(init, AT_FDCWD, directory, WALK_FOLLOW), ENOENT);
  assert.equal(open.read(kernelIo(new Uint8Array(10), 0, 10), init), ESRCH);
  assert.ok(!names(init, "/proc").includes("2"));
});

test("comm can be written by the process itself, cut at 15 bytes", () => {
  const { init, fork } = fakeSandbox();
  const child = fork(init);
  assert.equal(write(child, "/proc/self/comm", "a-very-long-name-indeed"), 23);
  assert.equal(child.name, "a-very-long-nam");
  assert.equal(write(init, `/proc/${child.tid}/comm`, "x"), EINVAL);
});

test("oom_score_adj: range, capability and oom_adj's scale", () => {
  const { init } = fakeSandbox();
  assert.equal(write(init, "/proc/self/oom_score_adj", "500\n"), 4);
  assert.equal(read(init, "/proc/self/oom_score_adj"), "500\n");
  assert.equal(read(init, "/proc/self/oom_adj"), "8\n");
  assert.equal(write(init, "/proc/self/oom_score_adj", "1001"), EINVAL);
  assert.equal(write(init, "/proc/self/oom_score_adj", "abc"), EINVAL);
  init.creds = Credentials.create(1000, 1000);
  assert.equal(write(init, "/proc/self/oom_score_adj", "400"), EACCES);
});

test("files of others need the right to inspect them", () => {
  const { init, fork, kernel } = fakeSandbox();
  const child = fork(init);
  child.creds = Credentials.create(1000, 1000);
  for (const name of ["environ", "auxv", "mem", "maps"]) {
    assert.equal(kernel.vfs.openAt(child, AT_FDCWD, `/proc/1/${name}`, O_RDONLY, 0), EACCES, name);
  }
  assert.equal(link(child, "/proc/1/exe"), EACCES);
  assert.equal(link(child, "/proc/1/cwd"), EACCES);
  assert.equal(link(init, `/proc/${child.tid}/cwd`), "/");
  assert.match(read(child, "/proc/1/status"), /^Name:\tinit\n/);
});

test("fd and fdinfo show what is open", () => {
  const { init, kernel } = fakeSandbox();
  const file = kernel.vfs.openAt(init, AT_FDCWD, "/dev/null", O_RDWR, 0);
  assert.ok(!isErrno(file));
  assert.equal(init.files.install(file, true), 0);
  assert.equal(link(init, "/proc/self/fd/0"), "/dev/null");
  assert.deepEqual(names(init, "/proc/self/fd"), [".", "..", "0"]);
  assert.match(read(init, "/proc/self/fdinfo/0"), /^pos:\t0\nflags:\t02000002\nmnt_id:\t\d+\nino:\t\d+\n$/);
  const place = kernel.vfs.walk(init, AT_FDCWD, "/proc/self/fd/0", 0);
  assert.ok(!isErrno(place));
  assert.equal(place.dentry.inode.mode, 0o120700);
  assert.equal(link(init, "/proc/self/fd/1"), ENOENT);
});

test("limits are columns of fixed width", () => {
  const { init } = fakeSandbox();
  const lines = read(init, "/proc/self/limits").split("\n");
  assert.equal(lines[0], "Limit                     Soft Limit           Hard Limit           Units     ");
  assert.equal(lines[8], "Max open files            1024                 1048576              files     ");
  assert.equal(lines[14], "Max nice priority         0                    0                    ");
});

test("mounts and mountinfo list the tree", () => {
  const { init } = fakeSandbox();
  const lines = read(init, "/proc/mounts").trimEnd().split("\n");
  assert.deepEqual(lines[2], "devpts /dev/pts devpts rw,relatime,gid=5,mode=620,ptmxmode=666 0 0");
  assert.match(read(init, "/proc/self/mountinfo"), /^\d+ \d+ 0:\d+ \/ \/proc rw,relatime - proc proc rw$/m);
});

test("cpuinfo repeats the host's block for the CPUs there are", () => {
  const { init } = fakeSandbox();
  const blocks = read(init, "/proc/cpuinfo").split("\n\n");
  assert.equal(blocks.length, 3);
  assert.equal(blocks[1], "processor\t: 1\nmodel name\t: Test\nsiblings\t: 2\ncore id\t\t: 1\nflags\t\t: fpu");
});

test("meminfo, stat, uptime and loadavg as free, top and uptime read them", () => {
  const { init } = fakeSandbox();
  assert.match(read(init, "/proc/meminfo"), /^MemTotal: {8}4194304 kB\nMemFree: {9,}\d+ kB\nMemAvailable: /);
  assert.match(read(init, "/proc/stat"), /^cpu {2}\d+ 0 \d+ \d+ 0 0 0 0 0 0\ncpu0 .*\ncpu1 .*\nintr 0\nctxt 0\nbtime \d+\n/);
  assert.match(read(init, "/proc/uptime"), /^5\.00 \d+\.\d\d\n$/);
  assert.match(read(init, "/proc/loadavg"), /^\d+\.\d\d \d+\.\d\d \d+\.\d\d 1\/1 1\n$/);
});

test("sysctl: names, read-only knobs refuse even root, the host name changes", () => {
  const { init, kernel } = fakeSandbox();
  assert.equal(read(init, "/proc/sys/kernel/ostype"), "Linux\n");
  assert.equal(read(init, "/proc/sys/kernel/pid_max"), "4194304\n");
  assert.equal(write(init, "/proc/sys/kernel/pid_max", "1"), EACCES);
  assert.equal(write(init, "/proc/sys/kernel/hostname", "new-name\n"), 9);
  assert.equal(kernel.hostname, "new-name");
  assert.equal(read(init, "/proc/sys/kernel/hostname"), "new-name\n");
  assert.match(read(init, "/proc/sys/kernel/random/uuid"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$/);
  assert.deepEqual(names(init, "/proc/sys/net").slice(2), ["core", "ipv4", "ipv6", "unix"]);
});

test("every file of a process can be read", () => {
  const { init } = fakeSandbox();
  const skipped = new Set(["mem", "attr", "stack", "clear_refs", "fd", "fdinfo", "map_files", "ns", "net", "task", "cwd", "root", "exe"]);
  for (const name of names(init, "/proc/self").slice(2)) if (!skipped.has(name)) read(init, `/proc/self/${name}`);
  for (const name of names(init, "/proc/self/net").slice(2)) read(init, `/proc/self/net/${name}`);
  assert.deepEqual(names(init, "/proc/self/task"), [".", "..", "1"]);
  assert.equal(link(init, "/proc/self/ns/pid"), "pid:[4026531836]");
});

test("a file is a snapshot that a rewind renews", () => {
  const { init, kernel } = fakeSandbox();
  const file = kernel.vfs.openAt(init, AT_FDCWD, "/proc/self/comm", O_RDONLY, 0);
  assert.ok(!isErrno(file));
  const bytes = new Uint8Array(16);
  assert.equal(file.read(kernelIo(bytes, 0, 2), init), 2);
  init.name = "other";
  assert.equal(file.read(kernelIo(bytes, 2, 10), init), 3);
  assert.equal(Buffer.from(bytes.subarray(0, 5)).toString(), "init\n");
  assert.equal(file.seek(0, 0), 0);
  assert.equal(file.read(kernelIo(bytes, 0, 16), init), 6);
  assert.equal(file.seek(0, 2), EINVAL);
});

test("children lists the processes that a thread has made", () => {
  const { init, fork } = fakeSandbox();
  const a = fork(init);
  const b = fork(init);
  assert.equal(read(init, "/proc/1/task/1/children"), `${a.tid} ${b.tid} `);
});

test("sysfs: processors, memory node, loopback", () => {
  const { init } = fakeSandbox();
  assert.equal(read(init, "/sys/devices/system/cpu/online"), "0-1\n");
  assert.equal(read(init, "/sys/devices/system/cpu/cpu1/topology/core_id"), "1\n");
  assert.equal(read(init, "/sys/class/net/lo/mtu"), "65536\n");
  assert.deepEqual(names(init, "/sys/fs/cgroup"), [".", ".."]);
  assert.equal(write(init, "/sys/devices/system/cpu/online", "0"), EACCES);
});
