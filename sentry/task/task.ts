/**
 * A task: one guest thread with what clone(2) may share or not. The process-wide state is
 * in Process (thread group).
 */
import { O_PATH } from "../../syscall-tables/flags/open.ts";
import { EBADF, type Errno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { TaskKeys } from "../keys/task-keys.ts";
import type { Timer } from "../loop/timers.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import type { UserAddr, UserMemory } from "../mm/user-memory.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { DebugRegisters } from "../ptrace/debug-registers.ts";
import type { Trace, TraceRelease } from "../ptrace/trace.ts";
import type { FdTable } from "../vfs/fd-table.ts";
import type { FsContext } from "../vfs/fs-context.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { BLOCKED, type BlockingOp, type Waiter, type WaitQueue } from "./blocking.ts";
import { type CgroupNamespace, firstCgroupNamespace } from "./cgroup-namespace.ts";
import type { Credentials } from "./credentials.ts";
import { leaveHostProcess } from "./host-threads.ts";
import type { Pid, PidNamespace } from "./pid-namespace.ts";
import type { Process } from "./process.ts";
import { Scheduling } from "./scheduling.ts";
import type { SeccompFilters } from "./seccomp.ts";
import { TaskSignals } from "./task-signals.ts";
import { releaseAddressSpace } from "./thread-end.ts";
import { firstTimeNamespace, type TimeNamespace } from "./time-namespace.ts";
import { Usage } from "./usage.ts";
import type { UserDispatch } from "./user-dispatch.ts";
import type { UtsNamespace } from "./uts-namespace.ts";

/** A sleeping call that is taken up again by restart_syscall(2) instead of its own arguments. */
export interface RestartBlock {
  restart(task: Task): number;
}

export interface TaskOptions {
  readonly kernel: Kernel;
  readonly pid: Pid;
  readonly process: Process;
  readonly thread: GuestThread;
  readonly mm: AddressSpace;
  readonly files: FdTable;
  readonly fs: FsContext;
  readonly uts: UtsNamespace;
  readonly creds: Credentials;
  readonly name: string;
}

/** Why a task that is kept from guest code stopped, which says how it goes on. */
export type ParkCause = "syscall" | "user";

/** Who calls for a task from outside its own calls (io_uring): what sleeps then sleeps there. */
export interface CallBorrower {
  adopt(op: BlockingOp): number;
  waitOn(queue: WaitQueue): void;
}

/** As io_uring's rings are seen from here. */
interface Ring {
  readonly submitters: Set<Task>;
  cancelAll(task: Task): void;
}

export class Task implements Waiter {
  readonly kernel: Kernel;
  /** Changes hands when a thread that is not the leader calls execve(2). */
  pid: Pid;
  process: Process;
  thread: GuestThread;
  mm: AddressSpace;
  files: FdTable;
  fs: FsContext;
  uts: UtsNamespace;
  creds: Credentials;
  /** comm, at most 15 bytes (latin1). */
  name: string;
  readonly signals: TaskSignals;
  /** The sleeping call, null while it runs. */
  op: BlockingOp | null = null;
  restartBlock: RestartBlock | null = null;
  /** Set while somebody else makes a call for this task. */
  borrower: CallBorrower | null = null;
  /** Rings that it has submitted requests to; null: none. */
  rings: Set<Ring> | null = null;

  /** The pid namespace of children to come (unshare and setns with CLONE_NEWPID). */
  childPidNamespace: PidNamespace;
  cgroupNamespace: CgroupNamespace = firstCgroupNamespace;
  timeNamespace: TimeNamespace = firstTimeNamespace;
  /** Of children, and of this task from its next execve(2) on (unshare with CLONE_NEWTIME). */
  childTimeNamespace: TimeNamespace = firstTimeNamespace;
  noNewPrivileges = false;
  seccomp: SeccompFilters | null = null;
  /** PR_SET_SYSCALL_USER_DISPATCH. */
  userDispatch: UserDispatch | null = null;
  /** Its keyrings (keyrings(7)); null: it has asked for none. */
  keys: TaskKeys | null = null;
  /** PR_SET_PDEATHSIG. */
  parentDeathSignal = 0;
  /** set_tid_address(2), CLONE_CHILD_CLEARTID. */
  clearChildTidAddr: UserAddr = 0;
  robustListAddr: UserAddr = 0;
  /** personality(2). */
  personality = 0;
  timerSlackNs = 50_000;
  defaultTimerSlackNs = 50_000;
  readonly scheduling = new Scheduling();
  /** The vfork(2) or clone(CLONE_VFORK) of the parent that waits until this task lets go of the address space. */
  vforkDone: WaitQueue | null = null;

  /** Must exit as soon as possible: exit(2), exit_group(2), a fatal signal, or a sibling's exec. */
  isKilled = false;
  /** The wait status of this thread, once `isKilled` by its own exit(2). */
  exitStatus: number | null = null;
  /** Has exited; its host thread is gone. */
  isDead = false;
  /** Must stop with its process before it continues (JOBCTL_STOP_PENDING). */
  isStopPending = false;
  /** Stopped by job control; `parkedResult` is what its call will return. */
  isParked = false;
  parkedResult = 0;
  parkedCause: ParkCause = "user";

  /** Set while another task traces this one. */
  trace: Trace | null = null;
  /** The tasks that this one traces. */
  tracees: Set<Task> | null = null;
  /** Let go by its tracer, and not yet on its way. */
  release: TraceRelease | null = null;
  /** A tracer, not the program, has set the trap flag (TIF_FORCED_TF). */
  hasForcedStep = false;
  /** What a tracer has put into the debug registers. */
  debugRegisters: DebugRegisters | null = null;

  readonly startNs: number;
  /** What is counted for this thread; CPU time is asked of the host while it lives. */
  readonly usage = new Usage();
  /** CPU time of host threads that this task had before execve(2). */
  earlierCpuNs = 0;
  /** The system time in it. */
  earlierSystemNs = 0;
  /** How much of its system time `usage` has taken in. */
  countedSystemNs = 0;
  /** CPU time for which no signal of a CPU timer was due yet is what exceeds this (consumerOf). */
  sampledCpuNs = 0;

  readonly #queues: WaitQueue[] = [];
  #deadlineTimer: Timer | null = null;
  /** What the timer is armed for; NaN: it has fired. */
  #armedNs = Number.NaN;

  constructor(options: TaskOptions) {
    this.kernel = options.kernel;
    this.pid = options.pid;
    this.process = options.process;
    this.thread = options.thread;
    this.mm = options.mm;
    this.files = options.files;
    this.fs = options.fs;
    this.uts = options.uts;
    this.creds = options.creds;
    this.name = options.name;
    this.childPidNamespace = options.pid.namespace;
    this.startNs = options.kernel.clock.monotonicNs();
    this.signals = new TaskSignals(this);
    options.pid.task = this;
    options.thread.task = this;
  }

  /** Thread id in the root pid namespace. */
  get tid(): number {
    return this.pid.root;
  }

  get pidNamespace(): PidNamespace {
    return this.pid.namespace;
  }

  /** Guest memory as the current call sees it (the thread's). */
  get memory(): UserMemory {
    return this.borrower === null ? this.thread.memory : this.thread.process.memory;
  }

  get isLeader(): boolean {
    return this.process.leader === this;
  }

  /** The open file of `fd` or EBADF. O_PATH files count as EBADF unless asked for (`task.files.get`). */
  file(fd: number): OpenFile | Errno {
    const file = this.files.get(fd);
    return file === null || (file.flags & O_PATH) !== 0 ? EBADF : file;
  }

  /** Puts the task to sleep in `op`: subscribes first, then steps once more. Returns the result, or BLOCKED. */
  block(op: BlockingOp): number {
    if (this.borrower !== null) return this.borrower.adopt(op);
    this.op = op;
    op.subscribe(this);
    const result = this.stepBlocked();
    if (result === BLOCKED) {
      this.usage.voluntarySwitches++;
      if (op.deadlineNs !== Number.POSITIVE_INFINITY) this.#armDeadline(op.deadlineNs);
    }
    return result;
  }

  /**
   * Steps the sleeping call once. Its own result comes first, then a signal, then the
   * deadline, in the order of Linux's wait loops; BLOCKED when it sleeps on.
   */
  stepBlocked(): number {
    const op = this.op;
    if (op === null) return BLOCKED;
    let result = op.step(this);
    if (result === BLOCKED && this.hasSignal) result = op.interrupted(this);
    if (result === BLOCKED && op.deadlineNs !== Number.POSITIVE_INFINITY) {
      if (this.kernel.clock.monotonicNs() >= op.deadlineNs) result = op.timedOut(this);
      else if (this.#deadlineTimer !== null && this.#armedNs !== op.deadlineNs) this.#armDeadline(op.deadlineNs);
    }
    if (result !== BLOCKED) this.endBlocked();
    return result;
  }

  /** Leaves the queues of the sleeping call and forgets it. */
  endBlocked(): void {
    this.op = null;
    for (let i = 0; i < this.#queues.length; i++) this.#queues[i].remove(this);
    this.#queues.length = 0;
    if (this.#deadlineTimer !== null && !Number.isNaN(this.#armedNs)) this.kernel.timers.cancel(this.#deadlineTimer);
    this.#armedNs = Number.NaN;
  }

  #armDeadline(deadlineNs: number): void {
    this.#deadlineTimer ??= { deadlineNs, fire: () => this.#deadlinePassed() };
    this.#deadlineTimer.deadlineNs = deadlineNs;
    this.#armedNs = deadlineNs;
    this.kernel.timers.arm(this.#deadlineTimer);
  }

  /** The call may have another deadline by now: stepping it arms the timer again. */
  #deadlinePassed(): void {
    this.#armedNs = Number.NaN;
    this.kernel.schedule(this);
  }

  /** At its end and at execve(2), requests of rings are over (io_uring_task_cancel). */
  leaveRings(): void {
    if (this.rings === null) return;
    for (const ring of this.rings) {
      ring.cancelAll(this);
      ring.submitters.delete(this);
    }
    this.rings = null;
  }

  /** For `op.subscribe`: this task is woken when `queue` is notified. */
  waitOn(queue: WaitQueue): void {
    if (this.borrower !== null) {
      this.borrower.waitOn(queue);
      return;
    }
    queue.add(this);
    this.#queues.push(queue);
  }

  /** A queue of the sleeping call has fired: the loop steps the call again. */
  wake(_events: number, _queue: WaitQueue): void {
    if (this.op !== null) this.kernel.schedule(this);
  }

  /** True when an unmasked signal (or kill, or a stop) is pending. */
  get hasSignal(): boolean {
    return this.isKilled || this.isStopPending || this.signals.hasUnmasked || this.trace?.hasTrapDue === true;
  }

  /**
   * Gets the task's attention (signal_wake_up): a sleeping call is stepped and finds the
   * signal, a stopped task looks again, running guest code is interrupted. One that is
   * inside the sentry right now looks by itself before it goes back.
   */
  poke(): void {
    if (this.isDead) return;
    if (this.op !== null || this.isParked) this.kernel.schedule(this);
    else if (this.thread.isRunning) this.thread.interrupt();
  }

  /** execve(2) past its point of no return: the new host thread and address space, the old ones are given up (exec_mmap). */
  replaceThread(thread: GuestThread, mm: AddressSpace): void {
    releaseAddressSpace(this);
    const oldThread = this.thread;
    this.earlierCpuNs += oldThread.cpuTimeNs?.() ?? 0;
    this.earlierSystemNs += oldThread.systemTimeNs?.() ?? 0;
    this.mm.putUser();
    thread.regs.syscallNumber = oldThread.regs.syscallNumber;
    this.thread = thread;
    this.mm = mm;
    this.debugRegisters = null;
    thread.task = this;
    thread.setCpus?.(this.scheduling.affinity);
    oldThread.task = null;
    leaveHostProcess(oldThread);
  }
}
