/** clone(2), clone3(2), fork(2), vfork(2) (kernel/fork.c copy_process). */

import {
  CLONE_DETACHED,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT,
  CLONE_PIDFD,
  CLONE_PTRACE,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_UNTRACED,
  CLONE_VFORK,
  CLONE_VM,
  RLIMIT_NPROC,
} from "../../syscall-tables/flags/process.ts";
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from "../../syscall-tables/flags/system.ts";
import { EAGAIN, EINVAL, EPERM, ERESTARTNOINTR, type Errno, isErrno } from "../abi/errno.ts";

import type { AddressSpace } from "../mm/address-space.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import type { CloneRequest } from "../platform/platform.ts";
import { traceChild } from "../ptrace/link.ts";
import { cloneEvent, isInEventStop, stopForEvent } from "../ptrace/stop.ts";
import { PTRACE_EVENT_VFORK_DONE } from "../ptrace/trace.ts";
import { BLOCKED, BlockingOp, WaitQueue } from "./blocking.ts";
import { createChild } from "./clone-child.ts";
import { machine } from "./machine.ts";
import { finishSyscall } from "./run.ts";
import type { Task } from "./task.ts";

export interface CloneOptions {
  /** CLONE_* without CSIGNAL, as u32. */
  readonly flags: number;
  readonly clearsHandlers: boolean;
  readonly exitSignal: number;
  /** The child's stack pointer; 0: the caller's. */
  readonly stackAddr: UserAddr;
  readonly tlsAddr: UserAddr;
  readonly parentTidAddr: UserAddr;
  readonly childTidAddr: UserAddr;
  readonly pidfdAddr: UserAddr;
  /** set_tid of clone3(2), innermost first. */
  readonly wantedIds: readonly number[];
}

/** Namespaces that need CAP_SYS_ADMIN. */
const PRIVILEGED_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME;

const has = (flags: number, flag: number): boolean => (flags & flag) !== 0;

/** The combinations that copy_process refuses. */
const checkFlags = (task: Task, flags: number): 0 | Errno => {
  if (has(flags, CLONE_FS) && has(flags, CLONE_NEWNS | CLONE_NEWUSER)) return EINVAL;
  if (has(flags, CLONE_THREAD) && !has(flags, CLONE_SIGHAND)) return EINVAL;
  if (has(flags, CLONE_SIGHAND) && !has(flags, CLONE_VM)) return EINVAL;
  if (has(flags, CLONE_PARENT) && task.process.isUnkillable) return EINVAL;
  if (has(flags, CLONE_THREAD) && (has(flags, CLONE_NEWUSER | CLONE_NEWPID) || task.childPidNamespace !== task.pidNamespace)) return EINVAL;
  if (has(flags, CLONE_PIDFD) && has(flags, CLONE_DETACHED)) return EINVAL;
  if (has(flags, CLONE_NEWIPC) && has(flags, CLONE_SYSVSEM)) return EINVAL;
  return 0;
};

/** pids.max counts what has a number, zombies too; RLIMIT_NPROC counts the user's tasks, whichever process they belong to. */
const checkLimit = (task: Task): 0 | Errno => {
  const { creds, process, kernel } = task;
  if (machine.maxTasks !== Number.POSITIVE_INFINITY && kernel.pids.hasTasks(machine.maxTasks)) return EAGAIN;
  const isOver = kernel.pids.users.of(creds.uid).tasks >= process.limits.get(RLIMIT_NPROC).soft;
  return isOver && creds.uid !== 0 && !creds.has(CAP_SYS_RESOURCE) && !creds.has(CAP_SYS_ADMIN) ? EAGAIN : 0;
};

const checkNamespaces = (task: Task, flags: number): 0 | Errno => {
  // A new user namespace is made first and its creator may do the rest in it.
  if (has(flags, PRIVILEGED_NAMESPACES) && !has(flags, CLONE_NEWUSER)) {
    if (!task.creds.hasIn(task.creds.userNamespace, CAP_SYS_ADMIN)) return EPERM;
  }
  return 0;
};

/** Starts a clone: the child's thread id, an errno, or BLOCKED while the host makes it. */
export const clone = (task: Task, options: CloneOptions): number => {
  const { flags } = options;
  const refused = checkFlags(task, flags) || checkLimit(task) || checkNamespaces(task, flags);
  if (refused !== 0) return refused;
  // A fork must see signals that were sent to the group before it (copy_process).
  if (task.hasSignal) return ERESTARTNOINTR;
  if (has(flags, CLONE_PIDFD)) {
    const full = task.files.canInstall();
    if (full < 0) return full;
    const unwritable = task.memory.storeU32(options.pidfdAddr, 0);
    if (unwritable < 0) return unwritable;
  }
  const sharesMemory = has(flags, CLONE_VM);
  const mm = sharesMemory ? task.mm.takeUser() : task.mm.fork();
  const request = sharesMemory ? task.thread.cloneThread() : task.thread.forkProcess();
  return task.block(new CloneOp(options, mm, request));
};

class CloneOp extends BlockingOp {
  readonly #options: CloneOptions;
  readonly #mm: AddressSpace;
  readonly #request: CloneRequest;
  phase: "host-clone" | "event" | "vfork" | "vfork-done" = "host-clone";
  #child: Task | null = null;
  #result = 0;

  constructor(options: CloneOptions, mm: AddressSpace, request: CloneRequest) {
    super();
    this.#options = options;
    this.#mm = mm;
    this.#request = request;
  }

  override subscribe(task: Task): void {
    task.waitOn(this.#request.queue);
  }

  override step(task: Task): number {
    if (this.phase === "host-clone") {
      const failed = this.#begin(task);
      if (failed !== 0) return failed;
    }
    // The tracer hears of the child, and of the end of a vfork.
    if (isInEventStop(task)) return BLOCKED;
    if (this.phase === "event") this.phase = "vfork";
    if (this.phase === "vfork") {
      if (this.#child !== null && this.#child.vforkDone !== null) return BLOCKED;
      this.phase = "vfork-done";
      if (has(this.#options.flags, CLONE_VFORK) && stopForEvent(task, PTRACE_EVENT_VFORK_DONE, this.#message(task))) return BLOCKED;
    }
    return this.#result;
  }

  /** The child's id as the tracer knows it. */
  #message(task: Task): number {
    return task.trace === null ? 0 : (this.#child?.pid.in(task.trace.tracer.pidNamespace) ?? 0);
  }

  /** Makes the child when the host has made its thread: 0, BLOCKED or an errno. */
  #begin(task: Task): number {
    const thread = this.#request.result;
    if (thread === null) return BLOCKED;
    if (isErrno(thread)) {
      this.#mm.putUser();
      return thread;
    }
    const { flags, exitSignal } = this.#options;
    const child = createChild(task, this.#options, this.#mm, thread);
    if (isErrno(child)) return child;
    this.#child = child;
    this.#result = child.pid.in(task.pidNamespace);
    const isVfork = has(flags, CLONE_VFORK);
    const event = cloneEvent(isVfork, exitSignal);
    const isTold = !has(flags, CLONE_UNTRACED) && task.trace !== null && task.trace.wantsEvent(event);
    if (task.trace !== null && (isTold || has(flags, CLONE_PTRACE))) traceChild(task.trace, child);
    this.phase = isVfork ? "event" : "vfork-done";
    if (isVfork) {
      child.vforkDone = new WaitQueue();
      task.waitOn(child.vforkDone);
    }
    const message = this.#message(task);
    finishSyscall(child, 0);
    if (isTold) stopForEvent(task, event, message);
    return 0;
  }

  /** The host's clone cannot be taken back; what comes after it ends only with the task (wait_for_vfork_done is killable). */
  override interrupted(task: Task): number {
    return this.phase !== "host-clone" && task.isKilled ? this.#result : BLOCKED;
  }

  override describe(): string {
    return this.phase === "host-clone" ? "clone" : "vfork";
  }
}

/** What fork(2) and vfork(2) share with clone(2). */
export const forkOptions = (flags: number, exitSignal: number): CloneOptions => ({
  flags,
  clearsHandlers: false,
  exitSignal,
  stackAddr: 0,
  tlsAddr: 0,
  parentTidAddr: 0,
  childTidAddr: 0,
  pidfdAddr: 0,
  wantedIds: [],
});
