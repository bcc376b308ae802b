/** Real tasks, sessions and mounts without a platform, for unit tests of terminals and procfs. */
import assert from "node:assert/strict";
import { isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { Timer } from "../../loop/timers.ts";
import { AddressSpace } from "../../mm/address-space.ts";
import { registerNetwork } from "../../net/register.ts";
import { Credentials } from "../../task/credentials.ts";
import { attachTask, createFirstTask } from "../../task/first-process.ts";
import { PidNamespace } from "../../task/pid-namespace.ts";
import { Process } from "../../task/process.ts";
import { ProcessGroup, Session } from "../../task/process-group.ts";
import type { Task } from "../../task/task.ts";
import { FakeGuestTask } from "../../vfs/fake-guest.ts";
import { FdTable } from "../../vfs/fd-table.ts";
import { FsContext } from "../../vfs/fs-context.ts";
import { overmounted } from "../../vfs/tree.ts";
import { Vfs } from "../../vfs/vfs.ts";
import { createDev, registerDevices } from "../dev/dev.ts";
import { registerSysfs } from "../sys/sysfs.ts";
import { registerTmpfs } from "../tmpfs/tmpfs.ts";
import type { HostFacts } from "./host-facts.ts";
import { registerProcfs } from "./procfs.ts";

export const FACTS: HostFacts = {
  cpuinfo: "processor\t: 3\nmodel name\t: Test\nsiblings\t: 8\ncore id\t\t: 3\nflags\t\t: fpu",
  cpus: [0, 1],
  memTotalBytes: 4 * 2 ** 30,
  kernelRelease: "6.8.0",
  kernelVersion: "#1",
};

/** A clock that tests move by hand, with the timers that follow it. */
export class FakeTime {
  nowNs = 5e9;
  readonly timers = new Set<Timer>();

  advance(ns: number): void {
    this.nowNs += ns;
    for (const timer of [...this.timers]) {
      if (timer.deadlineNs > this.nowNs) continue;
      this.timers.delete(timer);
      timer.fire();
    }
  }
}

export interface FakeSandbox {
  readonly kernel: Kernel;
  readonly time: FakeTime;
  /** The first process: pid 1, leader of its session. */
  readonly init: Task;
  /** A child process of `parent`, in its group. */
  fork(parent: Task): Task;
  /** A child in a session of its own. */
  forkSession(parent: Task): Task;
  /** A child in a process group of its own. */
  forkGroup(parent: Task): Task;
}

const fakeKernel = (time: FakeTime): Kernel => {
  const clock = {
    sec: 1_700_000_000,
    nsec: 0,
    bootOffsetNs: 0,
    monotonicNs: () => time.nowNs,
    realtimeNs: () => 1_700_000_000e9,
    readRealtime: () => {},
    stamp: (stamp: { sec: number; nsec: number }) => Object.assign(stamp, { sec: 1_700_000_000, nsec: 0 }),
  };
  const kernel = {
    platform: { name: "fake", reserved: [], vdsoAddr: 0 },
    clock,
    timers: { arm: (timer: Timer) => time.timers.add(timer), cancel: (timer: Timer) => time.timers.delete(timer) },
    pids: new PidNamespace(),
    hostname: "box",
    domainname: "(none)",
    schedule: (task: Task) => {
      if (task.op !== null) task.stepBlocked();
    },
    random: (target: Uint8Array, at: number, length: number) => {
      for (let i = 0; i < length; i++) target[at + i] = (i * 37 + 11) & 0xff;
    },
  };
  const result = kernel as unknown as { vfs: Vfs } & Kernel;
  result.vfs = new Vfs(result);
  return result;
};

const fakeThread = (guest: FakeGuestTask): Task["thread"] =>
  ({
    process: { memory: guest.memory, hostPid: 0, kill: () => {} },
    memory: guest.memory,
    isRunning: false,
    interrupt: () => {},
    task: null,
    regs: { get: () => 0, syscallNumber: 0 },
  }) as unknown as Task["thread"];

/** "/" is a tmpfs with /dev, /dev/pts, /proc and /sys mounted. */
export const fakeSandbox = (): FakeSandbox => {
  const time = new FakeTime();
  const kernel = fakeKernel(time);
  const { vfs } = kernel;
  registerTmpfs(kernel);
  registerDevices(kernel);
  registerNetwork();
  registerProcfs(kernel, FACTS);
  registerSysfs(kernel, FACTS);
  const make = (type: string, data: string) => {
    const fs = vfs.filesystemType(type)?.(null, type, data);
    assert.ok(fs !== undefined && !isErrno(fs));
    return fs;
  };
  const root = make("tmpfs", "mode=755");
  const namespace = vfs.createNamespace(root, "root");
  for (const name of ["dev", "proc", "sys"]) assert.ok(!isErrno(root.root.create(name, 0o040755, 0, 0, 0)));
  const dev = createDev(kernel, "mode=755");
  assert.ok(!isErrno(dev));
  vfs.mountAt(namespace, "/dev", dev, "tmpfs");
  vfs.mountAt(namespace, "/dev/pts", make("devpts", "ptmxmode=666,mode=620,gid=5"), "devpts");
  vfs.mountAt(namespace, "/proc", make("proc", ""), "proc");
  vfs.mountAt(namespace, "/sys", make("sysfs", ""), "sysfs");
  const top = overmounted(namespace.root, namespace.root.root);
  const guest = (): FakeGuestTask => new FakeGuestTask(kernel, new FsContext(namespace, top, top), 0, Credentials.create(0, 0));
  const init = createFirstTask(kernel, {
    thread: fakeThread(guest()),
    mm: new AddressSpace(kernel),
    fs: new FsContext(namespace, top, top),
    creds: Credentials.create(0, 0),
    name: "init",
    files: (limits) => new FdTable(limits),
  });
  assert.ok(!isErrno(init));

  const spawn = (parent: Task, kind: "same" | "group" | "session"): Task => {
    const pid = kernel.pids.allocate();
    assert.ok(!isErrno(pid));
    const limits = parent.process.limits.fork();
    const session = kind === "session" ? new Session(pid, null) : parent.process.session;
    const group = kind === "same" ? parent.process.group : new ProcessGroup(pid, session);
    const process = new Process({ kernel, parent: parent.process, group, limits, actions: parent.process.actions.fork() });
    if (kind === "session") session.leader = process;
    return attachTask({
      kernel,
      pid,
      process,
      thread: fakeThread(guest()),
      mm: parent.mm,
      files: new FdTable(limits),
      fs: parent.fs,
      uts: parent.uts,
      creds: parent.creds,
      name: parent.name,
    });
  };
  return {
    kernel,
    time,
    init,
    fork: (parent) => spawn(parent, "same"),
    forkSession: (parent) => spawn(parent, "session"),
    forkGroup: (parent) => spawn(parent, "group"),
  };
};
