import assert from "node:assert/strict";
import { test } from "node:test";
import { CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM, RLIMIT_SIGPENDING } from "../../syscall-tables/flags/process.ts";
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_RESTORER,
  SIG_DFL,
  SIG_IGN,
  SIGCHLD,
  SIGINT,
  SIGSEGV,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
} from "../../syscall-tables/flags/signal.ts";
import { EAGAIN, EFAULT, EINTR, EPERM, ERESTARTSYS } from "../abi/errno.ts";

import { sigBitHi, sigBitLo } from "../abi/signal.ts";
import { R_RAX, R_RIP, R_RSP } from "../platform/registers.ts";
import { sys_clone, sys_fork } from "../syscalls/process/clone.ts";
import { sys_wait4 } from "../syscalls/process/wait4.ts";
import { sys_kill, sys_tgkill } from "../syscalls/signal/kill.ts";
import { sys_rt_sigaction } from "../syscalls/signal/rt_sigaction.ts";
import { sys_rt_sigprocmask } from "../syscalls/signal/rt_sigprocmask.ts";
import { sys_rt_sigreturn } from "../syscalls/signal/rt_sigreturn.ts";
import { sys_rt_sigsuspend } from "../syscalls/signal/rt_sigsuspend.ts";
import { sys_rt_sigtimedwait } from "../syscalls/signal/rt_sigtimedwait.ts";
import { sys_sigaltstack } from "../syscalls/signal/sigaltstack.ts";
import { BLOCKED } from "./blocking.ts";
import { Credentials } from "./credentials.ts";
import { call, FakeKernel, memoryOf, threadOf } from "./fake-guest.ts";
import { handleFault, handleInterrupt } from "./run.ts";
import { DEFAULT_ACTION, type SignalAction } from "./signal-actions.ts";
import { kernelSignal, packSignalInfo, sendSignalToProcess } from "./signals.ts";
import type { Task } from "./task.ts";

const HANDLER = 0x4000;
const RIP = 0x5000;
const THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

const setUp = (): { kernel: FakeKernel; init: Task; task: Task } => {
  const kernel = new FakeKernel();
  kernel.interrupt = handleInterrupt;
  const init = kernel.start();
  call(init, sys_fork);
  const task = kernel.pids.task(2) as Task;
  threadOf(task).regs.set(R_RSP, 0x18000);
  threadOf(task).regs.set(R_RIP, RIP);
  return { kernel, init, task };
};

const handle = (task: Task, signal: number, action: Partial<SignalAction> = {}): void => {
  const flags = (SA_RESTORER | (action.flags ?? 0)) >>> 0;
  task.process.actions.set(signal, { ...DEFAULT_ACTION, handlerAddr: HANDLER, ...action, flags });
};

const frames = (task: Task): number[] => threadOf(task).frames.map((frame) => frame.signal);

test("a signal interrupts guest code and its handler's mask holds until sigreturn", () => {
  const { kernel, init, task } = setUp();
  handle(task, SIGUSR1, { maskLo: sigBitLo(SIGUSR2) });
  call(init, sys_kill, task.tid, SIGUSR1);
  kernel.run();
  assert.deepEqual(frames(task), [SIGUSR1]);
  assert.equal(task.signals.maskLo, (sigBitLo(SIGUSR1) | sigBitLo(SIGUSR2)) >>> 0);
  call(init, sys_kill, task.tid, SIGUSR1);
  call(init, sys_kill, task.tid, SIGUSR1);
  kernel.run();
  assert.deepEqual(frames(task), [SIGUSR1]);
  assert.equal(call(task, sys_rt_sigreturn), BLOCKED);
  // The one that was pending comes at once; two of a standard signal are one.
  assert.deepEqual(frames(task), [SIGUSR1]);
  call(task, sys_rt_sigreturn);
  assert.deepEqual(frames(task), []);
  assert.equal(task.signals.maskLo, 0);
});

test("SA_NODEFER and SA_RESETHAND", () => {
  const { kernel, init, task } = setUp();
  handle(task, SIGUSR1, { flags: SA_NODEFER | SA_RESETHAND });
  call(init, sys_kill, task.tid, SIGUSR1);
  kernel.run();
  assert.equal(task.signals.maskLo, 0);
  assert.equal(task.process.actions.get(SIGUSR1).handlerAddr, SIG_DFL);
});

test("a sleeping call restarts after SA_RESTART and is EINTR without", () => {
  for (const flags of [SA_RESTART, 0]) {
    const { kernel, init, task } = setUp();
    call(task, sys_fork);
    handle(task, SIGUSR1, { flags });
    assert.equal(call(task, sys_wait4, -1, 0, 0, 0), BLOCKED);
    call(init, sys_kill, task.tid, SIGUSR1);
    kernel.run();
    const { regs } = threadOf(task);
    assert.deepEqual(frames(task), [SIGUSR1]);
    assert.equal(regs.get(R_RIP), flags === 0 ? RIP : RIP - 2);
    assert.equal(regs.getLo(R_RAX), flags === 0 ? EINTR >>> 0 : 1000);
    assert.notEqual(threadOf(task).result, ERESTARTSYS);
  }
});

test("an ignored signal does not wake; SIGCHLD by default neither", () => {
  const { kernel, init, task } = setUp();
  call(task, sys_fork);
  task.process.actions.set(SIGUSR1, { ...DEFAULT_ACTION, handlerAddr: SIG_IGN });
  assert.equal(call(task, sys_wait4, -1, 0, 0, 0), BLOCKED);
  call(init, sys_kill, task.tid, SIGUSR1);
  call(init, sys_kill, task.tid, SIGCHLD);
  kernel.run();
  assert.notEqual(task.op, null);
});

test("a blocked ignored signal stays pending until the disposition is asked again", () => {
  const { kernel, init, task } = setUp();
  task.signals.setMask(sigBitLo(SIGUSR1), 0);
  task.process.actions.set(SIGUSR1, { ...DEFAULT_ACTION, handlerAddr: SIG_IGN });
  call(init, sys_kill, task.tid, SIGUSR1);
  assert.equal(task.process.pending.has(SIGUSR1), true);
  const addr = memoryOf(task).putLongs(SIG_IGN, 0, 0, 0);
  assert.equal(call(task, sys_rt_sigaction, SIGUSR1, addr, 0, 8), 0);
  assert.equal(task.process.pending.has(SIGUSR1), false);
  kernel.run();
});

test("rt_sigsuspend waits under its mask and restores the old one with the handler's frame", () => {
  const { kernel, init, task } = setUp();
  handle(task, SIGUSR1);
  task.signals.setMask(sigBitLo(SIGUSR1), 0);
  call(init, sys_kill, task.tid, SIGUSR1);
  kernel.run();
  assert.deepEqual(frames(task), []);
  call(task, sys_rt_sigsuspend, memoryOf(task).putLongs(0), 8);
  assert.deepEqual(frames(task), [SIGUSR1]);
  assert.equal(threadOf(task).frames[0].maskLo, sigBitLo(SIGUSR1));
  assert.equal(threadOf(task).regs.getLo(R_RAX), EINTR >>> 0);
  call(task, sys_rt_sigreturn);
  assert.equal(task.signals.maskLo, sigBitLo(SIGUSR1));
});

test("real-time signals queue in order with their values, up to RLIMIT_SIGPENDING", () => {
  const { task } = setUp();
  task.signals.setMask(0, sigBitHi(34));
  task.process.limits.set(RLIMIT_SIGPENDING, { soft: 2, hard: 2 });
  const info = (value: number) => ({ signal: 34, code: -1, pid: 1, uid: 0, value });
  assert.equal(sendSignalToProcess(task.process, info(1)), 0);
  assert.equal(sendSignalToProcess(task.process, info(2)), 0);
  assert.equal(sendSignalToProcess(task.process, info(3)), EAGAIN);
  const setAddr = memoryOf(task).put(new Uint8Array(new Uint32Array([0, sigBitHi(34)]).buffer));
  const infoAddr = memoryOf(task).put(new Uint8Array(128));
  for (const value of [1, 2]) {
    assert.equal(call(task, sys_rt_sigtimedwait, setAddr, infoAddr, 0, 8), 34);
    assert.equal(memoryOf(task).loadU32(infoAddr + 24), value);
  }
  const zero = memoryOf(task).putLongs(0, 0);
  assert.equal(call(task, sys_rt_sigtimedwait, setAddr, 0, zero, 8), EAGAIN);
});

test("rt_sigtimedwait takes a blocked signal, times out, and is EINTR for others", () => {
  const { kernel, init, task } = setUp();
  task.signals.setMask(sigBitLo(SIGTERM), 0);
  const setAddr = memoryOf(task).put(new Uint8Array(new Uint32Array([sigBitLo(SIGTERM), 0]).buffer));
  const timeoutAddr = memoryOf(task).putLongs(5, 0);
  assert.equal(call(task, sys_rt_sigtimedwait, setAddr, 0, timeoutAddr, 8), BLOCKED);
  call(init, sys_kill, task.tid, SIGTERM);
  kernel.run();
  assert.equal(threadOf(task).result, SIGTERM);
  assert.equal(call(task, sys_rt_sigtimedwait, setAddr, 0, timeoutAddr, 8), BLOCKED);
  kernel.run(kernel.nowNs + 6e9);
  assert.equal(threadOf(task).result, EAGAIN);
  handle(task, SIGUSR1);
  assert.equal(call(task, sys_rt_sigtimedwait, setAddr, 0, timeoutAddr, 8), BLOCKED);
  call(init, sys_kill, task.tid, SIGUSR1);
  kernel.run();
  assert.equal(threadOf(task).regs.getLo(R_RAX), EINTR >>> 0);
});

test("a signal to a process goes to a thread that does not block it", () => {
  const { kernel, init, task } = setUp();
  handle(task, SIGUSR1);
  const sibling = kernel.pids.task(call(task, sys_clone, THREAD_FLAGS, 0, 0, 0, 0)) as Task;
  threadOf(sibling).regs.set(R_RSP, 0x19000);
  task.signals.setMask(sigBitLo(SIGUSR1), 0);
  call(init, sys_kill, task.tid, SIGUSR1);
  kernel.run();
  assert.deepEqual([frames(task), frames(sibling)], [[], [SIGUSR1]]);
  call(init, sys_tgkill, task.tid, task.tid, SIGUSR1);
  kernel.run();
  assert.deepEqual(frames(task), []);
  const setAddr = memoryOf(task).putLongs(0);
  assert.equal(call(task, sys_rt_sigprocmask, 2, setAddr, 0, 8), 0);
  assert.deepEqual(frames(task), [SIGUSR1]);
});

test("a fault that is blocked or ignored kills", () => {
  const { kernel, task } = setUp();
  task.process.actions.set(SIGSEGV, { ...DEFAULT_ACTION, handlerAddr: SIG_IGN });
  handleFault(task, { kind: "fault", signal: SIGSEGV, code: 1, addr: 0, trapNumber: 14, error: 4 });
  kernel.run();
  assert.equal(task.process.exitStatus, SIGSEGV);
});

test("a frame that cannot be written ends in SIGSEGV", () => {
  const { kernel, init, task } = setUp();
  handle(task, SIGUSR1);
  threadOf(task).frameError = EFAULT;
  call(init, sys_kill, task.tid, SIGUSR1);
  kernel.run();
  assert.equal(task.process.exitStatus, SIGSEGV);
});

test("SA_ONSTACK uses the alternate stack, which then cannot be changed", () => {
  const { kernel, init, task } = setUp();
  handle(task, SIGUSR1, { flags: SA_ONSTACK });
  const stack = new Uint8Array(24);
  new DataView(stack.buffer).setUint32(0, 0x20000, true);
  new DataView(stack.buffer).setUint32(16, 0x4000, true);
  const stackAddr = memoryOf(task).put(stack);
  assert.equal(call(task, sys_sigaltstack, stackAddr, 0), 0);
  call(init, sys_kill, task.tid, SIGUSR1);
  kernel.run();
  assert.equal(threadOf(task).frames[0].stackTopAddr, 0x24000);
  threadOf(task).regs.set(R_RSP, 0x23000);
  assert.equal(call(task, sys_sigaltstack, stackAddr, 0), EPERM);
});

test("kill asks permission", () => {
  const { init, task } = setUp();
  task.creds = Credentials.create(1000, 1000);
  assert.equal(call(task, sys_kill, init.tid, SIGINT), EPERM);
  assert.equal(call(init, sys_kill, task.tid, 0), 0);
});

test("init without a handler survives what others send", () => {
  const { kernel, init, task } = setUp();
  init.process.isUnkillable = true;
  assert.equal(call(task, sys_kill, 1, SIGTERM), 0);
  kernel.run();
  assert.equal(init.process.isExiting, false);
});

test("siginfo of kill", () => {
  const view = new DataView(packSignalInfo({ signal: SIGUSR1, code: 0, pid: 7, uid: 1000 }).buffer);
  assert.deepEqual(
    [view.getInt32(0, true), view.getInt32(8, true), view.getInt32(16, true), view.getUint32(20, true)],
    [SIGUSR1, 0, 7, 1000],
  );
  assert.equal(kernelSignal(SIGINT).code, 0x80);
});
