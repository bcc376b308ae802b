/** The master side of a pty, as opening /dev/ptmx gives it (pty(7), pts(4)). */

import {
  FIONREAD,
  TCFLSH,
  TIOCGPKT,
  TIOCGPTLCK,
  TIOCGPTN,
  TIOCGPTPEER,
  TIOCPKT,
  TIOCSIG,
  TIOCSPTLCK,
} from "../../../syscall-tables/flags/ioctl.ts";
import { O_CLOEXEC } from "../../../syscall-tables/flags/open.ts";
import { SIGINT, SIGQUIT, SIGTSTP } from "../../../syscall-tables/flags/signal.ts";
import { EINVAL, type Errno, isErrno } from "../../abi/errno.ts";

import type { WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { TCIFLUSH, TCIOFLUSH, TCOFLUSH } from "./ioctl-numbers.ts";
import type { Pty } from "./pty.ts";
import { terminalIoctl } from "./tty-ioctl.ts";

export class PtyMaster extends OpenFile {
  readonly pty: Pty;
  readonly #openPeer: (flags: number, task: Task) => OpenFile | Errno;
  readonly #onRelease: () => void;

  /** `openPeer` opens the slave for TIOCGPTPEER; `onRelease` takes its name away. */
  constructor(
    pty: Pty,
    inode: Inode,
    path: Path | null,
    flags: number,
    openPeer: (flags: number, task: Task) => OpenFile | Errno,
    onRelease: () => void,
  ) {
    super(inode, path, flags);
    this.pty = pty;
    this.#openPeer = openPeer;
    this.#onRelease = onRelease;
  }

  protected override release(): void {
    this.#onRelease();
    this.pty.closeMaster();
  }

  override read(io: Io, _task: Task): number {
    return this.pty.masterRead(io);
  }

  override write(io: Io, _task: Task): number {
    return this.pty.masterWrite(io);
  }

  override readiness(): number {
    return this.pty.masterReadiness();
  }

  override get waitQueue(): WaitQueue {
    return this.pty.masterQueue;
  }

  /** Since Linux 4.13. */
  override fdInfo(): string {
    return `tty-index:\t${this.pty.index}\n`;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    const { pty } = this;
    const { memory } = task;
    switch (command) {
      case TIOCGPTN:
        return memory.storeU32(argument, pty.index);
      case TIOCSPTLCK: {
        const lock = memory.loadU32(argument);
        if (lock < 0) return lock;
        pty.isLocked = lock !== 0;
        return 0;
      }
      case TIOCGPTLCK:
        return memory.storeU32(argument, pty.isLocked ? 1 : 0);
      case TIOCPKT: {
        const isOn = memory.loadU32(argument);
        if (isOn < 0) return isOn;
        pty.setPacketMode(isOn !== 0);
        return 0;
      }
      case TIOCGPKT:
        return memory.storeU32(argument, pty.isPacketMode ? 1 : 0);
      case TIOCSIG:
        return this.#sendSignal(argument);
      case TIOCGPTPEER:
        return this.#installPeer(task, argument);
      case FIONREAD:
        return memory.storeU32(argument, pty.unreadLength);
      case TCFLSH:
        if (argument !== TCIFLUSH && argument !== TCOFLUSH && argument !== TCIOFLUSH) return EINVAL;
        if (argument !== TCOFLUSH) pty.flushPrinted();
        if (argument !== TCIFLUSH) pty.flushTyped();
        return 0;
      default:
        return terminalIoctl(task, pty, command, argument, { isMaster: true, canRead: this.canRead, canWrite: this.canWrite });
    }
  }

  /** pty_signal(): only what a terminal could have sent. */
  #sendSignal(signal: number): number {
    if (signal !== SIGINT && signal !== SIGQUIT && signal !== SIGTSTP) return EINVAL;
    this.pty.signal(signal);
    return 0;
  }

  #installPeer(task: Task, flags: number): number {
    const file = this.#openPeer(flags, task);
    if (isErrno(file)) return file;
    const fd = task.files.install(file, (flags & O_CLOEXEC) !== 0);
    if (fd < 0) file.put();
    return fd;
  }
}
