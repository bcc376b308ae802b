/** Waiting for children (kernel/exit.c do_wait, wait_consider_child). */
import { EAGAIN, ECHILD, EFAULT, type Errno } from "../abi/errno.ts";
import { CLD_CONTINUED, CLD_EXITED, CLD_KILLED, CLD_STOPPED, SIGCHLD, SIGCONT } from "../abi/signal.ts";
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  CONTINUED_STATUS,
  stopStatus,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WUNTRACED,
} from "../abi/wait.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "./blocking.ts";
import { reapProcess } from "./exit.ts";
import type { Process } from "./process.ts";
import type { ProcessGroup } from "./process-group.ts";
import { noteReapedUsage, packUsage } from "./rusage.ts";
import type { Task } from "./task.ts";
import { type Usage, usageOf } from "./usage.ts";

/** Which children: all, one process, or the members of a group. */
export type WaitTarget = Process | ProcessGroup | "all" | null;

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
  readonly process: Process;
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

/** What `child` has to tell, and marks it as told; null: nothing yet. */
const fetchReport = (child: Process, options: number): Report | null => {
  const isConsumed = (options & WNOWAIT) === 0;
  if (child.isZombie) {
    if ((options & WEXITED) === 0) return null;
    const { exitStatus } = child;
    const killer = exitStatus & 0x7f;
    const usage = usageOf(child);
    if (isConsumed) {
      noteReapedUsage(child);
      reapProcess(child);
    }
    const value = killer === 0 ? exitStatus >> 8 : killer;
    return { process: child, code: killer === 0 ? CLD_EXITED : CLD_KILLED, value, status: exitStatus, usage };
  }
  if (child.hasStopReport && (options & WUNTRACED) !== 0) {
    if (isConsumed) child.hasStopReport = false;
    const { stopSignal } = child;
    return { process: child, code: CLD_STOPPED, value: stopSignal, status: stopStatus(stopSignal), usage: usageOf(child) };
  }
  if (child.hasContinueReport && (options & WCONTINUED) !== 0) {
    if (isConsumed) child.hasContinueReport = false;
    return { process: child, code: CLD_CONTINUED, value: SIGCONT, status: CONTINUED_STATUS, usage: usageOf(child) };
  }
  return null;
};

/** A report, ECHILD, or null when children exist but have nothing to tell. */
const tryWait = (task: Task, request: WaitRequest): Report | Errno | null => {
  let hasCandidate = false;
  for (const child of task.process.children) {
    if (!isEligible(task, child, request)) continue;
    const report = fetchReport(child, request.options);
    if (report !== null) return report;
    // A zombie that is not asked for will never have anything else to tell.
    if (!child.isZombie) hasCandidate = true;
  }
  return hasCandidate ? null : ECHILD;
};

/** siginfo_t as waitid(2) fills it: zeros when there is no report. Only its own fields are written. */
const writeInfo = (task: Task, addr: UserAddr, report: Report | null): 0 | Errno => {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  if (report !== null) {
    view.setInt32(0, SIGCHLD, true);
    view.setInt32(8, report.code, true);
    view.setInt32(16, report.process.leader.pid.in(task.pidNamespace), true);
    view.setUint32(20, task.creds.userNamespace.showUid(report.process.leader.creds.uid), true);
    view.setInt32(24, report.value, true);
  }
  return task.memory.copyOut(addr, bytes.subarray(0, 12)) || task.memory.copyOut(addr + 16, bytes.subarray(16));
};

const finish = (task: Task, request: WaitRequest, outcome: Report | Errno | null): number => {
  const report = outcome !== null && typeof outcome === "object" ? outcome : null;
  let result: number;
  if (report !== null) {
    result = request.isWaitid ? 0 : report.process.leader.pid.in(task.pidNamespace);
    if (request.usageAddr !== 0 && task.memory.copyOut(request.usageAddr, packUsage(report.usage)) < 0) return EFAULT;
    if (request.statusAddr !== 0 && task.memory.storeU32(request.statusAddr, report.status) < 0) return EFAULT;
  } else if (outcome === null) result = request.isNonblocking ? EAGAIN : 0;
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
