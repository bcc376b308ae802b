/** An IPC namespace (ipc_namespaces(7)): System V objects and POSIX message queues. */

import { PosixQueues } from "../fs/mqueue/mqueue.ts";
import type { Kernel } from "../kernel.ts";
import { exitHooks } from "../task/exit-hooks.ts";
import type { Task } from "../task/task.ts";
import { rootUserNamespace, type UserNamespace } from "../task/user-namespace.ts";
import { IpcTable } from "./ipc-table.ts";
import type { MessageQueue } from "./message-queue.ts";
import type { SemaphoreSet } from "./semaphore-set.ts";
import type { SharedSegment } from "./shared-segment.ts";

/** /proc/sys/kernel/{sem,msgmax,msgmnb,msgmni,shmmax,shmall,shmmni,shm_rmid_forced} and /proc/sys/fs/mqueue; with the kernel's defaults. */
export class IpcLimits {
  semmsl = 32000;
  semmns = 1_024_000_000;
  semopm = 500;
  semmni = 32000;
  msgmax = 8192;
  msgmnb = 16384;
  msgmni = 32000;
  /** ULONG_MAX - 2^24; shmall, in pages, as well. */
  shmmax = 2 ** 64 - 2 ** 24;
  shmall = 2 ** 64 - 2 ** 24;
  shmmni = 4096;
  shmRmidForced = 0;
  queuesMax = 256;
  mqMessagesMax = 10;
  mqMessagesDefault = 10;
  mqBytesMax = 8192;
  mqBytesDefault = 8192;
}

export class IpcNamespace {
  readonly limits = new IpcLimits();
  readonly semaphores = new IpcTable<SemaphoreSet>(() => this.limits.semmni);
  readonly messages = new IpcTable<MessageQueue>(() => this.limits.msgmni);
  readonly segments = new IpcTable<SharedSegment>(() => this.limits.shmmni);
  readonly posixQueues: PosixQueues;
  readonly userNamespace: UserNamespace;

  constructor(kernel: Kernel, userNamespace: UserNamespace = rootUserNamespace) {
    this.userNamespace = userNamespace;
    this.posixQueues = new PosixQueues(kernel, () => {
      const { queuesMax, mqMessagesMax, mqMessagesDefault, mqBytesMax, mqBytesDefault } = this.limits;
      return {
        queuesMax,
        maxMessages: Math.min(mqMessagesMax, mqMessagesDefault),
        maxBytes: Math.min(mqBytesMax, mqBytesDefault),
      };
    });
  }
}

const first = new WeakMap<Kernel, IpcNamespace>();

/** The sandbox's first, which config.json's mounts belong to. */
export const firstIpcNamespace = (kernel: Kernel): IpcNamespace => {
  let namespace = first.get(kernel);
  if (namespace === undefined) {
    namespace = new IpcNamespace(kernel);
    first.set(kernel, namespace);
  }
  return namespace;
};

const entered = new WeakMap<Task, IpcNamespace>();

/** The namespace that `task` lives in. */
export const ipcNamespaceOf = (task: Task): IpcNamespace => entered.get(task) ?? firstIpcNamespace(task.kernel);

/** clone(2), unshare(2), setns(2). What the task has to undo belongs to the namespace that it leaves (exit_sem). */
export const enterIpcNamespace = (task: Task, namespace: IpcNamespace): void => {
  exitHooks.taskExit?.(task);
  entered.set(task, namespace);
};

/** clone(2) without CLONE_NEWIPC. */
export const inheritIpcNamespace = (child: Task, parent: Task): void => {
  const namespace = entered.get(parent);
  if (namespace !== undefined) entered.set(child, namespace);
};

/** Seconds since the epoch, for the *_time fields. */
export const ipcTime = (task: Task): number => Math.floor(task.kernel.clock.realtimeNs() / 1e9);
