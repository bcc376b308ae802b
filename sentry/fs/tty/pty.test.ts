import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FIONREAD,
  TCGETS,
  TCGETS2,
  TCSETS,
  TIOCEXCL,
  TIOCGPGRP,
  TIOCGPTN,
  TIOCGPTPEER,
  TIOCGSID,
  TIOCGWINSZ,
  TIOCNOTTY,
  TIOCPKT,
  TIOCSCTTY,
  TIOCSPGRP,
  TIOCSPTLCK,
  TIOCSTI,
  TIOCSWINSZ,
} from "../../../syscall-tables/flags/ioctl.ts";
import { O_NOCTTY, O_NONBLOCK, O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { POLLHUP, POLLIN, POLLPRI } from "../../../syscall-tables/flags/poll.ts";
import { SIG_IGN, SIGCONT, SIGHUP, SIGINT, SIGTTIN, SIGTTOU, SIGWINCH } from "../../../syscall-tables/flags/signal.ts";
import { TOSTOP, VMIN, VTIME } from "../../../syscall-tables/flags/terminal.ts";
import { CapabilitySet } from "../../abi/capability.ts";
import { EAGAIN, EBUSY, EIO, ENOENT, ENOTTY, ENXIO, EPERM, ERESTARTSYS, type Errno, ESRCH, isErrno } from "../../abi/errno.ts";

import { BLOCKED } from "../../task/blocking.ts";
import { Credentials } from "../../task/credentials.ts";
import { ReadOp } from "../../task/file-ops.ts";
import type { Task } from "../../task/task.ts";
import { BUFFER } from "../../vfs/fake-guest.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { kernelIo, userIo } from "../../vfs/user-io.ts";
import { type FakeSandbox, fakeSandbox } from "../proc/fake-sandbox.ts";

import { PtyMaster } from "./pty-master.ts";

const AT_FDCWD = -100;

const open = (task: Task, path: string, flags: number): OpenFile | Errno => task.kernel.vfs.openAt(task, AT_FDCWD, path, flags, 0);
const must = (file: OpenFile | Errno): OpenFile => {
  assert.ok(!isErrno(file), `open: ${file}`);
  return file;
};

const openPair = (task: Task, slaveFlags = O_NOCTTY): { master: PtyMaster; slave: OpenFile; path: string } => {
  const master = must(open(task, "/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
  assert.ok(master instanceof PtyMaster);
  task.memory.storeU32(BUFFER, 0);
  assert.equal(master.ioctl(task, TIOCSPTLCK, BUFFER), 0);
  assert.equal(master.ioctl(task, TIOCGPTN, BUFFER), 0);
  const path = `/dev/pts/${task.memory.loadU32(BUFFER)}`;
  return { master, slave: must(open(task, path, O_RDWR | slaveFlags)), path };
};

const write = (file: OpenFile, task: Task, text: string): number => file.write(kernelIo(Buffer.from(text, "latin1"), 0, text.length), task);
const read = (file: OpenFile, task: Task, length = 100): string | number => {
  const bytes = new Uint8Array(length);
  const n = file.read(kernelIo(bytes, 0, length), task);
  return n < 0 ? n : Buffer.from(bytes.subarray(0, n)).toString("latin1");
};
const setInt = (file: OpenFile, task: Task, command: number, value: number): number => {
  task.memory.storeU32(BUFFER, value);
  return file.ioctl(task, command, BUFFER);
};
const getInt = (file: OpenFile, task: Task, command: number): number => {
  const error = file.ioctl(task, command, BUFFER);
  return error < 0 ? error : task.memory.loadU32(BUFFER);
};
/** Signals that are ignored by default become pending only with a handler. */
const handle = (task: Task, signal: number): void => {
  task.process.actions.set(signal, { ...task.process.actions.get(signal), handlerAddr: 0x1000 });
};
const pending = (task: Task, signal: number): boolean => task.process.pending.has(signal);

/** A session leader with a shell's groups on its terminal. */
const shell = (sandbox: FakeSandbox): { leader: Task; job: Task; master: PtyMaster; slave: OpenFile } => {
  const leader = sandbox.forkSession(sandbox.init);
  const { master, slave } = openPair(leader, 0);
  return { leader, job: sandbox.forkGroup(leader), master, slave };
};

test("a locked slave cannot be opened, an unlocked one has its owner and mode", () => {
  const { init } = fakeSandbox();
  const master = must(open(init, "/dev/ptmx", O_RDWR));
  assert.equal(open(init, "/dev/pts/0", O_RDWR), EIO);
  assert.equal(setInt(master, init, TIOCSPTLCK, 0), 0);
  const slave = must(open(init, "/dev/pts/0", O_RDWR | O_NOCTTY));
  assert.equal(slave.inode.mode, 0o020620);
  assert.equal(slave.inode.gid, 5);
  assert.equal(slave.inode.rdev, 0x8800);
});

test("numbers are reused, names go with the master", () => {
  const { init } = fakeSandbox();
  const first = openPair(init);
  const second = openPair(init);
  assert.deepEqual([first.path, second.path], ["/dev/pts/0", "/dev/pts/1"]);
  first.master.put();
  assert.equal(open(init, "/dev/pts/0", O_RDWR), ENOENT);
  assert.equal(openPair(init).path, "/dev/pts/0");
});

test("closing the slave: the master reads what is left, then EIO and POLLHUP until it is opened again", () => {
  const { init } = fakeSandbox();
  const { master, slave, path } = openPair(init);
  assert.equal(read(master, init), EAGAIN);
  write(slave, init, "bye\n");
  slave.put();
  assert.equal(read(master, init), "bye\r\n");
  assert.equal(read(master, init), EIO);
  assert.ok((master.readiness() & POLLHUP) !== 0);
  must(open(init, path, O_RDWR | O_NOCTTY));
  assert.equal(read(master, init), EAGAIN);
  assert.ok((master.readiness() & POLLHUP) === 0);
});

test("closing the master hangs the slave up: end of file, EIO, ENOTTY", () => {
  const { init } = fakeSandbox();
  const { master, slave } = openPair(init);
  master.put();
  assert.equal(slave.readiness(), 0x15d);
  assert.equal(read(slave, init), "");
  assert.equal(write(slave, init, "x"), EIO);
  assert.equal(slave.ioctl(init, TCGETS, BUFFER), EIO);
  assert.equal(slave.ioctl(init, TIOCSPGRP, BUFFER), ENOTTY);
});

test("TIOCGPTPEER opens the slave by its master", () => {
  const { init } = fakeSandbox();
  const { master } = openPair(init);
  const fd = master.ioctl(init, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  assert.equal(fd, 0);
  const peer = init.files.get(0);
  assert.ok(peer !== null && peer.path !== null);
  assert.equal(init.kernel.vfs.pathName(peer.path, init.fs.root), "/dev/pts/0");
});

test("termios goes through both sides and both structures", () => {
  const { init } = fakeSandbox();
  const { master, slave } = openPair(init);
  assert.equal(slave.ioctl(init, TCGETS, BUFFER), 0);
  assert.equal(init.memory.loadU32(BUFFER), 0x500);
  assert.equal(init.memory.loadU32(BUFFER + 8), 0xbf);
  init.memory.storeU32(BUFFER, 0);
  assert.equal(master.ioctl(init, TCSETS, BUFFER), 0);
  assert.equal(slave.ioctl(init, TCGETS2, BUFFER), 0);
  assert.equal(init.memory.loadU32(BUFFER), 0);
  assert.equal(init.memory.loadU32(BUFFER + 40), 38400);
});

test("a window size change tells the foreground group", () => {
  const { leader, job, slave } = shell(fakeSandbox());
  setInt(slave, leader, TIOCSPGRP, job.tid);
  for (const task of [leader, job]) handle(task, SIGWINCH);
  storeSize(leader, 24, 80);
  assert.equal(slave.ioctl(leader, TIOCSWINSZ, BUFFER), 0);
  assert.ok(pending(job, SIGWINCH));
  assert.ok(!pending(leader, SIGWINCH));
  assert.equal(slave.ioctl(leader, TIOCGWINSZ, BUFFER), 0);
  assert.equal(leader.memory.loadU16(BUFFER + 2), 80);
});

const storeSize = (task: Task, rows: number, cols: number): void => {
  for (const [i, value] of [rows, cols, 0, 0].entries()) task.memory.storeU16(BUFFER + i * 2, value);
};

test("a session leader gets its first terminal by opening it, unless O_NOCTTY", () => {
  const sandbox = fakeSandbox();
  const leader = sandbox.forkSession(sandbox.init);
  assert.equal(open(leader, "/dev/tty", O_RDWR), ENXIO);
  const { slave } = openPair(leader, O_NOCTTY);
  assert.equal(leader.process.session.tty, null);
  assert.equal(getInt(slave, leader, TIOCGPGRP), ENOTTY);
  assert.equal(slave.ioctl(leader, TIOCSCTTY, 0), 0);
  assert.equal(getInt(slave, leader, TIOCGPGRP), leader.tid);
  assert.equal(getInt(slave, leader, TIOCGSID), leader.tid);
  assert.ok(!isErrno(open(leader, "/dev/tty", O_RDWR)));
  const other = sandbox.forkSession(sandbox.init);
  assert.equal(slave.ioctl(other, TIOCSCTTY, 0), EPERM);
  assert.equal(slave.ioctl(other, TIOCSCTTY, 1), 0);
  assert.equal(leader.process.session.tty, null);
});

test("tcsetpgrp: only groups of the session, ESRCH for none", () => {
  const sandbox = fakeSandbox();
  const { leader, job, slave } = shell(sandbox);
  assert.equal(setInt(slave, leader, TIOCSPGRP, 999), ESRCH);
  assert.equal(setInt(slave, leader, TIOCSPGRP, 1), EPERM);
  assert.equal(setInt(slave, leader, TIOCSPGRP, job.tid), 0);
  assert.equal(getInt(slave, leader, TIOCGPGRP), job.tid);
});

test("^C goes to the foreground group only", () => {
  const { leader, job, master, slave } = shell(fakeSandbox());
  setInt(slave, leader, TIOCSPGRP, job.tid);
  write(master, leader, "\x03");
  assert.ok(pending(job, SIGINT));
  assert.ok(!pending(leader, SIGINT));
});

test("a background group that reads gets SIGTTIN, EIO when it is ignored or the group is an orphan", () => {
  const { leader, job, master, slave } = shell(fakeSandbox());
  write(master, leader, "x\n");
  assert.equal(read(slave, job), ERESTARTSYS);
  assert.ok(pending(job, SIGTTIN));
  job.process.actions.set(SIGTTIN, { ...job.process.actions.get(SIGTTIN), handlerAddr: SIG_IGN });
  assert.equal(read(slave, job), EIO);
  job.process.actions.set(SIGTTIN, { ...job.process.actions.get(SIGTTIN), handlerAddr: 0 });
  job.process.parent = null;
  assert.equal(read(slave, job), EIO);
  assert.equal(read(slave, leader), "x\n");
});

test("a background group may write unless TOSTOP, and may not change modes", () => {
  const { leader, job, slave } = shell(fakeSandbox());
  assert.equal(write(slave, job, "x"), 1);
  assert.equal(slave.ioctl(leader, TCGETS, BUFFER), 0);
  leader.memory.storeU32(BUFFER + 12, leader.memory.loadU32(BUFFER + 12) | TOSTOP);
  assert.equal(slave.ioctl(leader, TCSETS, BUFFER), 0);
  assert.equal(write(slave, job, "x"), ERESTARTSYS);
  assert.ok(pending(job, SIGTTOU));
  assert.equal(slave.ioctl(job, TCSETS, BUFFER), ERESTARTSYS);
  job.process.actions.set(SIGTTOU, { ...job.process.actions.get(SIGTTOU), handlerAddr: SIG_IGN });
  assert.equal(write(slave, job, "x"), 1);
});

test("hang-up: SIGHUP and SIGCONT for the leader, no terminal any more", () => {
  const { leader, job, master } = shell(fakeSandbox());
  for (const signal of [SIGHUP, SIGCONT]) handle(leader, signal);
  master.put();
  assert.ok(pending(leader, SIGHUP));
  assert.ok(pending(leader, SIGCONT));
  assert.ok(!pending(job, SIGHUP));
  assert.equal(leader.process.session.tty, null);
  assert.equal(open(job, "/dev/tty", O_RDWR), ENXIO);
});

test("TIOCNOTTY: of the leader the foreground is told, of another process only itself loses the terminal", () => {
  const { leader, job, slave } = shell(fakeSandbox());
  setInt(slave, leader, TIOCSPGRP, job.tid);
  assert.equal(slave.ioctl(job, TIOCNOTTY, 0), 0);
  assert.equal(open(job, "/dev/tty", O_RDWR), ENXIO);
  assert.equal(slave.ioctl(job, TIOCNOTTY, 0), ENOTTY);
  assert.ok(!isErrno(open(leader, "/dev/tty", O_RDWR)));
  assert.equal(slave.ioctl(leader, TIOCNOTTY, 0), 0);
  assert.ok(pending(job, SIGHUP));
  assert.equal(leader.process.session.tty, null);
});

test("exclusive mode, and typing for others", () => {
  const { leader, master, slave } = shell(fakeSandbox());
  assert.equal(slave.ioctl(leader, TIOCEXCL, 0), 0);
  leader.creds = Credentials.create(0, 0, [], CapabilitySet.EMPTY);
  assert.equal(open(leader, "/dev/pts/0", O_RDWR), EBUSY);
  leader.memory.storeU8(BUFFER, 0x0a);
  assert.equal(slave.ioctl(leader, TIOCSTI, BUFFER), 0);
  assert.equal(read(slave, leader), "\n");
  assert.equal(read(master, leader), "\r\n");
});

test("packet mode: a status byte before the data, one alone for events", () => {
  const { init } = fakeSandbox();
  const { master, slave } = openPair(init);
  setInt(master, init, TIOCPKT, 1);
  write(slave, init, "hi");
  assert.equal(read(master, init), "\0hi");
  write(master, init, "\x13");
  assert.ok((master.readiness() & (POLLPRI | POLLIN)) === (POLLPRI | POLLIN));
  assert.equal(read(master, init), "\x04");
  write(master, init, "\x11");
  assert.equal(read(master, init), "\x08");
  assert.equal(getInt(master, init, FIONREAD), 0);
});

test("VMIN and VTIME: the timer starts with the call, or with the first byte", () => {
  const { init, time } = fakeSandbox();
  const { master, slave } = openPair(init);
  const setRaw = (minimum: number, tenths: number): void => {
    slave.ioctl(init, TCGETS, BUFFER);
    init.memory.storeU32(BUFFER + 12, 0);
    init.memory.storeU8(BUFFER + 17 + VMIN, minimum);
    init.memory.storeU8(BUFFER + 17 + VTIME, tenths);
    slave.ioctl(init, TCSETS, BUFFER);
  };
  const start = (): number => init.block(new ReadOp(slave, userIo(init, BUFFER, 10) as never, init));
  let result = BLOCKED;
  const original = init.stepBlocked.bind(init);
  init.stepBlocked = () => {
    result = original();
    return result;
  };
  setRaw(0, 5);
  assert.equal(start(), BLOCKED);
  time.advance(400_000_000);
  assert.equal(result, BLOCKED);
  time.advance(200_000_000);
  assert.equal(result, 0);
  setRaw(3, 5);
  assert.equal(start(), BLOCKED);
  time.advance(5e9);
  assert.equal(result, BLOCKED);
  write(master, init, "a");
  time.advance(400_000_000);
  write(master, init, "b");
  time.advance(400_000_000);
  assert.equal(result, BLOCKED);
  time.advance(200_000_000);
  assert.equal(result, 2);
});
