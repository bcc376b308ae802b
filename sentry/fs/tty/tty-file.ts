/** An open terminal: a pty's slave or the caller's own terminal. */

import { TIOCSPGRP } from "../../../syscall-tables/flags/ioctl.ts";
import { O_NOCTTY } from "../../../syscall-tables/flags/open.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { SIGTTIN, SIGTTOU } from "../../../syscall-tables/flags/signal.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EBUSY, EIO, ENOTTY, type Errno } from "../../abi/errno.ts";

import type { WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";

import { acquireOnOpen } from "./job-control.ts";
import type { Terminal } from "./terminal.ts";
import { terminalIoctl } from "./tty-ioctl.ts";

const HUNG_UP_READINESS = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;

export class TtyFile extends OpenFile {
  readonly terminal: Terminal;
  readonly #generation: number;

  constructor(terminal: Terminal, inode: Inode, path: Path | null, flags: number) {
    super(inode, path, flags);
    this.terminal = terminal;
    this.#generation = terminal.generation;
    terminal.fileOpened();
  }

  protected override release(): void {
    this.terminal.fileClosed();
  }

  /** tty_hung_up_p() */
  get isHungUp(): boolean {
    return this.#generation !== this.terminal.generation;
  }

  override read(io: Io, task: Task): number {
    if (this.isHungUp) return 0;
    const error = this.terminal.checkBackground(task, SIGTTIN);
    if (error !== 0) return error;
    return this.terminal.read(io, task, this.isNonblocking);
  }

  override write(io: Io, task: Task): number {
    if (this.isHungUp) return EIO;
    if (this.terminal.isBackground(task) && this.terminal.stopsBackgroundOutput) {
      const error = this.terminal.checkBackground(task, SIGTTOU);
      if (error !== 0) return error;
    }
    return this.terminal.write(io);
  }

  override ioctl(task: Task, command: number, argument: number): number {
    if (this.isHungUp) return command === TIOCSPGRP ? ENOTTY : EIO;
    return terminalIoctl(task, this.terminal, command, argument, { isMaster: false, canRead: this.canRead, canWrite: this.canWrite });
  }

  override readiness(): number {
    return this.isHungUp ? HUNG_UP_READINESS : this.terminal.readiness();
  }

  override get anonymousName(): string {
    return `/dev/${this.terminal.name}`;
  }

  override get waitQueue(): WaitQueue {
    return this.terminal.waitQueue;
  }
}

/** tty_open(): `flags` are those of open(2), O_NOCTTY included. */
export const openTerminal = (terminal: Terminal, inode: Inode, path: Path | null, flags: number, task: Task): TtyFile | Errno => {
  const error = terminal.mayOpen();
  if (error < 0) return error as Errno;
  if (terminal.isExclusive && !task.creds.has(CAP_SYS_ADMIN)) return EBUSY;
  const file = new TtyFile(terminal, inode, path, flags);
  if ((flags & O_NOCTTY) === 0 && file.canRead) acquireOnOpen(terminal, task);
  return file;
};
