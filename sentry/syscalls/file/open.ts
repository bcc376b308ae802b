import { AT_FDCWD, O_CLOEXEC, O_CREAT, O_LARGEFILE, O_PATH, O_TRUNC, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import { EAGAIN, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { type InodeLeases, takeAwaitedLeases } from "../../vfs/leases.ts";

import { implement } from "../implement.ts";
import { LeaseOp } from "./lease-op.ts";
import { OpenOp, waitsForPeer } from "./open-op.ts";

class LeasedOpenOp extends LeaseOp {
  readonly #call: readonly [dirfd: number, path: string, flags: number, mode: number, resolve: number];

  constructor(leases: InodeLeases, ...call: readonly [dirfd: number, path: string, flags: number, mode: number, resolve: number]) {
    super(leases);
    this.#call = call;
  }

  protected override again(task: Task): number {
    const [dirfd, path, flags, mode, resolve] = this.#call;
    const full = task.files.canInstall();
    if (full < 0) return full;
    const file = task.kernel.vfs.openAt(task, dirfd, path, flags | O_LARGEFILE, mode, resolve);
    return isErrno(file) ? file : task.files.install(file, (flags & O_CLOEXEC) !== 0);
  }
}

/** do_sys_openat2(): the fd first, so that nothing is made when there is none left. */
export const openFd = (task: Task, dirfd: number, path: string, flags: number, mode: number, resolve: number): number => {
  const full = task.files.canInstall();
  if (full < 0) return full as Errno;
  const file = task.kernel.vfs.openAt(task, dirfd, path, (flags & O_PATH) !== 0 ? flags : flags | O_LARGEFILE, mode, resolve);
  if (isErrno(file)) {
    const leases = file === EAGAIN ? takeAwaitedLeases() : null;
    return leases === null ? file : task.block(new LeasedOpenOp(leases, dirfd, path, flags, mode, resolve));
  }
  const isCloexec = (flags & O_CLOEXEC) !== 0;
  if (waitsForPeer(task, file)) return task.block(new OpenOp(file, isCloexec));
  return task.files.install(file, isCloexec);
};

/** open(2) */
export const sys_open = implement("open", { level: "full" }, (task, path, flags, mode) => openFd(task, AT_FDCWD, path, flags, mode, 0));

/** openat(2) */
export const sys_openat = implement("openat", { level: "full" }, (task, dirfd, path, flags, mode) =>
  openFd(task, dirfd, path, flags, mode, 0),
);

/** creat(2) */
export const sys_creat = implement("creat", { level: "full" }, (task, path, mode) =>
  openFd(task, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, 0),
);
