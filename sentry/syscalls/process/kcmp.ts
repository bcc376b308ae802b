import {
  KCMP_EPOLL_TFD,
  KCMP_FILE,
  KCMP_FILES,
  KCMP_FS,
  KCMP_IO,
  KCMP_SIGHAND,
  KCMP_SYSVSEM,
  KCMP_VM,
} from "../../../syscall-tables/flags/process.ts";
import { EBADF, EINVAL, ENOENT, EPERM, ESRCH, isErrno } from "../../abi/errno.ts";
import { EpollFile } from "../../fs/epoll/epoll-file.ts";
import { madeUndoList } from "../../ipc/semaphore-undo.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** sizeof(struct kcmp_epoll_slot): efd, tfd, toff. */
const EPOLL_SLOT_SIZE = 12;

/** Objects get a number when they are first compared: an order that tells nothing else about them. */
const serials = new WeakMap<object, number>();
let lastSerial = 0;
const serialOf = (object: object): number => {
  let serial = serials.get(object);
  if (serial === undefined) {
    serial = ++lastSerial;
    serials.set(object, serial);
  }
  return serial;
};

/** 0: the same, 1: the first is less, 2: the first is greater. */
/** What neither has is the same; what one has not comes first. */
const compare = (first: object | null, second: object | null): number => {
  if (first === second) return 0;
  if (first === null || second === null) return first === null ? 1 : 2;
  const firstSerial = serialOf(first);
  return firstSerial < serialOf(second) ? 1 : 2;
};

const compareFiles = (first: Task, fd1: number, second: Task, fd2: number): number => {
  const file1 = first.files.get(fd1);
  const file2 = second.files.get(fd2);
  return file1 === null || file2 === null ? EBADF : compare(file1, file2);
};

/** KCMP_EPOLL_TFD: `slotAddr` is a struct kcmp_epoll_slot (kcmp_epoll_target). */
const compareEpollTarget = (task: Task, first: Task, fd: number, second: Task, slotAddr: UserAddr): number => {
  const slot = task.memory.viewIn(slotAddr, EPOLL_SLOT_SIZE);
  if (isErrno(slot)) return slot;
  const file = first.files.get(fd);
  const epoll = second.files.get(slot.getInt32(0, true));
  if (file === null || epoll === null) return EBADF;
  if (!(epoll instanceof EpollFile)) return EINVAL;
  const target = epoll.watched(slot.getInt32(4, true), slot.getUint32(8, true));
  return target === null ? ENOENT : compare(file, target);
};

/** kcmp(2) */
export const sys_kcmp = implement("kcmp", { level: "full" }, (task, pid1, pid2, type, idx1, idx2) => {
  const first = task.pidNamespace.task(pid1);
  const second = task.pidNamespace.task(pid2);
  if (first === null || second === null) return ESRCH;
  if (!mayInspect(task, first) || !mayInspect(task, second)) return EPERM;
  switch (type) {
    case KCMP_FILE:
      return compareFiles(first, idx1, second, idx2);
    case KCMP_VM:
      return compare(first.mm, second.mm);
    case KCMP_FILES:
      return compare(first.files, second.files);
    case KCMP_FS:
      return compare(first.fs, second.fs);
    case KCMP_SIGHAND:
      return compare(first.process.actions, second.process.actions);
    case KCMP_IO:
      // Nobody has an I/O context: ioprio_set(2) is kept elsewhere.
      return 0;
    case KCMP_SYSVSEM:
      return compare(madeUndoList(first), madeUndoList(second));
    case KCMP_EPOLL_TFD:
      return compareEpollTarget(task, first, idx1, second, idx2);
    default:
      return EINVAL;
  }
});
