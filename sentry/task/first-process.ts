/** Processes that no clone(2) makes: the first one, and those the runtime adds to a running sandbox. */
import { type Errno, isErrno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { FdTable } from "../vfs/fd-table.ts";
import type { FsContext } from "../vfs/fs-context.ts";
import type { Credentials } from "./credentials.ts";
import { enterHostProcess } from "./host-threads.ts";
import { Limits } from "./limits.ts";
import { Process } from "./process.ts";
import { ProcessGroup, Session } from "./process-group.ts";
import { SignalActions } from "./signal-actions.ts";
import { Task, type TaskOptions } from "./task.ts";
import { UtsNamespace } from "./uts-namespace.ts";

export interface FirstProcessOptions {
  readonly thread: GuestThread;
  readonly mm: AddressSpace;
  readonly fs: FsContext;
  readonly creds: Credentials;
  readonly name: string;
  readonly limits?: Limits;
  /** Makes the fd table, which asks the process's limits. */
  readonly files: (limits: Limits) => FdTable;
  /** pid 1 ignores signals without a handler, as Linux's init does. */
  readonly isUnkillable?: boolean;
}

const utsNamespaces = new WeakMap<Kernel, UtsNamespace>();

export const rootUtsNamespace = (kernel: Kernel): UtsNamespace => {
  let uts = utsNamespaces.get(kernel);
  if (uts === undefined) {
    uts = new UtsNamespace(kernel);
    utsNamespaces.set(kernel, uts);
  }
  return uts;
};

/** A process with a session of its own and no parent; the first one of a kernel becomes its init. Resume it with `finishSyscall(task, 0)`. */
export const createFirstTask = (kernel: Kernel, options: FirstProcessOptions): Task | Errno => {
  const pid = kernel.pids.allocate();
  if (isErrno(pid)) return pid;
  const limits = options.limits ?? new Limits();
  // The session's leader is known only after the process, which needs the session's group.
  const session = new Session(pid, null);
  const group = new ProcessGroup(pid, session);
  const process = new Process({ kernel, parent: null, group, limits, actions: new SignalActions() });
  session.leader = process;
  process.isHostChild = true;
  const task = attachTask({
    kernel,
    pid,
    process,
    thread: options.thread,
    mm: options.mm,
    files: options.files(limits),
    fs: options.fs,
    uts: rootUtsNamespace(kernel),
    creds: options.creds,
    name: options.name,
  });
  if (kernel.pids.init === null && pid.root === 1) {
    kernel.pids.init = process;
    process.isUnkillable = options.isUnkillable ?? false;
  }
  return task;
};

/** A new task joins its process; the first one leads it. */
export const attachTask = (options: TaskOptions): Task => {
  const task = new Task(options);
  const { process, kernel } = options;
  if (process.tasks.size === 0) process.leader = task;
  process.tasks.set(task.tid, task);
  enterHostProcess(task.thread);
  kernel.pids.users.of(task.creds.uid).tasks++;
  return task;
};
