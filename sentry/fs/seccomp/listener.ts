/**
 * Seccomp user notification (seccomp_unotify(2), kernel/seccomp.c seccomp_do_user_notification): a
 * filter's listener, and the calls that wait for what its reader says.
 *
 *   asked ── NOTIF_RECV ──▶ read ── NOTIF_SEND, ADDFD with SEND, or the listener is closed ──▶ answered
 */

import { O_CLOEXEC, O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { E2BIG, EAGAIN, EBADF, EFAULT, EINPROGRESS, EINVAL, ENOENT, ENOSYS, ENOTTY, isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { CALL_GOES_ON, WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import {
  ADDFD_FLAG_SEND,
  ADDFD_FLAG_SETFD,
  addFile,
  answer,
  type CallListener,
  FLAG_CONTINUE,
  hasUsers,
  type Notification,
  NotifyOp,
  newNotification,
} from "./notification.ts";

const NOTIF_RECV = 0xc0502100;
const NOTIF_SEND = 0xc0182101;
const NOTIF_ID_VALID = 0x40082102;
/** With its direction as it was in the first version. */
const NOTIF_ID_VALID_OLD = 0x80082102;
/** Of any size: later versions have more behind it (EA_IOCTL). */
const NOTIF_ADDFD = 0x2103;
const SIZE_MASK = 0x3fff_0000;
const NUMBER_MASK = 0xffff;
const NOTIF_SET_FLAGS = 0x40082104;

export const NOTIF_SIZE = 80;
export const RESPONSE_SIZE = 24;
export const DATA_SIZE = 64;
const ADDFD_SIZE = 24;
const PAGE = 4096;

export class SeccompListener extends OpenFile implements CallListener {
  readonly #kernel: Kernel;
  /** Sleepers of NOTIF_RECV and poll. */
  readonly #queue = new WaitQueue();
  #notifications: Notification[] = [];
  #isClosed = false;
  readonly isKillableOnly: boolean;

  constructor(kernel: Kernel, isKillableOnly: boolean) {
    super(anonInode(kernel, 0o600), null, O_RDWR);
    this.#kernel = kernel;
    this.isKillableOnly = isKillableOnly;
  }

  override get anonymousName(): string {
    return "anon_inode:seccomp notify";
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  override readiness(): number {
    let events = this.#hasUsers() ? 0 : POLLHUP;
    for (const { state } of this.#notifications) {
      if (state === "asked") events |= POLLIN | POLLRDNORM;
      else if (state === "read") events |= POLLOUT | POLLWRNORM;
    }
    return events;
  }

  #hasUsers(): boolean {
    return hasUsers(this.#kernel, this);
  }

  /** A task that had the filter is gone. */
  taskGone(): void {
    this.#queue.notify();
  }

  /** The filter wants its listener to decide: a result, or BLOCKED. */
  ask(task: Task, data: Uint8Array): number {
    if (this.#isClosed) return ENOSYS;
    const notification = newNotification(task, data);
    this.#notifications.push(notification);
    this.#queue.notify();
    return task.block(new NotifyOp(this, notification));
  }

  withdraw(notification: Notification): void {
    this.#notifications = this.#notifications.filter((other) => other !== notification);
  }

  #answer(notification: Notification, result: number): void {
    this.withdraw(notification);
    answer(notification, result);
  }

  protected override release(): void {
    this.#isClosed = true;
    for (const notification of [...this.#notifications]) this.#answer(notification, ENOSYS);
  }

  #find(id: number): Notification | null {
    return this.#notifications.find((notification) => notification.id === id) ?? null;
  }

  override ioctl(task: Task, command: number, argument: UserAddr): number {
    switch (command) {
      case NOTIF_RECV:
        return this.#receive(task, argument);
      case NOTIF_SEND:
        return this.#send(task, argument);
      case NOTIF_ID_VALID:
      case NOTIF_ID_VALID_OLD: {
        const id = task.memory.loadU64(argument);
        return id < 0 ? EFAULT : this.#find(id)?.state === "read" ? 0 : ENOENT;
      }
      case NOTIF_SET_FLAGS:
        // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP is a hint to the scheduler.
        return argument > 1 ? EINVAL : 0;
      default:
        if ((command & NUMBER_MASK) === NOTIF_ADDFD) return this.#addFd(task, argument, (command & SIZE_MASK) >>> 16);
        return (command & 0xff00) === 0x2100 ? EINVAL : ENOTTY;
    }
  }

  /** NOTIF_RECV sleeps until there is something to read. */
  override waitsInIoctl(command: number): boolean {
    return command === NOTIF_RECV;
  }

  #receive(task: Task, addr: UserAddr): number {
    const old = task.memory.copyIn(addr, NOTIF_SIZE);
    if (isErrno(old)) return EFAULT;
    if (old.some((byte) => byte !== 0)) return EINVAL;
    const notification = this.#notifications.find(({ state }) => state === "asked");
    if (notification === undefined) return this.#hasUsers() ? EAGAIN : ENOENT;
    const bytes = new Uint8Array(NOTIF_SIZE);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, notification.id, true);
    view.setUint32(4, Math.floor(notification.id / TWO_32), true);
    view.setInt32(8, notification.task.pid.in(task.pidNamespace), true);
    bytes.set(notification.data, 16);
    if (task.memory.copyOut(addr, bytes) < 0) return EFAULT;
    notification.state = "read";
    this.#queue.notify();
    return 0;
  }

  #send(task: Task, addr: UserAddr): number {
    const view = task.memory.viewIn(addr, RESPONSE_SIZE);
    if (isErrno(view)) return EFAULT;
    const value = view.getInt32(12, true) * TWO_32 + view.getUint32(8, true);
    const error = view.getInt32(16, true);
    const flags = view.getUint32(20, true);
    if ((flags & ~FLAG_CONTINUE) !== 0 || (flags !== 0 && (error !== 0 || value !== 0))) return EINVAL;
    const notification = this.#find(view.getUint32(0, true) + view.getUint32(4, true) * TWO_32);
    if (notification === null) return ENOENT;
    if (notification.state !== "read") return EINPROGRESS;
    this.#answer(notification, flags !== 0 ? CALL_GOES_ON : error !== 0 ? error : value);
    return 0;
  }

  /** A copy of one of the listener's files for the task that waits. */
  #addFd(task: Task, addr: UserAddr, size: number): number {
    if (size < ADDFD_SIZE || size >= PAGE) return EINVAL;
    const rest = task.memory.copyIn(addr + ADDFD_SIZE, size - ADDFD_SIZE);
    const view = task.memory.viewIn(addr, ADDFD_SIZE);
    if (isErrno(view) || isErrno(rest)) return EFAULT;
    if (rest.some((byte) => byte !== 0)) return E2BIG;
    const flags = view.getUint32(8, true);
    const target = view.getUint32(16, true);
    const newFlags = view.getUint32(20, true);
    if ((newFlags & ~O_CLOEXEC) !== 0 || (flags & ~(ADDFD_FLAG_SETFD | ADDFD_FLAG_SEND)) !== 0) return EINVAL;
    if (target !== 0 && (flags & ADDFD_FLAG_SETFD) === 0) return EINVAL;
    const file = task.files.get(view.getUint32(12, true));
    if (file === null) return EBADF;
    const notification = this.#find(view.getUint32(0, true) + view.getUint32(4, true) * TWO_32);
    if (notification === null) return ENOENT;
    if (notification.state !== "read") return EINPROGRESS;
    file.take();
    const fd = addFile(notification.task, file, flags, target, newFlags !== 0);
    if (fd < 0) return fd;
    if ((flags & ADDFD_FLAG_SEND) !== 0) this.#answer(notification, fd);
    return fd;
  }
}
