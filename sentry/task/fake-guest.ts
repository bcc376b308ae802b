/** A kernel with fake guest threads, for unit tests of tasks: what the loop and the platform do, without a host. */

import { type Errno, isErrno } from "../abi/errno.ts";
import { FakeMemory } from "../audit/fake-memory.ts";
import type { Kernel } from "../kernel.ts";
import { TimerWheel } from "../loop/timers.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import type { CloneRequest, GuestProcess, GuestThread, HostOps, Registers, SignalContext, SignalFrame } from "../platform/platform.ts";
import type { Implementation } from "../syscalls/implement.ts";
import { FdTable } from "../vfs/fd-table.ts";
import type { FsContext } from "../vfs/fs-context.ts";
import { BLOCKED, WaitQueue } from "./blocking.ts";
import { Credentials } from "./credentials.ts";
import { createFirstTask } from "./first-process.ts";
import { PidNamespace } from "./pid-namespace.ts";
import { finishSyscall, stepOp } from "./run.ts";
import type { Task } from "./task.ts";

export class FakeHostProcess implements GuestProcess {
  readonly hostPid = 1;
  readonly memory: FakeMemory;
  isKilled = false;

  constructor(memory = new FakeMemory()) {
    this.memory = memory;
  }

  kill(): void {
    this.isKilled = true;
  }
}

class FakeRegisters implements Registers {
  readonly #lo = new Uint32Array(18);
  readonly #hi = new Uint32Array(18);
  fsBase = 0;
  gsBase = 0;
  syscallNumber = 0;

  get(index: number): number {
    return this.#lo[index] + this.#hi[index] * 2 ** 32;
  }
  set(index: number, value: number): void {
    this.setHalves(index, value >>> 0, Math.floor(value / 2 ** 32) >>> 0);
  }
  getLo(index: number): number {
    return this.#lo[index];
  }
  getHi(index: number): number {
    return this.#hi[index];
  }
  setHalves(index: number, lo: number, hi: number): void {
    this.#lo[index] = lo;
    this.#hi[index] = hi;
  }
}

/** What a thread was last told to do. */
export class FakeThread implements GuestThread {
  readonly process: FakeHostProcess;
  readonly kernel: FakeKernel;
  task: Task | null = null;
  readonly regs = new FakeRegisters();
  readonly ops = {} as HostOps;
  /** Runs guest code after `resume`. */
  isRunning = false;
  /** The last result given to the guest. */
  result = Number.NaN;
  resumes = 0;
  interrupts = 0;
  hasExited = false;
  readonly frames: SignalFrame[] = [];
  /** Makes the next frame fail as a bad stack does. */
  frameError: 0 | Errno = 0;
  /** The host clone under way, to be finished by the test; null when clones are made at once. */
  delaysClones = false;
  pendingClone: { result: GuestThread | Errno | null; queue: WaitQueue } | null = null;
  cpuNs = 0;

  constructor(kernel: FakeKernel, process: FakeHostProcess) {
    this.kernel = kernel;
    this.process = process;
  }

  get memory(): FakeMemory {
    return this.process.memory;
  }

  resume(result: number): void {
    this.result = result;
    this.resumes++;
    this.isRunning = true;
  }

  interrupt(): void {
    this.interrupts++;
    this.kernel.interrupted.add(this);
  }

  settle(done: (failed: number | null) => void): void {
    done(null);
  }

  poke(addr: number, bytes: Uint8Array, _prot: number, done: (result: number) => void): void {
    done(this.memory.copyOut(addr, bytes));
  }

  readFpu(done: (state: Uint8Array | Errno) => void): void {
    done(new Uint8Array(576));
  }

  writeFpu(_state: Uint8Array, done: (result: number) => void): void {
    done(0);
  }

  cpuTimeNs(): number {
    return this.cpuNs;
  }

  exitThread(): void {
    this.hasExited = true;
    this.isRunning = false;
  }

  #clone(process: FakeHostProcess): CloneRequest {
    const request: { result: GuestThread | Errno | null; queue: WaitQueue } = { result: null, queue: new WaitQueue() };
    if (this.delaysClones) this.pendingClone = request;
    else request.result = new FakeThread(this.kernel, process);
    return request;
  }

  /** Ends a delayed clone. */
  finishClone(): void {
    if (this.pendingClone === null) return;
    this.pendingClone.result = new FakeThread(this.kernel, new FakeHostProcess());
    this.pendingClone.queue.notify();
    this.pendingClone = null;
  }

  forkProcess(): CloneRequest {
    return this.#clone(new FakeHostProcess());
  }

  cloneThread(): CloneRequest {
    return this.#clone(this.process);
  }

  pushSignalFrame(frame: SignalFrame): 0 | Errno {
    if (this.frameError !== 0) return this.frameError;
    this.frames.push(frame);
    return 0;
  }

  popSignalFrame(): SignalContext | Errno {
    const frame = this.frames.pop();
    if (frame === undefined) throw new Error("no signal frame");
    return frame;
  }
}

class FakeAddressSpace {
  users = 1;
  peakPages = 0;

  takeUser(): this {
    this.users++;
    return this;
  }
  putUser(): void {
    this.users--;
  }
  fork(): FakeAddressSpace {
    return new FakeAddressSpace();
  }
  growStack(): boolean {
    return false;
  }
  futexKey(): null {
    return null;
  }
}

const fakeFs = { take: () => fakeFs, put: () => {}, fork: () => fakeFs, references: 1 };

export class FakeKernel {
  nowNs = 1e9;
  readonly timers = new TimerWheel();
  readonly pids = new PidNamespace();
  readonly platform = { fpuStateSize: 512 };
  readonly interrupted = new Set<FakeThread>();
  readonly #ready = new Set<Task>();
  hostname = "moat";
  domainname = "(none)";
  readonly clock = {
    bootOffsetNs: 0,
    sec: 0,
    nsec: 0,
    monotonicNs: () => this.nowNs,
    realtimeNs: () => 1.7e18 + this.nowNs,
    readRealtime: () => {},
    stamp: () => {},
  };

  get asKernel(): Kernel {
    return this as unknown as Kernel;
  }

  schedule(task: Task): void {
    this.#ready.add(task);
  }

  random(): void {}

  /** A process with one thread that runs guest code; the first one is init. */
  start(creds = Credentials.create(0, 0)): Task {
    const task = createFirstTask(this.asKernel, {
      thread: new FakeThread(this, new FakeHostProcess()),
      mm: new FakeAddressSpace() as unknown as AddressSpace,
      fs: fakeFs as unknown as FsContext,
      creds,
      name: "test",
      files: (limits) => new FdTable(limits),
    });
    if (isErrno(task)) throw new Error(`no first task: ${task}`);
    finishSyscall(task, 0);
    return task;
  }

  /** Runs woken tasks, interrupts and due timers until all is quiet. */
  run(untilNs = this.nowNs): void {
    for (;;) {
      if (this.#ready.size > 0) {
        for (const task of [...this.#ready]) {
          this.#ready.delete(task);
          stepOp(task);
        }
      } else if (this.interrupted.size > 0) {
        for (const thread of [...this.interrupted]) {
          this.interrupted.delete(thread);
          if (thread.task === null || !thread.isRunning || thread.task.isDead) continue;
          thread.isRunning = false;
          this.interrupt(thread.task);
        }
      } else if (this.timers.nextNs <= untilNs) {
        this.nowNs = Math.max(this.nowNs, this.timers.nextNs);
        this.timers.run(this.nowNs);
      } else break;
    }
    this.nowNs = Math.max(this.nowNs, untilNs);
  }

  interrupt: (task: Task) => void = () => {};
}

export const threadOf = (task: Task): FakeThread => task.thread as FakeThread;
export const memoryOf = (task: Task): FakeMemory => threadOf(task).process.memory;

/** The guest makes a system call: the handler runs and, unless it sleeps, its result goes back. Returns what the handler did. */
export const call = (task: Task, implementation: Implementation, ...args: (number | string)[]): number => {
  const thread = threadOf(task);
  thread.isRunning = false;
  thread.regs.syscallNumber = 1000;
  const result = implementation.handler(task, ...(args as never[]));
  if (result !== BLOCKED) finishSyscall(task, result);
  return result;
};
