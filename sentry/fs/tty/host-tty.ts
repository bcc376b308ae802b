/**
 * The caller's terminal, inherited as a host fd. The host kernel's line discipline stays
 * in charge of editing, echo and modes; session, foreground group and job control are the
 * sentry's. Its signals (^C, ^Z, a new window size, hang-up) arrive as messages.
 *
 * The open file description is shared with the caller's shell, so O_NONBLOCK is never set
 * on it: the fd is polled first, and what poll promises does not block.
 */

import { hostCall3 } from "../../../native/ffi/syscall-unsafe.ts";
import {
  FIONREAD,
  TCFLSH,
  TCGETS2,
  TCSETS2,
  TCSETSF2,
  TCSETSW2,
  TCXONC,
  TIOCGWINSZ,
  TIOCOUTQ,
  TIOCSWINSZ,
} from "../../../syscall-tables/flags/ioctl.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { SIGHUP, SIGWINCH } from "../../../syscall-tables/flags/signal.ts";
import { ICANON, TOSTOP } from "../../../syscall-tables/flags/terminal.ts";
import { EAGAIN, EINVAL, EIO, type Errno } from "../../abi/errno.ts";

import type { Kernel } from "../../kernel.ts";
import type { Process } from "../../task/process.ts";
import { kernelSignal, sendSignalToProcess } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { makedev } from "../../vfs/devices.ts";
import type { Io } from "../../vfs/io.ts";

import type { Path } from "../../vfs/path.ts";
import type { HostFdLease } from "./host-fd-lease.ts";
import { hostPage } from "./host-memory.ts";
import { TCIFLUSH, TCION, TCOFLUSH } from "./ioctl-numbers.ts";
import { attachTerminal, controls } from "./job-control.ts";
import { type SetMode, Terminal, type WindowSize } from "./terminal.ts";
import { TERMIOS2_SIZE, Termios } from "./termios.ts";
import { TimedReads } from "./timed-reads.ts";

const SYS_ioctl = 16;
const READ_LIMIT = 4096;
/** Writes go out in pieces that fit once poll says POLLOUT, so that a slow terminal does not stop the sentry. */
const WRITE_LIMIT = 256;
const SET_COMMANDS: Readonly<Record<SetMode, number>> = { now: TCSETS2, drain: TCSETSW2, flush: TCSETSF2 };

export class HostTerminal extends Terminal {
  /** Inside it is /dev/console, or a slave of the container's devpts; whatever the host calls it. */
  rdev = makedev(5, 1);
  name = "console";
  /** That slave, once it has one. */
  slavePath: Path | null = null;
  /** No file of it is open any more. */
  onUnused: (() => void) | null = null;
  #files = 0;
  /** The host's st_rdev: two fds of one terminal are one terminal here. */
  readonly hostRdev: number;
  /** The sandbox is in the foreground of the caller's shell. While it is not, every group here is in the background. */
  isCallerForeground = true;
  readonly #hostFd: number;
  readonly #kernel: Kernel;
  readonly #modes = new Termios();
  readonly #timedReads = new TimedReads(this.waitQueue);
  readonly #lease: HostFdLease | null;

  /** `hostFd` should be open for reading and writing; `hostRdev` is what fstat shows for it. */
  constructor(kernel: Kernel, hostFd: number, hostRdev: number, lease: HostFdLease | null = null) {
    super();
    this.#lease = lease;
    this.#kernel = kernel;
    this.#hostFd = hostFd;
    this.hostRdev = hostRdev;
    kernel.hostPoller.watch(hostFd, this.waitQueue);
  }

  override fileOpened(): void {
    this.#files++;
    this.#lease?.take();
  }

  override fileClosed(): void {
    if (--this.#files === 0) this.onUnused?.();
    this.#lease?.put();
  }

  /** An ioctl with a pointer to the shared page. */
  #ioctl(command: number): number {
    return hostCall3(SYS_ioctl, this.#hostFd, command, hostPage().address);
  }

  #ioctlWord(command: number): number {
    const result = this.#ioctl(command);
    return result < 0 ? result : hostPage().i32[0];
  }

  getTermios(target: Termios): number {
    const error = this.#ioctl(TCGETS2);
    if (error < 0) return error;
    target.decode(new DataView(hostPage().u8.buffer, hostPage().u8.byteOffset, TERMIOS2_SIZE));
    return 0;
  }

  setTermios(termios: Termios, mode: SetMode): number {
    hostPage().u8.set(termios.encode(TERMIOS2_SIZE));
    const error = this.#ioctl(SET_COMMANDS[mode]);
    // Other modes may make input readable that was not, or the other way round.
    if (error >= 0) this.waitQueue.notify();
    return error;
  }

  getWindowSize(target: WindowSize): number {
    const error = this.#ioctl(TIOCGWINSZ);
    if (error < 0) return error;
    const { view } = hostPage();
    target.rows = view.getUint16(0, true);
    target.cols = view.getUint16(2, true);
    target.xpixel = view.getUint16(4, true);
    target.ypixel = view.getUint16(6, true);
    return 0;
  }

  setWindowSize(size: WindowSize): number {
    const before: WindowSize = { rows: 0, cols: 0, xpixel: 0, ypixel: 0 };
    const error = this.getWindowSize(before);
    if (error < 0) return error;
    if (before.rows === size.rows && before.cols === size.cols && before.xpixel === size.xpixel && before.ypixel === size.ypixel) return 0;
    const { view } = hostPage();
    view.setUint16(0, size.rows, true);
    view.setUint16(2, size.cols, true);
    view.setUint16(4, size.xpixel, true);
    view.setUint16(6, size.ypixel, true);
    const result = this.#ioctl(TIOCSWINSZ);
    if (result >= 0) this.signal(SIGWINCH);
    return result;
  }

  read(io: Io, task: Task, isNonblocking: boolean): number {
    if (io.remaining === 0) return 0;
    const events = this.#kernel.hostPoller.readiness(this.#hostFd);
    const error = this.getTermios(this.#modes);
    if (error < 0) return (events & POLLHUP) !== 0 ? 0 : error;
    if ((this.#modes.lflag & ICANON) !== 0) {
      if ((events & (POLLIN | POLLHUP | POLLERR)) === 0) return EAGAIN;
      return this.#readHost(io, READ_LIMIT);
    }
    if ((events & (POLLHUP | POLLERR)) !== 0) return this.#readHost(io, READ_LIMIT);
    const available = Math.max(0, this.#ioctlWord(FIONREAD));
    const verdict = this.#timedReads.check(this.#modes.cc, available, io.remaining, task, isNonblocking);
    if (verdict === "wait") return EAGAIN;
    // No more than is there: the host's own VMIN and VTIME must not make the sentry wait.
    return verdict === "end" || available === 0 ? 0 : this.#readHost(io, Math.min(available, READ_LIMIT));
  }

  #readHost(io: Io, limit: number): number {
    return io.putFromHost(this.#hostFd, -1, Math.min(io.remaining, limit));
  }

  write(io: Io): number {
    let done = 0;
    while (io.remaining > 0) {
      const events = this.#kernel.hostPoller.readiness(this.#hostFd);
      if ((events & (POLLHUP | POLLERR)) !== 0) return done > 0 ? done : EIO;
      if ((events & POLLOUT) === 0) return done > 0 ? done : EAGAIN;
      const n = io.takeToHost(this.#hostFd, -1, Math.min(io.remaining, WRITE_LIMIT));
      if (n <= 0) return done > 0 ? done : n;
      done += n;
    }
    return done;
  }

  readiness(): number {
    let bits = this.#kernel.hostPoller.readiness(this.#hostFd) & (POLLIN | POLLOUT | POLLHUP | POLLERR);
    if ((bits & POLLIN) !== 0) bits |= POLLRDNORM;
    if ((bits & POLLOUT) !== 0) bits |= POLLWRNORM;
    return bits;
  }

  inputLength(): number {
    return Math.max(0, this.#ioctlWord(FIONREAD));
  }

  outputLength(): number {
    return Math.max(0, this.#ioctlWord(TIOCOUTQ));
  }

  flushInput(): void {
    hostCall3(SYS_ioctl, this.#hostFd, TCFLSH, TCIFLUSH);
  }

  flushOutput(): void {
    hostCall3(SYS_ioctl, this.#hostFd, TCFLSH, TCOFLUSH);
  }

  flowControl(action: number): number {
    return action < 0 || action > TCION ? EINVAL : hostCall3(SYS_ioctl, this.#hostFd, TCXONC, action);
  }

  /** Never passed on: it would type into the caller's shell. As with dev.tty.legacy_tiocsti = 0. */
  injectInput(_byte: number): number {
    return EIO;
  }

  get stopsBackgroundOutput(): boolean {
    return this.getTermios(this.#modes) >= 0 && (this.#modes.lflag & TOSTOP) !== 0;
  }

  override isBackground(task: Task): boolean {
    return this.isCallerForeground ? super.isBackground(task) : controls(this, task.process);
  }

  /** The first process of the sandbox leads the session that this terminal controls. */
  attachTo(process: Process): void {
    attachTerminal(this, process);
  }

  /** A signal that the terminal, or the launcher on its behalf, has for the guest's foreground. */
  deliver(signal: number): void {
    if (signal === SIGHUP) {
      this.hangUp();
      return;
    }
    if (this.foreground !== null) this.signal(signal);
    else if (this.#kernel.pids.init !== null) sendSignalToProcess(this.#kernel.pids.init, kernelSignal(signal));
  }
}

/** The terminal of the sandbox's caller, if it has one. */
export const hostTerminal: {
  terminal: HostTerminal | null;
  /** What the launcher reports: to the terminal's foreground group, without a terminal to nobody. 0 or EIO. */
  deliver(signal: number): 0 | Errno;
} = {
  terminal: null,
  deliver(signal) {
    if (this.terminal === null) return EIO;
    this.terminal.deliver(signal);
    return 0;
  },
};
