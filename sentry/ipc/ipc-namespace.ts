/** An IPC namespace (ipc_namespaces(7)): System V objects and POSIX message queues. */
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task/task.ts";
import { IpcTable } from "./ipc-table.ts";
import type { MessageQueue } from "./message-queue.ts";
import { PosixQueues } from "./posix-queue.ts";
import type { SemaphoreSet } from "./semaphore-set.ts";
import type { SharedSegment } from "./shared-segment.ts";

/** SEMMSL, SEMMNS, SEMOPM, SEMMNI: /proc/sys/kernel/sem */
export const SEMMSL = 32000;
export const SEMMNS = 1_024_000_000;
export const SEMOPM = 500;
export const SEMMNI = 32000;
/** /proc/sys/kernel/{msgmax,msgmnb,msgmni} */
export const MSGMAX = 8192;
export const MSGMNB = 16384;
export const MSGMNI = 32000;
/** /proc/sys/kernel/shmmni; shmmax and shmall are ULONG_MAX - 2^24. */
export const SHMMNI = 4096;
export const SHMMAX = 2 ** 64 - 2 ** 24;

export class IpcNamespace {
  readonly semaphores = new IpcTable<SemaphoreSet>(SEMMNI);
  readonly messages = new IpcTable<MessageQueue>(MSGMNI);
  readonly segments = new IpcTable<SharedSegment>(SHMMNI);
  readonly posixQueues: PosixQueues;

  constructor(kernel: Kernel) {
    this.posixQueues = new PosixQueues(kernel);
  }
}

const first = new WeakMap<Kernel, IpcNamespace>();

/** The namespace that `task` lives in: so far one per sandbox. */
export const ipcNamespaceOf = (task: Task): IpcNamespace => {
  let namespace = first.get(task.kernel);
  if (namespace === undefined) {
    namespace = new IpcNamespace(task.kernel);
    first.set(task.kernel, namespace);
  }
  return namespace;
};

/** Seconds since the epoch, for the *_time fields. */
export const ipcTime = (task: Task): number => Math.floor(task.kernel.clock.realtimeNs() / 1e9);
