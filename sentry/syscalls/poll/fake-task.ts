/** A task for unit tests: guest memory, an fd table, a clock that the test moves, and block() as task/task.ts has it. */
import { O_PATH } from "../../../syscall-tables/flags/open.ts";
import { EBADF, type Errno } from "../../abi/errno.ts";
import { FakeMemory } from "../../audit/fake-memory.ts";
import type { Kernel } from "../../kernel.ts";
import type { Timer } from "../../loop/timers.ts";
import { BLOCKED, type BlockingOp, type Waiter, WaitQueue } from "../../task/blocking.ts";
import { Credentials } from "../../task/credentials.ts";
import { PendingSignals } from "../../task/pending-signals.ts";
import type { SignalInfo } from "../../task/signal-info.ts";
import type { Task } from "../../task/task.ts";
import { UserAccounts } from "../../task/user-accounts.ts";
import { FdTable } from "../../vfs/fd-table.ts";
import type { OpenFile } from "../../vfs/open-file.ts";

export class FakeKernel {
  readonly pids = { users: new UserAccounts() };
  nowNs = 1e9;
  readonly scheduled = new Set<FakeTask>();
  readonly armed = new Set<Timer>();
  #device = 0;

  vfs: { allocateDevice(): number } = { allocateDevice: () => ++this.#device };
  readonly timers = { arm: (timer: Timer) => this.armed.add(timer), cancel: (timer: Timer) => this.armed.delete(timer) };
  readonly clock = {
    bootOffsetNs: 0,
    monotonicNs: () => this.nowNs,
    realtimeNs: () => 1.7e18 + this.nowNs,
    stamp: (time: { sec: number; nsec: number }) => {
      time.sec = 1;
    },
  };

  schedule(task: FakeTask): void {
    this.scheduled.add(task);
  }

  /** The loop: fires timers and steps tasks until nothing moves. */
  run(untilNs = this.nowNs): void {
    for (;;) {
      let next: Timer | null = null;
      for (const timer of this.armed)
        if (timer.deadlineNs <= untilNs && (next === null || timer.deadlineNs < next.deadlineNs)) next = timer;
      if (this.scheduled.size === 0 && next === null) break;
      if (next !== null && this.scheduled.size === 0) {
        this.nowNs = Math.max(this.nowNs, next.deadlineNs);
        this.armed.delete(next);
        next.fire();
      }
      for (const task of [...this.scheduled]) {
        this.scheduled.delete(task);
        task.step();
      }
    }
    this.nowNs = Math.max(this.nowNs, untilNs);
  }
}

export class FakeTask implements Waiter {
  readonly mm = { hasSecrets: false };
  readonly kernel: FakeKernel;
  readonly memory = new FakeMemory();
  readonly files: FdTable;
  fs: object = { umask: 0o022 };
  creds = Credentials.create(0, 0);
  /** Signals sent to it, by number. */
  readonly received: number[] = [];
  readonly signals: { pending: PendingSignals; waitQueue: WaitQueue; pendingLo: number; pendingHi: number };
  readonly process: object;
  op: BlockingOp | null = null;
  /** The result of a call that had blocked. */
  result = BLOCKED;
  isInterrupted = false;
  restartBlock: { restart(task: Task): number } | null = null;
  #queues: WaitQueue[] = [];
  #timer: Timer | null = null;

  constructor(kernel = new FakeKernel()) {
    this.kernel = kernel;
    this.files = new FdTable({ get: () => ({ soft: 1024 }) });
    const pending = new PendingSignals();
    this.signals = {
      pending,
      waitQueue: new WaitQueue(),
      get pendingLo() {
        return pending.lo;
      },
      get pendingHi() {
        return pending.hi;
      },
    };
    this.process = { pid: 1, pending: new PendingSignals(), limits: { get: () => ({ soft: 819_200, hard: 819_200 }) } };
  }

  get asTask(): Task {
    return this as unknown as Task;
  }

  get asKernel(): Kernel {
    return this.kernel as unknown as Kernel;
  }

  raise(info: SignalInfo): void {
    this.signals.pending.add(info, null);
    this.signals.waitQueue.notify();
  }

  file(fd: number): OpenFile | Errno {
    const file = this.files.get(fd);
    return file === null || (file.flags & O_PATH) !== 0 ? EBADF : file;
  }

  waitOn(queue: WaitQueue): void {
    queue.add(this);
    this.#queues.push(queue);
  }

  wake(): void {
    if (this.op !== null) this.kernel.schedule(this);
  }

  block(op: BlockingOp): number {
    this.op = op;
    this.result = BLOCKED;
    op.subscribe(this.asTask);
    const result = this.step();
    if (result === BLOCKED && op.deadlineNs !== Number.POSITIVE_INFINITY) {
      this.#timer = { deadlineNs: op.deadlineNs, fire: () => this.kernel.schedule(this) };
      this.kernel.timers.arm(this.#timer);
    }
    return result;
  }

  step(): number {
    const { op } = this;
    if (op === null) return BLOCKED;
    let result = op.step(this.asTask);
    if (result === BLOCKED && this.isInterrupted) result = op.interrupted(this.asTask);
    if (result === BLOCKED && this.kernel.nowNs >= op.deadlineNs) result = op.timedOut(this.asTask);
    if (result === BLOCKED) return result;
    this.op = null;
    this.result = result;
    for (const queue of this.#queues) queue.remove(this);
    this.#queues = [];
    if (this.#timer !== null) this.kernel.timers.cancel(this.#timer);
    return result;
  }
}
