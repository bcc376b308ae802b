import { EBADF, EINVAL, EOPNOTSUPP, EPERM, ESRCH } from "../../abi/errno.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const KCMP_FILE = 0;
const KCMP_VM = 1;
const KCMP_FILES = 2;
const KCMP_FS = 3;
const KCMP_SIGHAND = 4;
const KCMP_IO = 5;
const KCMP_SYSVSEM = 6;
const KCMP_EPOLL_TFD = 7;

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
const compare = (first: object, second: object): number => {
  if (first === second) return 0;
  const firstSerial = serialOf(first);
  return firstSerial < serialOf(second) ? 1 : 2;
};

const compareFiles = (first: Task, fd1: number, second: Task, fd2: number): number => {
  const file1 = first.files.get(fd1);
  const file2 = second.files.get(fd2);
  return file1 === null || file2 === null ? EBADF : compare(file1, file2);
};

/** kcmp(2) */
export const sys_kcmp = implement("kcmp", { level: "partial", note: "no KCMP_EPOLL_TFD" }, (task, pid1, pid2, type, idx1, idx2) => {
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
    case KCMP_SYSVSEM:
      return compare(first, second);
    case KCMP_EPOLL_TFD:
      return EOPNOTSUPP;
    default:
      return EINVAL;
  }
});
