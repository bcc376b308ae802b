/** File descriptors (struct files_struct): what CLONE_FILES shares. */
import { RLIMIT_NOFILE } from "../../syscall-tables/flags/process.ts";
import { EBADF, EMFILE, type Errno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { dropPosixLocks } from "./locks.ts";
import { pathEvents } from "./notify.ts";
import type { OpenFile } from "./open-file.ts";

/** The part of a process's resource limits that the table asks. */
export interface FdLimits {
  get(resource: number): { soft: number };
}

export class FdTable {
  readonly #limits: FdLimits;
  #files: (OpenFile | null)[] = [];
  /** FD_CLOEXEC by fd. */
  #cloexec: boolean[] = [];
  /** No free fd lies below it. */
  #firstFree = 0;
  #references = 1;

  constructor(limits: FdLimits) {
    this.#limits = limits;
  }

  /** RLIMIT_NOFILE: the first fd that cannot be had. */
  get limit(): number {
    return this.#limits.get(RLIMIT_NOFILE).soft;
  }

  /** The open file of `fd` (O_PATH ones too), or null. */
  get(fd: number): OpenFile | null {
    return this.#files[fd] ?? null;
  }

  /** Puts `file` at the lowest free fd from `min` on. The table takes over the caller's reference; on EMFILE the caller keeps it. */
  install(file: OpenFile, isCloexec: boolean, min = 0): number {
    const fd = this.#lowestFree(min);
    if (fd >= this.limit) return EMFILE;
    this.#place(fd, file, isCloexec);
    return fd;
  }

  /** The fd that `install` would return next, or EMFILE: call before side effects that cannot be undone. */
  canInstall(count = 1): 0 | Errno {
    let fd = -1;
    const limit = this.limit;
    for (let i = 0; i < count; i++) {
      fd = this.#lowestFree(fd + 1);
      if (fd >= limit) return EMFILE;
    }
    return 0;
  }

  #lowestFree(min: number): number {
    const files = this.#files;
    let fd = Math.max(min, this.#firstFree);
    while (fd < files.length && files[fd] !== null) fd++;
    if (min <= this.#firstFree) this.#firstFree = fd;
    return fd;
  }

  #place(fd: number, file: OpenFile, isCloexec: boolean): void {
    while (this.#files.length < fd) {
      this.#files.push(null);
      this.#cloexec.push(false);
    }
    this.#files[fd] = file;
    this.#cloexec[fd] = isCloexec;
  }

  /** dup2(2), dup3(2): `file` replaces what is at `fd`. The table takes over the reference. EBADF beyond the limit (the caller keeps it). */
  dup2(file: OpenFile, fd: number, isCloexec: boolean, task: Task): number {
    if (fd < 0 || fd >= this.limit) return EBADF;
    const old = this.#files[fd] ?? null;
    this.#place(fd, file, isCloexec);
    if (old !== null) this.#drop(old, task);
    return fd;
  }

  /** close(2). */
  close(fd: number, task: Task): number {
    const file = this.#files[fd] ?? null;
    if (file === null) return EBADF;
    this.#files[fd] = null;
    this.#cloexec[fd] = false;
    if (fd < this.#firstFree) this.#firstFree = fd;
    return this.#drop(file, task);
  }

  /** Takes `fd` out without closing it: the caller gets the reference. */
  withdraw(fd: number): OpenFile | null {
    const file = this.#files[fd] ?? null;
    if (file === null) return null;
    this.#files[fd] = null;
    if (fd < this.#firstFree) this.#firstFree = fd;
    return file;
  }

  /** filp_close(): flush, then the POSIX locks of this table on the file go. */
  #drop(file: OpenFile, task: Task): number {
    const result = file.flush(task);
    if (file.inode.locks !== null) dropPosixLocks(file.inode, this);
    if (file.closeListeners !== null) for (const listener of [...file.closeListeners]) listener.closedBy(this);
    if (pathEvents.hear !== null) pathEvents.closer = task;
    file.put();
    pathEvents.closer = null;
    return result;
  }

  isCloexec(fd: number): boolean {
    return this.#cloexec[fd] === true;
  }
  setCloexec(fd: number, isCloexec: boolean): void {
    if (this.get(fd) !== null) this.#cloexec[fd] = isCloexec;
  }

  /** exec(2). */
  closeOnExec(task: Task): void {
    for (let fd = 0; fd < this.#files.length; fd++) if (this.#cloexec[fd]) this.close(fd, task);
  }

  /** close_range(2) without CLOSE_RANGE_CLOEXEC. */
  closeRange(first: number, last: number, task: Task): void {
    const end = Math.min(last, this.#files.length - 1);
    for (let fd = first; fd <= end; fd++) if (this.#files[fd] !== null) this.close(fd, task);
  }

  /** One past the highest fd in use. */
  get end(): number {
    let end = this.#files.length;
    while (end > 0 && this.#files[end - 1] === null) end--;
    return end;
  }

  /** The fds in use, ascending. */
  *fds(): Generator<number> {
    for (let fd = 0; fd < this.#files.length; fd++) if (this.#files[fd] !== null) yield fd;
  }

  *[Symbol.iterator](): Generator<[number, OpenFile]> {
    for (let fd = 0; fd < this.#files.length; fd++) {
      const file = this.#files[fd];
      if (file !== null) yield [fd, file];
    }
  }

  /** fork(2): the same open files in a table of its own; `limits` are those of the new process. */
  fork(limits: FdLimits = this.#limits): FdTable {
    const copy = new FdTable(limits);
    copy.#files = this.#files.slice(0, this.end);
    copy.#cloexec = this.#cloexec.slice(0, copy.#files.length);
    copy.#firstFree = this.#firstFree;
    for (const file of copy.#files) if (file !== null) file.take();
    return copy;
  }

  get references(): number {
    return this.#references;
  }

  /** One more task shares the table (CLONE_FILES). */
  take(): this {
    this.#references++;
    return this;
  }

  /** A task that shared the table exits or unshares; the last one closes all. */
  put(task: Task): void {
    if (--this.#references > 0) return;
    for (let fd = 0; fd < this.#files.length; fd++) if (this.#files[fd] !== null) this.close(fd, task);
  }
}
