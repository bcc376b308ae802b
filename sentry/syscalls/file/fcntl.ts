import {
  F_ADD_SEALS,
  F_CREATED_QUERY,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GET_RW_HINT,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETLEASE,
  F_GETLK,
  F_GETOWN,
  F_GETOWN_EX,
  F_GETOWNER_UIDS,
  F_GETPIPE_SZ,
  F_GETSIG,
  F_NOTIFY,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_SET_RW_HINT,
  F_SETFD,
  F_SETFL,
  F_SETLEASE,
  F_SETLK,
  F_SETLKW,
  F_SETOWN,
  F_SETOWN_EX,
  F_SETPIPE_SZ,
  F_SETSIG,
  FD_CLOEXEC,
} from "../../../syscall-tables/flags/fd.ts";
import { O_APPEND, O_DIRECT, O_NOATIME, O_NONBLOCK, O_PATH, S_IFIFO, S_IFMT } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import { setDirectoryNotice } from "../../fs/inotify/directory-notice.ts";
import type { Task } from "../../task/task.ts";
import { AsyncNotifier } from "../../vfs/async.ts";
import { isAppendOnly } from "../../vfs/file-flags.ts";
import { getOwner, getOwnerEx, getOwnerUids, getSignal, setOwner, setOwnerEx, setSignal } from "../../vfs/file-owner.ts";
import { getLease, setLease } from "../../vfs/leases.ts";
import { O_ASYNC, type OpenFile } from "../../vfs/open-file.ts";
import { isOwner } from "../../vfs/permission.ts";
import { implement } from "../implement.ts";
import { getRangeLock, setRangeLock } from "./range-lock.ts";

/** What F_SETFL changes (SETFL_MASK). */
const SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC;

const duplicate = (task: Task, file: OpenFile, min: number, isCloexec: boolean): number => {
  if (min >= task.files.limit) return EINVAL;
  const fd = task.files.install(file.take(), isCloexec, min);
  if (fd < 0) file.put();
  return fd;
};

/** O_ASYNC on or off: SIGIO to the file's owner. */
export const setAsync = (file: OpenFile, fd: number, isOn: boolean): void => {
  if (isOn) {
    file.async ??= new AsyncNotifier(file);
    file.async.fd = fd;
    file.async.arm();
    file.flags |= O_ASYNC;
  } else {
    file.async?.disarm();
    file.flags &= ~O_ASYNC;
  }
};

const setFlags = (task: Task, fd: number, file: OpenFile, wanted: number): number => {
  const flags = (file.flags & ~SETTABLE) | (wanted & SETTABLE);
  if ((flags & O_NOATIME) !== 0 && (file.flags & O_NOATIME) === 0 && !isOwner(file.inode, task.creds)) return EPERM;
  if (((flags ^ file.flags) & O_APPEND) !== 0 && isAppendOnly(file.inode)) return EPERM;
  if ((flags & O_DIRECT) !== 0 && !file.isRegular && (file.inode.mode & S_IFMT) !== S_IFIFO) return EINVAL;
  const error = file.flagsChanging(flags);
  if (error < 0) return error;
  const isAsync = (flags & O_ASYNC) !== 0;
  if (isAsync !== ((file.flags & O_ASYNC) !== 0)) setAsync(file, fd, isAsync);
  file.flags = flags;
  return 0;
};

/** RWH_WRITE_LIFE_EXTREME; what the hint would do to a device, the host's files do without. */
const WRITE_HINT_MAX = 5;

/** fcntl_set_rw_hint() */
const setWriteHint = (task: Task, { inode }: OpenFile, addr: number): number => {
  if (!isOwner(inode, task.creds)) return EPERM;
  const view = task.memory.viewIn(addr, 8);
  if (isErrno(view)) return EFAULT;
  if (view.getUint32(4, true) !== 0 || view.getUint32(0, true) > WRITE_HINT_MAX) return EINVAL;
  inode.writeHint = view.getUint32(0, true);
  return 0;
};

/** What an O_PATH descriptor allows (check_fcntl_cmd). */
const onDescriptor = (task: Task, fd: number, file: OpenFile, command: number, argument: number): number => {
  switch (command) {
    case F_CREATED_QUERY:
      return 0;
    case F_DUPFD:
      return duplicate(task, file, argument, false);
    case F_DUPFD_CLOEXEC:
      return duplicate(task, file, argument, true);
    case F_DUPFD_QUERY:
      return task.files.get(argument) === file ? 1 : 0;
    case F_GETFD:
      return task.files.isCloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      task.files.setCloexec(fd, (argument & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags;
    default:
      return EBADF;
  }
};

const onFile = (task: Task, fd: number, file: OpenFile, command: number, argument: number): number => {
  switch (command) {
    case F_SETFL:
      return setFlags(task, fd, file, argument >>> 0);
    case F_GETLK:
    case F_OFD_GETLK:
      return getRangeLock(task, file, argument, command === F_OFD_GETLK);
    case F_SETLK:
    case F_SETLKW:
      return setRangeLock(task, fd, file, argument, false, command === F_SETLKW);
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return setRangeLock(task, fd, file, argument, true, command === F_OFD_SETLKW);
    case F_GETOWN:
      return getOwner(task, file);
    case F_SETOWN:
      return setOwner(task, file, argument | 0);
    case F_GETOWN_EX:
      return getOwnerEx(task, file, argument);
    case F_SETOWN_EX:
      return setOwnerEx(task, file, argument);
    case F_GETOWNER_UIDS:
      return getOwnerUids(task, file, argument);
    case F_GETSIG:
      return getSignal(file);
    case F_SETSIG:
      return setSignal(file, argument);
    case F_GETPIPE_SZ:
      return file.pipeSize();
    case F_SETPIPE_SZ:
      return file.setPipeSize(argument, task);
    case F_GET_SEALS:
      return file.seals();
    case F_ADD_SEALS:
      return file.canWrite ? file.addSeals(argument) : EPERM;
    case F_GETLEASE:
      return getLease(task, file);
    case F_SETLEASE:
      return setLease(task, fd, file, argument);
    case F_NOTIFY:
      return setDirectoryNotice(task, fd, file, argument);
    case F_GET_RW_HINT:
      return task.memory.storeU64(argument, file.inode.writeHint);
    case F_SET_RW_HINT:
      return setWriteHint(task, file, argument);
    default:
      return EINVAL;
  }
};

/** fcntl(2) */
export const sys_fcntl = implement("fcntl", { level: "full" }, (task, fd, command, argument) => {
  const file = task.files.get(fd);
  if (file === null) return EBADF;
  const result = onDescriptor(task, fd, file, command, argument);
  if (result !== EBADF || (file.flags & O_PATH) !== 0) return result;
  return onFile(task, fd, file, command, argument);
});
