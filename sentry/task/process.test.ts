import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WUNTRACED,
} from "../../syscall-tables/flags/process.ts";
import {
  SA_NOCLDWAIT,
  SIG_IGN,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  SIGTSTP,
  SIGUSR1,
} from "../../syscall-tables/flags/signal.ts";
import { ECHILD, EPERM, ESRCH } from "../abi/errno.ts";

import { sys_clone, sys_fork, sys_vfork } from "../syscalls/process/clone.ts";
import { sys_exit, sys_exit_group } from "../syscalls/process/exit.ts";
import { sys_setpgid } from "../syscalls/process/pgid.ts";
import { sys_setsid } from "../syscalls/process/setsid.ts";
import { sys_wait4 } from "../syscalls/process/wait4.ts";
import { sys_waitid } from "../syscalls/process/waitid.ts";
import { sys_kill } from "../syscalls/signal/kill.ts";
import { BLOCKED } from "./blocking.ts";
import { call, FakeKernel, memoryOf, threadOf } from "./fake-guest.ts";
import { handleInterrupt } from "./run.ts";
import { DEFAULT_ACTION } from "./signal-actions.ts";
import type { Task } from "./task.ts";

const THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

const setUp = (): { kernel: FakeKernel; init: Task } => {
  const kernel = new FakeKernel();
  kernel.interrupt = handleInterrupt;
  return { kernel, init: kernel.start() };
};

const taskOf = (kernel: FakeKernel, tid: number): Task => {
  const task = kernel.pids.task(tid);
  assert.ok(task !== null, `task ${tid}`);
  return task;
};

const fork = (kernel: FakeKernel, parent: Task): Task => taskOf(kernel, call(parent, sys_fork));
const thread = (kernel: FakeKernel, parent: Task): Task => taskOf(kernel, call(parent, sys_clone, THREAD_FLAGS, 0, 0, 0, 0));

test("wait4 sleeps until a child exits, reaps it and writes its status", () => {
  const { kernel, init } = setUp();
  const child = fork(kernel, init);
  assert.equal(threadOf(child).result, 0);
  const statusAddr = memoryOf(init).putWords(0);
  assert.equal(call(init, sys_wait4, -1, statusAddr, 0, 0), BLOCKED);
  call(child, sys_exit_group, 7);
  kernel.run();
  assert.equal(threadOf(init).result, child.tid);
  assert.equal(memoryOf(init).loadU32(statusAddr), 7 << 8);
  assert.equal(threadOf(child).process.isKilled, true);
  assert.equal(kernel.pids.process(child.tid), null);
  assert.equal(call(init, sys_wait4, -1, 0, 0, 0), ECHILD);
});

test("WNOHANG, WNOWAIT and targets that name nobody", () => {
  const { kernel, init } = setUp();
  const child = fork(kernel, init);
  assert.equal(call(init, sys_wait4, -1, 0, WNOHANG, 0), 0);
  assert.equal(call(init, sys_wait4, 4000, 0, 0, 0), ECHILD);
  assert.equal(call(init, sys_wait4, -0x8000_0000, 0, 0, 0), ESRCH);
  call(child, sys_exit, 3);
  const infoAddr = memoryOf(init).put(new Uint8Array(128));
  assert.equal(call(init, sys_waitid, 1, child.tid, infoAddr, WEXITED | WNOWAIT, 0), 0);
  assert.equal(memoryOf(init).loadU32(infoAddr), SIGCHLD);
  assert.equal(memoryOf(init).loadU32(infoAddr + 16), child.tid);
  assert.equal(memoryOf(init).loadU32(infoAddr + 24), 3);
  assert.equal(call(init, sys_wait4, child.tid, 0, 0, 0), child.tid);
});

test("an ignored SIGCHLD or SA_NOCLDWAIT reaps at once and wait says ECHILD at the end", () => {
  for (const action of [
    { ...DEFAULT_ACTION, handlerAddr: SIG_IGN },
    { ...DEFAULT_ACTION, flags: SA_NOCLDWAIT },
  ]) {
    const { kernel, init } = setUp();
    init.process.actions.set(SIGCHLD, action);
    const child = fork(kernel, init);
    assert.equal(call(init, sys_wait4, -1, 0, 0, 0), BLOCKED);
    call(child, sys_exit_group, 0);
    kernel.run();
    assert.equal(threadOf(init).result, ECHILD);
    assert.equal(kernel.pids.process(child.tid), null);
  }
});

test("exit_group ends sleeping and running threads, and the host process once", () => {
  const { kernel, init } = setUp();
  const child = fork(kernel, init);
  const sibling = thread(kernel, child);
  const sleeper = thread(kernel, child);
  assert.equal(call(sleeper, sys_wait4, -1, 0, 0, 0), ECHILD);
  call(child, sys_exit_group, 1);
  kernel.run();
  assert.deepEqual([child.isDead, sibling.isDead, sleeper.isDead], [true, true, true]);
  assert.equal(threadOf(child).process.isKilled, true);
  assert.equal(child.process.isZombie, true);
});

test("the exit of a thread leaves the process; the last one decides the status, the leader keeps its id", () => {
  const { kernel, init } = setUp();
  const child = fork(kernel, init);
  const sibling = thread(kernel, child);
  call(child, sys_exit, 5);
  kernel.run();
  assert.equal(child.isDead, true);
  assert.equal(threadOf(child).hasExited, true);
  assert.equal(child.process.isZombie, false);
  assert.equal(call(init, sys_wait4, child.tid, 0, WNOHANG, 0), 0);
  call(sibling, sys_exit, 6);
  kernel.run();
  const statusAddr = memoryOf(init).putWords(0);
  assert.equal(call(init, sys_wait4, child.tid, statusAddr, 0, 0), child.tid);
  assert.equal(memoryOf(init).loadU32(statusAddr), 6 << 8);
});

test("a fatal signal ends a process that runs guest code", () => {
  const { kernel, init } = setUp();
  const child = fork(kernel, init);
  assert.equal(call(init, sys_kill, child.tid, SIGTERM), 0);
  kernel.run();
  const statusAddr = memoryOf(init).putWords(0);
  assert.equal(call(init, sys_wait4, -1, statusAddr, 0, 0), child.tid);
  assert.equal(memoryOf(init).loadU32(statusAddr), SIGTERM);
});

test("stop and continue are reported, and a stopped process stays stopped when it is woken", () => {
  const { kernel, init } = setUp();
  const child = fork(kernel, init);
  const grandchild = fork(kernel, child);
  assert.equal(call(child, sys_wait4, -1, 0, 0, 0), BLOCKED);
  call(init, sys_kill, child.tid, SIGSTOP);
  kernel.run();
  assert.equal(child.process.isStopped, true);
  const statusAddr = memoryOf(init).putWords(0);
  assert.equal(call(init, sys_wait4, -1, statusAddr, WUNTRACED, 0), child.tid);
  assert.equal(memoryOf(init).loadU32(statusAddr), (SIGSTOP << 8) | 0x7f);
  assert.equal(call(init, sys_wait4, -1, statusAddr, WUNTRACED | WNOHANG, 0), 0);
  const { resumes } = threadOf(child);
  call(grandchild, sys_exit_group, 0);
  kernel.run();
  assert.equal(threadOf(child).resumes, resumes);
  call(init, sys_kill, child.tid, SIGCONT);
  kernel.run();
  assert.equal(threadOf(child).resumes, resumes + 1);
  assert.equal(call(init, sys_wait4, -1, statusAddr, WCONTINUED, 0), child.tid);
  assert.equal(memoryOf(init).loadU32(statusAddr), 0xffff);
});

test("SIGKILL ends a stopped process with all its threads", () => {
  const { kernel, init } = setUp();
  const child = fork(kernel, init);
  thread(kernel, child);
  call(init, sys_kill, child.tid, SIGSTOP);
  kernel.run();
  assert.equal(child.process.isStopped, true);
  call(init, sys_kill, child.tid, SIGKILL);
  kernel.run();
  assert.equal(child.process.isZombie, true);
});

test("orphans go to init, or to a subreaper in between", () => {
  const { kernel, init } = setUp();
  const reaper = fork(kernel, init);
  const parent = fork(kernel, reaper);
  const orphan = fork(kernel, parent);
  const other = fork(kernel, parent);
  reaper.process.childSubreaper = true;
  call(parent, sys_exit_group, 0);
  assert.equal(orphan.process.parent, reaper.process);
  call(other, sys_exit_group, 0);
  assert.equal(other.process.isZombie, true);
  call(reaper, sys_exit_group, 0);
  assert.equal(orphan.process.parent, init.process);
  assert.equal(other.process.parent, init.process);
});

test("PR_SET_PDEATHSIG", () => {
  const { kernel, init } = setUp();
  const parent = fork(kernel, init);
  const child = fork(kernel, parent);
  child.parentDeathSignal = SIGUSR1;
  call(parent, sys_exit_group, 0);
  kernel.run();
  assert.equal(child.process.exitStatus, SIGUSR1);
});

test("vfork: the parent sleeps until the child lets go of the memory", () => {
  const { kernel, init } = setUp();
  assert.equal(call(init, sys_vfork), BLOCKED);
  const child = taskOf(kernel, 2);
  assert.equal(threadOf(child).process, threadOf(init).process);
  call(child, sys_exit, 0);
  kernel.run();
  assert.equal(threadOf(init).result, 2);
  assert.equal(threadOf(child).hasExited, true);
  assert.equal(threadOf(init).process.isKilled, false);
});

test("a killed parent waits for the host's clone, and the child lives on", () => {
  const { kernel, init } = setUp();
  const parent = fork(kernel, init);
  threadOf(parent).delaysClones = true;
  assert.equal(call(parent, sys_fork), BLOCKED);
  call(init, sys_kill, parent.tid, SIGKILL);
  kernel.run();
  assert.equal(parent.isDead, false);
  threadOf(parent).finishClone();
  kernel.run();
  assert.equal(parent.isDead, true);
  assert.equal(taskOf(kernel, 3).process.parent, init.process);
});

test("a stopped orphaned group gets SIGHUP and SIGCONT; a terminal stop does not stop an orphaned group", () => {
  const { kernel, init } = setUp();
  const shell = fork(kernel, init);
  call(shell, sys_setsid);
  const parent = fork(kernel, shell);
  call(parent, sys_setpgid, 0, 0);
  const job = fork(kernel, parent);
  call(job, sys_setpgid, 0, 0);
  call(init, sys_kill, job.tid, SIGTSTP);
  kernel.run();
  assert.equal(job.process.isStopped, true);
  call(parent, sys_exit_group, 0);
  kernel.run();
  assert.equal(job.process.exitStatus, SIGHUP);
  const lonely = fork(kernel, init);
  call(lonely, sys_setsid);
  call(init, sys_kill, lonely.tid, SIGTSTP);
  kernel.run();
  assert.equal(lonely.process.isStopped, false);
});

test("setpgid and setsid rules", () => {
  const { kernel, init } = setUp();
  const leader = fork(kernel, init);
  assert.equal(call(leader, sys_setsid), leader.tid);
  assert.equal(call(leader, sys_setsid), EPERM);
  assert.equal(call(leader, sys_setpgid, 0, 0), EPERM);
  const child = fork(kernel, leader);
  assert.equal(call(leader, sys_setpgid, child.tid, child.tid), 0);
  assert.equal(call(child, sys_setsid), EPERM);
  assert.equal(call(leader, sys_setpgid, child.tid, 999), EPERM);
  assert.equal(call(child, sys_setpgid, leader.tid, 0), ESRCH);
});
