/** A call that a filter's listener decides (kernel/seccomp.c seccomp_do_user_notification), whoever the listener is. */
import { ENOSYS, ERESTARTSYS } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { BLOCKED, BlockingOp, WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";

export const FLAG_CONTINUE = 1;
export const ADDFD_FLAG_SETFD = 1;
export const ADDFD_FLAG_SEND = 2;

/** Of a filter: a file inside, or an agent outside. */
export interface CallListener {
  /** SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: what was read is waited for. */
  readonly isKillableOnly: boolean;
  /** A result, BLOCKED, or null: the call goes on. */
  ask(task: Task, data: Uint8Array): number | null;
  withdraw(notification: Notification): void;
  /** A task that had the filter is gone. */
  taskGone(task: Task): void;
}

export interface Notification {
  readonly id: number;
  readonly task: Task;
  /** struct seccomp_data. */
  readonly data: Uint8Array;
  state: "asked" | "read" | "answered";
  result: number;
  readonly queue: WaitQueue;
}

let lastId = 0;

export const newNotification = (task: Task, data: Uint8Array): Notification => ({
  id: ++lastId,
  task,
  data,
  state: "asked",
  result: ENOSYS,
  queue: new WaitQueue(),
});

export const answer = (notification: Notification, result: number): void => {
  notification.state = "answered";
  notification.result = result;
  notification.queue.notify();
};

/** The filtered call sleeps until its listener has answered. */
export class NotifyOp extends BlockingOp {
  readonly #listener: CallListener;
  readonly #notification: Notification;

  constructor(listener: CallListener, notification: Notification) {
    super();
    this.#listener = listener;
    this.#notification = notification;
  }

  override subscribe(task: Task): void {
    task.waitOn(this.#notification.queue);
  }

  override step(_task: Task): number {
    return this.#notification.state === "answered" ? this.#notification.result : BLOCKED;
  }

  override get isKillableOnly(): boolean {
    return this.#listener.isKillableOnly && this.#notification.state === "read";
  }

  override interrupted(task: Task): number {
    if (this.isKillableOnly && !task.isKilled) return BLOCKED;
    this.#listener.withdraw(this.#notification);
    return ERESTARTSYS;
  }

  override describe(): string {
    return "seccomp_do_user_notification";
  }
}

export const hasUsers = (kernel: Kernel, listener: CallListener): boolean => {
  for (const process of kernel.pids.processes()) {
    for (const task of process.tasks.values()) if (task.seccomp?.hasListener(listener)) return true;
  }
  return false;
};

/** SECCOMP_IOCTL_NOTIF_ADDFD: the fd, or an errno, and then the reference is put. */
export const addFile = (task: Task, file: OpenFile, flags: number, target: number, isCloexec: boolean): number => {
  const { files } = task;
  const fd = (flags & ADDFD_FLAG_SETFD) !== 0 ? files.dup2(file, target, isCloexec, task) : files.install(file, isCloexec);
  if (fd < 0) file.put();
  return fd;
};
