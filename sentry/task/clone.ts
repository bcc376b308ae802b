/** clone(2), clone3(2), fork(2), vfork(2) (kernel/fork.c copy_process). */
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from "../abi/capability.ts";
import { EAGAIN, EINVAL, EPERM, ERESTARTNOINTR, type Errno, isErrno } from "../abi/errno.ts";
import { RLIMIT_NPROC } from "../abi/resource.ts";
import {
  CLONE_DETACHED,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT,
  CLONE_PIDFD,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
} from "../abi/sched.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import type { CloneRequest } from "../platform/platform.ts";
import { BLOCKED, BlockingOp, WaitQueue } from "./blocking.ts";
import { createChild } from "./clone-child.ts";
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
const PRIVILEGED_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

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

/** RLIMIT_NPROC counts the user's tasks, whichever process they belong to. */
const checkLimit = (task: Task): 0 | Errno => {
  const { creds, process, kernel } = task;
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
  phase: "host-clone" | "vfork" = "host-clone";
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
    if (this.phase === "vfork") return this.#child?.vforkDone === null ? this.#result : BLOCKED;
    const thread = this.#request.result;
    if (thread === null) return BLOCKED;
    if (isErrno(thread)) {
      this.#mm.putUser();
      return thread;
    }
    const child = createChild(task, this.#options, this.#mm, thread);
    if (isErrno(child)) return child;
    this.#child = child;
    this.#result = child.pid.in(task.pidNamespace);
    if (has(this.#options.flags, CLONE_VFORK)) {
      this.phase = "vfork";
      child.vforkDone = new WaitQueue();
      task.waitOn(child.vforkDone);
    }
    finishSyscall(child, 0);
    return this.phase === "vfork" && child.vforkDone !== null ? BLOCKED : this.#result;
  }

  /** The host's clone cannot be taken back; a vfork is left only by dying (wait_for_vfork_done is killable). */
  override interrupted(task: Task): number {
    return this.phase === "vfork" && task.isKilled ? this.#result : BLOCKED;
  }

  override describe(): string {
    return this.phase === "vfork" ? "vfork" : "clone";
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
