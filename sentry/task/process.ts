/** A process: the thread group and all that its threads share (struct signal_struct). */

import { SIGCHLD } from "../../syscall-tables/flags/signal.ts";
import type { Kernel } from "../kernel.ts";
import type { Path } from "../vfs/path.ts";
import { WaitQueue } from "./blocking.ts";
import type { IntervalTimers } from "./interval-timers.ts";
import type { Limits } from "./limits.ts";
import { PendingSignals } from "./pending-signals.ts";
import type { PidNamespace } from "./pid-namespace.ts";
import type { PosixTimers } from "./posix-timers.ts";
import type { ProcessGroup, Session } from "./process-group.ts";
import type { SignalActions } from "./signal-actions.ts";
import type { Task } from "./task.ts";
import { Usage } from "./usage.ts";

/** What the constructor needs. */
export interface ProcessOptions {
  readonly kernel: Kernel;
  readonly parent: Process | null;
  readonly group: ProcessGroup;
  readonly limits: Limits;
  readonly actions: SignalActions;
}

/** A core file that is to be written. */
export interface PendingCore {
  /** Every thread has come to a halt. */
  allStopped(): void;
}

export class Process {
  readonly kernel: Kernel;
  /** Who waits for it (real_parent); null for the first process and for those the runtime adds. */
  parent: Process | null;
  /** The thread of `parent` that made it: __WNOTHREAD and PR_SET_PDEATHSIG ask. */
  parentTask: Task | null = null;
  readonly children = new Set<Process>();
  /** Living threads by id. */
  readonly tasks = new Map<number, Task>();
  /** Stays after its own exit, until the process is reaped. Set with the first task. */
  leader!: Task;
  group: ProcessGroup;
  readonly limits: Limits;
  actions: SignalActions;
  /** Signals for the process as a whole. */
  readonly pending = new PendingSignals();
  /** Timers; made when first used. */
  intervalTimers: IntervalTimers | null = null;
  posixTimers: PosixTimers | null = null;

  /** Kept in place by `mm.exeFile`. */
  exePath: Path | null = null;
  /** PR_SET_DUMPABLE: 0, 1, or 2 (suid). */
  dumpable = 1;
  childSubreaper = false;
  /** pid 1 of a pid namespace: signals without a handler do not reach it (SIGNAL_UNKILLABLE). */
  isUnkillable = false;
  /** Made by the runtime, which fetches the exit status and reaps it. */
  isHostChild = false;
  /** Of the containers that share this kernel; 0: the one that it was made for. */
  container = 0;
  /** Called execve(2) since it was forked: setpgid(2) by the parent is refused. */
  hasExeced = false;
  /** Its session's terminal is not its own (signal->tty is null): given up, or got by the leader after the fork. */
  hasNoTerminal = false;
  /** PR_SET_PTRACER for Yama; shown nowhere else. */
  ptracerPid = 0;
  /** PR_SET_THP_DISABLE. */
  isThpDisabled = false;
  /** PR_SET_MDWE: memory that could be written is never run; children and new programs have it from here, or not. */
  refusesExecGain = false;
  inheritsExecGain = true;
  /** PR_SET_MEMORY_MERGE. */
  mergesMemory = false;
  oomScoreAdj = 0;

  /** The signal for the parent at the end; 0: none, and then only __WCLONE and __WALL waits see it. */
  exitSignal = SIGCHLD;
  /** Wait status of the whole group once its end is decided (exit_group, fatal signal), null before. */
  groupExitStatus: number | null = null;
  /** The process is dying, and what is left of it is being written. */
  pendingCore: PendingCore | null = null;
  /** /proc/PID/coredump_filter: what a core file has (core(5)). */
  coreFilter = 0x33;
  /** Wait status as the parent sees it; valid when `isZombie`. */
  exitStatus = 0;
  /** All threads have exited. */
  isZombie = false;
  /** Reaped: nobody can find it any more. */
  isReaped = false;

  /** Job control: all threads are stopped. */
  isStopped = false;
  /** Threads that must still stop before the process counts as stopped. */
  stopsAwaited = 0;
  /** The signal of the last stop. */
  stopSignal = 0;
  /** A stop or continuation that no wait has fetched yet. */
  hasStopReport = false;
  hasContinueReport = false;

  /** Notified when a child ends, stops or continues: wait4(2) sleeps here. */
  readonly childExited = new WaitQueue();
  /** Notified when this process ends, is reaped, or changes state: pidfd polls here. */
  readonly exited = new WaitQueue();
  /** Notified when a thread has exited: exec waits here for the last sibling. */
  readonly threadsExited = new WaitQueue();

  readonly startNs: number;
  /** Of exited threads; living ones are added by `usageOf`. */
  readonly usage = new Usage();
  /** Of reaped children and their reaped children. */
  readonly childrenUsage = new Usage();

  constructor(options: ProcessOptions) {
    this.kernel = options.kernel;
    this.parent = options.parent;
    this.group = options.group;
    this.limits = options.limits;
    this.actions = options.actions;
    this.startNs = options.kernel.clock.monotonicNs();
    options.group.add(this);
    options.parent?.children.add(this);
  }

  /** The thread group id in the root pid namespace. */
  get pid(): number {
    return this.leader.tid;
  }

  get session(): Session {
    return this.group.session;
  }

  get pidNamespace(): PidNamespace {
    return this.leader.pid.namespace;
  }

  /** child_reaper of its pid namespace. */
  get isNamespaceInit(): boolean {
    return this.leader.pid.namespace.init === this;
  }

  /** The process as a whole is about to end, or has. */
  get isExiting(): boolean {
    return this.groupExitStatus !== null || this.isZombie || this.pendingCore !== null;
  }

  get noNewPrivileges(): boolean {
    return this.leader.noNewPrivileges;
  }

  /** Some living thread, or the dead leader when none is left. */
  get anyTask(): Task {
    for (const task of this.tasks.values()) return task;
    return this.leader;
  }

  /** setpgid(2), setsid(2). */
  moveToGroup(group: ProcessGroup): void {
    const old = this.group;
    if (old === group) return;
    group.add(this);
    this.group = group;
    old.remove(this);
  }

  /** Drops pending signals of a set from the process and all its threads (flush_sigqueue_mask). */
  discardPending(lo: number, hi: number): void {
    this.pending.discard(lo, hi);
    for (const task of this.tasks.values()) task.signals.pending.discard(lo, hi);
  }

  /** execve(2): handlers back to the default in a table of its own; the alternate stack is the task's. */
  resetSignalHandlers(): void {
    if (this.actions.users > 1) {
      this.actions.users--;
      this.actions = this.actions.fork();
    }
    this.actions.reset();
    for (const task of this.tasks.values()) task.signals.clearAltStack();
  }
}
