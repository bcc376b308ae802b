import { LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN } from "../../../syscall-tables/flags/fd.ts";
import { EAGAIN, EINVAL, ERESTARTSYS, isErrno } from "../../abi/errno.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { dropFlock, locksOf, setFlock } from "../../vfs/locks.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { implement } from "../implement.ts";
import { watchHostLock } from "./host-lock-timer.ts";

const LOCK_MAND = 32;

class FlockOp extends BlockingOp {
  readonly #file: OpenFile;
  readonly #isExclusive: boolean;

  constructor(file: OpenFile, isExclusive: boolean) {
    super();
    this.#file = file.take();
    this.#isExclusive = isExclusive;
  }

  subscribe(task: Task): void {
    task.waitOn(locksOf(this.#file.inode).queue);
    watchHostLock(this.#file.inode, task);
  }

  step(task: Task): number {
    const result = setFlock(this.#file, this.#isExclusive, task.process.pid);
    if (result === EAGAIN) return BLOCKED;
    this.#file.put();
    return result;
  }

  override interrupted(_task: Task): number {
    this.#file.put();
    return ERESTARTSYS;
  }

  describe(): string {
    return "flock";
  }
}

/** flock(2) */
export const sys_flock = implement("flock", { level: "full" }, (task, fd, command) => {
  // Mandatory locks are gone from Linux; asking for one succeeds and does nothing.
  if ((command & LOCK_MAND) !== 0) return 0;
  const kind = command & ~LOCK_NB;
  if (kind !== LOCK_SH && kind !== LOCK_EX && kind !== LOCK_UN) return EINVAL;
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (kind === LOCK_UN) {
    dropFlock(file);
    return 0;
  }
  const result = setFlock(file, kind === LOCK_EX, task.process.pid);
  if (result !== EAGAIN || (command & LOCK_NB) !== 0) return result;
  return task.block(new FlockOp(file, kind === LOCK_EX));
});
