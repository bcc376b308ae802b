/** pidfd_open(2): a process, or with PIDFD_THREAD a thread, held by a file descriptor. */
import { O_NONBLOCK, O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { POLLHUP, POLLIN, POLLRDNORM } from "../../../syscall-tables/flags/poll.ts";
import { EINVAL } from "../../abi/errno.ts";
import type { WaitQueue } from "../../task/blocking.ts";
import type { Pid } from "../../task/pid-namespace.ts";
import type { Process } from "../../task/process.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import { pidfdIoctl } from "./pidfd-ioctl.ts";

export class PidFile extends OpenFile {
  readonly process: Process;
  /** The thread of PIDFD_THREAD; null when it stands for the process. */
  readonly thread: Task | null;
  /** What the process (or thread) is known by, also after its end. */
  readonly pid: Pid;

  constructor(process: Process, thread: Task | null, flags: number) {
    super(anonInode(process.kernel, 0o600), null, O_RDWR | (flags & O_NONBLOCK));
    this.process = process;
    this.thread = thread;
    this.pid = (thread ?? process.leader).pid;
  }

  /** The task to act on; null once it is reaped (or the thread has exited). */
  get target(): Task | null {
    if (this.thread !== null) return this.thread.isDead ? null : this.thread;
    return this.process.isReaped ? null : this.process.leader;
  }

  /** A file of pidfs, not a stream; it has nothing to read or write. */
  override pread(): number {
    return EINVAL;
  }
  override pwrite(): number {
    return EINVAL;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    return pidfdIoctl(task, this.process, this.pid, this.target, command, argument);
  }

  override readiness(): number {
    const hasEnded = this.thread === null ? this.process.isZombie : this.thread.isDead;
    if (!hasEnded) return 0;
    return this.process.isReaped ? POLLIN | POLLRDNORM | POLLHUP : POLLIN | POLLRDNORM;
  }

  override get waitQueue(): WaitQueue {
    return this.thread === null ? this.process.exited : this.process.threadsExited;
  }

  override get anonymousName(): string {
    return "anon_inode:[pidfd]";
  }

  override fdInfo(): string {
    const numbers = this.process.isReaped ? [-1] : this.pid.numbers;
    return `Pid:\t${numbers[0]}\nNSpid:\t${numbers.join("\t")}\n`;
  }
}

/** A pidfd for `process`, for clone(CLONE_PIDFD), SO_PEERPIDFD and pidfd_open(2). `flags`: PIDFD_NONBLOCK. */
export const createPidfd = (process: Process, flags: number): OpenFile => new PidFile(process, null, flags);

/** The process behind a pidfd, for waitid(P_PIDFD) and setns(2); null for any other file. */
export const pidfdProcess = (file: OpenFile): Process | null => (file instanceof PidFile ? file.process : null);
