import { O_ACCMODE, O_CREAT, O_EXCL, O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD } from "../../../syscall-tables/flags/signal.ts";
import { CAP_SYS_RESOURCE } from "../../../syscall-tables/flags/system.ts";
import { NAME_MAX } from "../../../syscall-tables/limits.ts";
import {
  EACCES,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTSOCK,
  EPERM,
  type Errno,
  isErrno,
} from "../../abi/errno.ts";

import { isValidSignal } from "../../abi/signal.ts";
import { ipcNamespaceOf } from "../../ipc/ipc-namespace.ts";
import { type PosixQueue, PosixQueueFile, type ThreadNotice } from "../../ipc/posix-queue.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { HostNetlinkSocket } from "../../net/host/host-netlink.ts";
import { NetlinkSocket } from "../../net/netlink/netlink-socket.ts";
import { Socket } from "../../net/socket.ts";
import type { Task } from "../../task/task.ts";

import { isOwner, MAY_READ, MAY_WRITE, mayAccess } from "../../vfs/permission.ts";
import { implement } from "../implement.ts";

const MQ_ATTR_SIZE = 64;
const SIGEVENT_SIZE = 64;
const COOKIE_LENGTH = 32;
const HARD_MESSAGES = 65536;
const HARD_BYTES = 16 * 1024 * 1024;

const wordAt = (view: DataView, at: number): number => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

const long = (view: DataView, at: number): number => view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

/** mqueue_create_attr() and mq_attr_ok() */
const createQueue = (task: Task, name: string, mode: number, attrAddr: UserAddr): PosixQueue | number => {
  const { posixQueues, limits } = ipcNamespaceOf(task);
  let maxMessages = Math.min(limits.mqMessagesMax, limits.mqMessagesDefault);
  let maxBytes = Math.min(limits.mqBytesMax, limits.mqBytesDefault);
  if (attrAddr !== 0) {
    const view = task.memory.viewIn(attrAddr, MQ_ATTR_SIZE);
    if (typeof view === "number") return EFAULT;
    maxMessages = long(view, 8);
    maxBytes = long(view, 16);
  }
  const isPrivileged = task.creds.has(CAP_SYS_RESOURCE);
  if (posixQueues.isFull && !isPrivileged) return ENOSPC;
  if (maxMessages <= 0 || maxBytes <= 0) return EINVAL;
  if (maxMessages > (isPrivileged ? HARD_MESSAGES : limits.mqMessagesMax)) return EINVAL;
  if (maxBytes > (isPrivileged ? HARD_BYTES : limits.mqBytesMax)) return EINVAL;
  return posixQueues.create(task, name, mode, maxMessages, maxBytes);
};

const ACCESS_MASKS = [MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE];

/** mq_open(3); the C library has taken the leading slash off the name. */
export const sys_mq_open = implement("mq_open", { level: "full" }, (task, name, flags, mode, attrAddr) => {
  if (name.includes("/") || name === "." || name === "..") return EACCES;
  if (name === "") return ENOENT;
  if (name.length > NAME_MAX) return ENAMETOOLONG;
  const error = task.files.canInstall();
  if (error < 0) return error;
  let mq: PosixQueue | number | null = ipcNamespaceOf(task).posixQueues.find(name);
  if (mq === null) {
    if ((flags & O_CREAT) === 0) return ENOENT;
    mq = createQueue(task, name, mode, attrAddr);
    if (typeof mq === "number") return mq;
  } else {
    if ((flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0) return EEXIST;
    if ((flags & O_ACCMODE) === O_ACCMODE) return EINVAL;
    const refused = mayAccess(mq.inode, task.creds, ACCESS_MASKS[flags & O_ACCMODE]);
    if (refused < 0) return refused;
  }
  return task.files.install(new PosixQueueFile(mq, name, flags), true);
});

/** mq_unlink(3) */
export const sys_mq_unlink = implement("mq_unlink", { level: "full" }, (task, name) => {
  if (name.length > NAME_MAX) return ENAMETOOLONG;
  const { posixQueues } = ipcNamespaceOf(task);
  const mq = posixQueues.find(name);
  if (mq === null) return name.includes("/") ? EACCES : ENOENT;
  // The directory is root's, with the sticky bit.
  if (!isOwner(mq.inode, task.creds) && task.creds.fsuid !== 0) return EPERM;
  posixQueues.unlink(name);
  return 0;
});

const queueFile = (task: Task, fd: number): PosixQueueFile | number => {
  const file = task.file(fd);
  return !isErrno(file) && file instanceof PosixQueueFile ? file : EBADF;
};

/** What mq_notify(3) of SIGEV_THREAD sends to a thread of the C library: `cookie`, by the netlink socket `fd`. */
const readCookie = (task: Task, fd: number, addr: number): ThreadNotice | Errno => {
  const cookie = task.memory.copyIn(addr, COOKIE_LENGTH);
  if (isErrno(cookie)) return EFAULT;
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (!(file instanceof Socket)) return ENOTSOCK;
  return file instanceof NetlinkSocket || file instanceof HostNetlinkSocket ? { socket: file, cookie } : EINVAL;
};

/** mq_notify(3) */
export const sys_mq_notify = implement("mq_notify", { level: "full" }, (task, fd, eventAddr) => {
  const view = eventAddr === 0 ? null : task.memory.viewIn(eventAddr, SIGEVENT_SIZE);
  if (typeof view === "number") return EFAULT;
  const kind = view === null ? SIGEV_NONE : view.getInt32(12, true);
  const signal = view === null ? 0 : view.getInt32(8, true);
  if (view !== null && kind !== SIGEV_NONE && kind !== SIGEV_SIGNAL && kind !== SIGEV_THREAD) return EINVAL;
  if (kind === SIGEV_SIGNAL && !isValidSignal(signal)) return EINVAL;
  const notice = view !== null && kind === SIGEV_THREAD ? readCookie(task, signal, wordAt(view, 0)) : null;
  if (typeof notice === "number") return notice;
  const file = queueFile(task, fd);
  if (typeof file === "number") return file;
  const { process } = task;
  if (view !== null) {
    const [valueLo, valueHi] = [view.getUint32(0, true), view.getUint32(4, true)];
    return file.mq.register({ process, kind, signal, valueLo, valueHi, file, notice });
  }
  file.mq.unregister(process);
  return 0;
});

/** mq_getattr(3), mq_setattr(3) */
export const sys_mq_getsetattr = implement("mq_getsetattr", { level: "full" }, (task, fd, newAddr, oldAddr) => {
  const view = newAddr === 0 ? null : task.memory.viewIn(newAddr, MQ_ATTR_SIZE);
  if (typeof view === "number") return EFAULT;
  if (view !== null && (long(view, 0) & ~O_NONBLOCK) !== 0) return EINVAL;
  const file = queueFile(task, fd);
  if (typeof file === "number") return file;
  const { mq } = file;
  const old = [file.flags & O_NONBLOCK, mq.maxMessages, mq.maxBytes, mq.messages.length, 0, 0, 0, 0];
  if (view !== null) file.flags = (file.flags & ~O_NONBLOCK) | (long(view, 0) & O_NONBLOCK);
  if (oldAddr === 0) return 0;
  return task.memory.copyOut(oldAddr, new Uint8Array(BigInt64Array.from(old, BigInt).buffer));
});
