/** Waiting for children (kernel/exit.c do_wait, wait_consider_child). */

import { WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WUNTRACED } from "../../syscall-tables/flags/process.ts";
import {
  CLD_CONTINUED,
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  CLD_TRAPPED,
  SIGCHLD,
  SIGCONT,
} from "../../syscall-tables/flags/signal.ts";
import { EAGAIN, ECHILD, EFAULT, type Errno } from "../abi/errno.ts";

import { __WALL, __WCLONE, __WNOTHREAD, CONTINUED_STATUS, stopStatus, WCOREFLAG } from "../abi/wait.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "./blocking.ts";
import { endTrace, reapProcess } from "./exit.ts";
import type { Process } from "./process.ts";
import type { ProcessGroup } from "./process-group.ts";
import { noteReapedUsage, packUsage } from "./rusage.ts";
import type { Task } from "./task.ts";
import { type Usage, usageOf, usageOfTask } from "./usage.ts";

/** Which children: all, one process, the members of a group, or one thread, which only a tracer waits for. */
export type WaitTarget = Process | ProcessGroup | Task | "all" | null;

export interface WaitRequest {
  /** Null: an id that names nobody. */
  readonly target: WaitTarget;
  /** As waitid(2) has them: WEXITED is explicit. */
  readonly options: number;
  /** wait4(2). */
  readonly statusAddr: UserAddr;
  /** waitid(2): the siginfo, written in every case. */
  readonly infoAddr: UserAddr;
  readonly usageAddr: UserAddr;
  readonly isWaitid: boolean;
  /** A pidfd with O_NONBLOCK: EAGAIN instead of 0. */
  readonly isNonblocking: boolean;
}

interface Report {
  readonly task: Task;
  readonly code: number;
  /** si_status. */
  readonly value: number;
  /** wait4's status word. */
  readonly status: number;
  readonly usage: Usage;
}

const isEligible = (task: Task, child: Process, request: WaitRequest): boolean => {
  const { target, options } = request;
  if (target === null) return false;
  if (target !== "all" && target !== child && target !== child.group) return false;
  if ((options & __WNOTHREAD) !== 0 && child.parentTask !== task) return false;
  if ((options & __WALL) !== 0) return true;
  return (child.exitSignal !== SIGCHLD) === ((options & __WCLONE) !== 0);
};

/** Another process than the waiting one traces its leader. */
const isTracedByOther = (task: Task, child: Process): boolean => {
  const { trace } = child.leader;
  return trace !== null && trace.tracer.process !== task.process;
};

/** What `child` has to tell, and marks it as told; null: nothing yet. */
const fetchReport = (child: Process, options: number): Report | null => {
  const isConsumed = (options & WNOWAIT) === 0;
  if (child.isZombie) {
    if ((options & WEXITED) === 0) return null;
    const report = endReport(child.leader, child.exitStatus);
    if (isConsumed) {
      noteReapedUsage(child);
      reapProcess(child);
    }
    return report;
  }
  if (child.hasStopReport && (options & WUNTRACED) !== 0) {
    if (isConsumed) child.hasStopReport = false;
    const { stopSignal } = child;
    return { task: child.leader, code: CLD_STOPPED, value: stopSignal, status: stopStatus(stopSignal), usage: usageOf(child) };
  }
  return fetchContinuation(child, options);
};

const fetchContinuation = (child: Process, options: number): Report | null => {
  if (!child.hasContinueReport || (options & WCONTINUED) === 0) return null;
  if ((options & WNOWAIT) === 0) child.hasContinueReport = false;
  return { task: child.leader, code: CLD_CONTINUED, value: SIGCONT, status: CONTINUED_STATUS, usage: usageOf(child) };
};

const endReport = (task: Task, status: number): Report => {
  const killer = status & 0x7f;
  const usage = task.isLeader ? usageOf(task.process) : usageOfTask(task);
  const code = killer === 0 ? CLD_EXITED : (status & WCOREFLAG) !== 0 ? CLD_DUMPED : CLD_KILLED;
  return { task, code, value: killer === 0 ? status >> 8 : killer, status, usage };
};

/** A report, ECHILD, or null when children exist but have nothing to tell. */
const tryWait = (task: Task, request: WaitRequest): Report | Errno | null => {
  let hasCandidate = false;
  for (const child of task.process.children) {
    if (!isEligible(task, child, request)) continue;
    const isForTracer = isTracedByOther(task, child);
    // Its tracer fetches the end first. One that its own parent traces is told of below.
    const report = isForTracer && child.isZombie ? null : child.leader.trace && !isForTracer ? null : fetchReport(child, request.options);
    if (report !== null) return report;
    // A zombie that is not asked for will never have anything else to tell.
    if (!child.isZombie || child.leader.trace !== null) hasCandidate = true;
  }
  const threads = (request.options & __WNOTHREAD) !== 0 ? [task] : task.process.tasks.values();
  for (const thread of threads) {
    for (const tracee of thread.tracees ?? []) {
      if (!isTraceeEligible(tracee, request.target)) continue;
      const report = fetchTraceReport(tracee, request.options);
      if (report !== null) return report;
      hasCandidate = true;
    }
  }
  return hasCandidate ? null : ECHILD;
};

const isTraceeEligible = (tracee: Task, target: WaitTarget): boolean =>
  target === "all" || target === tracee || (target === tracee.process && tracee.isLeader) || target === tracee.process.group;

/** The same for a task that the caller traces, whatever the options say about its kind (wait_task_zombie, wait_task_stopped). */
const fetchTraceReport = (tracee: Task, options: number): Report | null => {
  const { process, trace } = tracee;
  const isConsumed = (options & WNOWAIT) === 0;
  if (tracee.isDead) {
    if ((options & WEXITED) === 0 || (tracee.isLeader && !process.isZombie)) return null;
    const report = endReport(tracee, tracee.isLeader ? process.exitStatus : (tracee.exitStatus ?? 0));
    if (isConsumed) {
      if (tracee.isLeader && trace?.tracer.process === process.parent) noteReapedUsage(process);
      endTrace(tracee);
    }
    return report;
  }
  const stop = trace?.stop ?? null;
  if (stop?.isSettled === true && !stop.isReported && !stop.isListening) {
    if (isConsumed) stop.isReported = true;
    return { task: tracee, code: CLD_TRAPPED, value: stop.code, status: (stop.code << 8) | 0x7f, usage: usageOfTask(tracee) };
  }
  return tracee.isLeader ? fetchContinuation(process, options) : null;
};

/** siginfo_t as waitid(2) fills it: zeros when there is no report. Only its own fields are written. */
const writeInfo = (task: Task, addr: UserAddr, report: Report | null): 0 | Errno => {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  if (report !== null) {
    view.setInt32(0, SIGCHLD, true);
    view.setInt32(8, report.code, true);
    view.setInt32(16, report.task.pid.in(task.pidNamespace), true);
    view.setUint32(20, task.creds.userNamespace.showUid(report.task.creds.uid), true);
    view.setInt32(24, report.value, true);
  }
  return task.memory.copyOut(addr, bytes.subarray(0, 12)) || task.memory.copyOut(addr + 16, bytes.subarray(16));
};

const finish = (task: Task, request: WaitRequest, outcome: Report | Errno | null): number => {
  const report = outcome !== null && typeof outcome === "object" ? outcome : null;
  let result: number;
  if (report !== null) {
    result = request.isWaitid ? 0 : report.task.pid.in(task.pidNamespace);
    if (request.usageAddr !== 0 && task.memory.copyOut(request.usageAddr, packUsage(report.usage)) < 0) return EFAULT;
    if (request.statusAddr !== 0 && task.memory.storeU32(request.statusAddr, report.status) < 0) return EFAULT;
  } else if (outcome === null) result = request.isNonblocking && (request.options & WNOHANG) === 0 ? EAGAIN : 0;
  else result = outcome as Errno;
  if (request.isWaitid && request.infoAddr !== 0 && writeInfo(task, request.infoAddr, report) < 0) return EFAULT;
  return result;
};

class WaitOp extends BlockingOp {
  readonly #request: WaitRequest;

  constructor(request: WaitRequest) {
    super();
    this.#request = request;
  }

  override subscribe(task: Task): void {
    task.waitOn(task.process.childExited);
  }

  override step(task: Task): number {
    const outcome = tryWait(task, this.#request);
    return outcome === null ? BLOCKED : finish(task, this.#request, outcome);
  }

  override describe(): string {
    return "wait";
  }
}

/** wait4(2) and waitid(2) after their arguments were checked. */
export const waitForChild = (task: Task, request: WaitRequest): number => {
  const outcome = tryWait(task, request);
  if (outcome !== null || (request.options & WNOHANG) !== 0 || request.isNonblocking) return finish(task, request, outcome);
  return task.block(new WaitOp(request));
};
