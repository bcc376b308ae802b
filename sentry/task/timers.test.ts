import assert from "node:assert/strict";
import { test } from "node:test";
import { RLIMIT_CPU } from "../../syscall-tables/flags/process.ts";
import { SA_RESTORER, SIGALRM, SIGKILL, SIGUSR1, SIGXCPU } from "../../syscall-tables/flags/signal.ts";
import { EINTR, EINVAL, ERESTART_RESTARTBLOCK } from "../abi/errno.ts";

import { sigBitHi, sigBitLo } from "../abi/signal.ts";
import { R_RAX, R_RSP } from "../platform/registers.ts";
import { sys_restart_syscall } from "../syscalls/signal/restart_syscall.ts";
import { sys_rt_sigtimedwait } from "../syscalls/signal/rt_sigtimedwait.ts";
import { sys_alarm, sys_getitimer, sys_setitimer } from "../syscalls/time/itimer.ts";
import { sys_nanosleep } from "../syscalls/time/nanosleep.ts";
import { sys_timer_create, sys_timer_getoverrun, sys_timer_gettime, sys_timer_settime } from "../syscalls/time/timer.ts";
import { BLOCKED } from "./blocking.ts";
import { call, FakeKernel, memoryOf, threadOf } from "./fake-guest.ts";
import { watchCpuLimit } from "./interval-timers.ts";
import { handleInterrupt } from "./run.ts";
import { DEFAULT_ACTION } from "./signal-actions.ts";
import { kernelSignal, sendSignalToProcess } from "./signals.ts";
import type { Task } from "./task.ts";

const setUp = (): { kernel: FakeKernel; task: Task } => {
  const kernel = new FakeKernel();
  kernel.interrupt = handleInterrupt;
  const task = kernel.start();
  threadOf(task).regs.set(R_RSP, 0x18000);
  return { kernel, task };
};

const SECOND = 1e9;

test("nanosleep tells what is left and goes on with restart_syscall", () => {
  const { kernel, task } = setUp();
  const memory = memoryOf(task);
  const request = memory.putLongs(10, 0);
  const remaining = memory.putLongs(0, 0);
  task.process.actions.set(SIGUSR1, { ...DEFAULT_ACTION, handlerAddr: 0x4000, flags: SA_RESTORER });
  assert.equal(call(task, sys_nanosleep, request, remaining), BLOCKED);
  const startNs = kernel.nowNs;
  kernel.run(startNs + 4 * SECOND);
  sendSignalToProcess(task.process, kernelSignal(SIGUSR1));
  kernel.run();
  assert.equal(threadOf(task).regs.getLo(R_RAX), EINTR >>> 0);
  assert.equal(memory.loadU64(remaining), 6);
  assert.equal(call(task, sys_restart_syscall), BLOCKED);
  kernel.run(startNs + 9 * SECOND);
  assert.notEqual(task.op, null);
  kernel.run(startNs + 11 * SECOND);
  assert.equal(threadOf(task).result, 0);
  assert.notEqual(threadOf(task).result, ERESTART_RESTARTBLOCK);
  assert.equal(call(task, sys_nanosleep, memory.putLongs(0, SECOND), 0), EINVAL);
});

test("ITIMER_REAL repeats without drift and alarm shows rounded seconds", () => {
  const { kernel, task } = setUp();
  const memory = memoryOf(task);
  task.signals.setMask(sigBitLo(SIGALRM), 0);
  const startNs = kernel.nowNs;
  assert.equal(call(task, sys_setitimer, 0, memory.putLongs(1, 0, 1, 0), 0), 0);
  const set = memory.put(new Uint8Array(new Uint32Array([sigBitLo(SIGALRM), 0]).buffer));
  for (let i = 1; i <= 3; i++) {
    assert.equal(call(task, sys_rt_sigtimedwait, set, 0, 0, 8), BLOCKED);
    kernel.run(startNs + i * SECOND);
    assert.equal(threadOf(task).result, SIGALRM);
  }
  const old = memory.put(new Uint8Array(32));
  assert.equal(call(task, sys_getitimer, 0, old), 0);
  assert.equal(memory.loadU64(old + 16), 1);
  assert.equal(call(task, sys_alarm, 5), 1);
  assert.equal(call(task, sys_alarm, 0), 5);
});

test("timer_create counts overruns and goes on when its signal is taken", () => {
  const { kernel, task } = setUp();
  const memory = memoryOf(task);
  task.signals.setMask(0, sigBitHi(40));
  const event = new Uint8Array(64);
  const eventView = new DataView(event.buffer);
  eventView.setUint32(0, 99, true);
  eventView.setInt32(8, 40, true);
  const idAddr = memory.putWords(77);
  assert.equal(call(task, sys_timer_create, 1, memory.put(event), idAddr), 0);
  const id = memory.loadU32(idAddr);
  const startNs = kernel.nowNs;
  assert.equal(call(task, sys_timer_settime, id, 0, memory.putLongs(1, 0, 1, 0), 0), 0);
  kernel.run(startNs + 3.5 * SECOND);
  const set = memory.put(new Uint8Array(new Uint32Array([0, sigBitHi(40)]).buffer));
  const info = memory.put(new Uint8Array(128));
  assert.equal(call(task, sys_rt_sigtimedwait, set, info, 0, 8), 40);
  assert.deepEqual([memory.loadU32(info + 16), memory.loadU32(info + 20), memory.loadU32(info + 24)], [id, 2, 99]);
  assert.equal(call(task, sys_timer_getoverrun, id), 2);
  const setting = memory.put(new Uint8Array(32));
  assert.equal(call(task, sys_timer_gettime, id, setting), 0);
  assert.deepEqual([memory.loadU64(setting + 16), memory.loadU64(setting + 24)], [0, 0.5 * SECOND]);
  kernel.run(startNs + 4 * SECOND);
  assert.equal(call(task, sys_timer_settime, id, 0, memory.putLongs(0, 0, 0, 0), 0), 0);
  assert.equal(task.process.pending.has(40), false);
});

test("RLIMIT_CPU sends SIGXCPU each second and SIGKILL at the hard limit", () => {
  const { kernel, task } = setUp();
  task.process.actions.set(SIGXCPU, { ...DEFAULT_ACTION, handlerAddr: 0x4000, flags: SA_RESTORER });
  task.process.limits.set(RLIMIT_CPU, { soft: 1, hard: 3 });
  watchCpuLimit(task.process);
  for (let i = 0; i < 20; i++) {
    threadOf(task).cpuNs += 0.1 * SECOND;
    kernel.run(kernel.nowNs + SECOND);
  }
  assert.equal(threadOf(task).frames.length, 1);
  assert.equal(task.process.limits.get(RLIMIT_CPU).soft, 3);
  for (let i = 0; i < 20; i++) {
    threadOf(task).cpuNs += 0.1 * SECOND;
    kernel.run(kernel.nowNs + SECOND);
  }
  assert.equal(task.process.exitStatus, SIGKILL);
});
