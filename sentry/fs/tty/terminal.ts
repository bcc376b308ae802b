/**
 * A terminal: what sessions control and programs print on (struct tty_struct). This class
 * holds what every terminal has: its session, hang-up and the rules of job control.
 * Ptys (pty.ts) bring a line discipline of their own, the caller's terminal
 * (host-tty.ts) leaves that to the host kernel.
 */
import { SIGCONT, SIGHUP, SIGTTIN } from "../../../syscall-tables/flags/signal.ts";
import { EIO, ERESTARTSYS } from "../../abi/errno.ts";

import { WaitQueue } from "../../task/blocking.ts";
import type { ProcessGroup, Session } from "../../task/process-group.ts";
import { kernelSignal } from "../../task/signal-info.ts";
import { sendSignalToGroup, sendSignalToProcess } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import { controls, forgetControllingTerminal, ignoresSignal, rememberForeground } from "./job-control.ts";
import { TERMIOS_SIZE, type Termios } from "./termios.ts";

/** struct winsize. */
export interface WindowSize {
  rows: number;
  cols: number;
  xpixel: number;
  ypixel: number;
}

/** When a change of the modes takes place, and what is thrown away with it (TCSETS, TCSETSW, TCSETSF). */
export type SetMode = "now" | "drain" | "flush";

export abstract class Terminal {
  /** As makedev(3); shown in /proc/pid/stat. */
  abstract readonly rdev: number;
  /** As /proc/tty and ttyname(3) know it, without "/dev/". */
  abstract readonly name: string;
  /** The session that it controls. */
  session: Session | null = null;
  /** TIOCEXCL: further opens fail. */
  isExclusive = false;
  /** The same flag of a pty's master, which nobody can open again: it is only shown. */
  isMasterExclusive = false;
  /** TIOCSLCKTRMIOS: a struct termios of what modes may not change. */
  readonly lockedModes = new Uint8Array(TERMIOS_SIZE);
  /** Readers, writers and pollers of the terminal's files. */
  readonly waitQueue = new WaitQueue();
  /** Grows with each hang-up: files opened before are dead. */
  generation = 0;

  setExclusive(isMaster: boolean, isExclusive: boolean): void {
    if (isMaster) this.isMasterExclusive = isExclusive;
    else this.isExclusive = isExclusive;
  }

  get foreground(): ProcessGroup | null {
    return this.session?.foreground ?? null;
  }

  /** A file of the program's side was opened, or closed. */
  fileOpened(): void {}
  fileClosed(): void {}
  /** 0, or why it cannot be opened now. */
  mayOpen(): number {
    return 0;
  }

  abstract getTermios(target: Termios): number;
  abstract setTermios(termios: Termios, mode: SetMode): number;
  abstract getWindowSize(target: WindowSize): number;
  abstract setWindowSize(size: WindowSize): number;

  /** Input to a reader of `task`: bytes, 0 at the end, EAGAIN, or another errno. Job control has been checked. */
  abstract read(io: Io, task: Task, isNonblocking: boolean): number;
  abstract write(io: Io): number;
  /** POLL* bits for the program's side. */
  abstract readiness(): number;
  /** FIONREAD. */
  abstract inputLength(): number;
  /** TIOCOUTQ. */
  abstract outputLength(): number;
  abstract flushInput(): void;
  abstract flushOutput(): void;
  /** TCXONC; `action` is TCOOFF, TCOON, TCIOFF or TCION. 0 or EINVAL. */
  abstract flowControl(action: number): number;
  /** TIOCSTI: 0 or an errno. */
  abstract injectInput(byte: number): number;
  /** TOSTOP. */
  abstract readonly stopsBackgroundOutput: boolean;

  /** True when `task` is in another process group than the terminal's foreground. */
  isBackground(task: Task): boolean {
    const { foreground } = this;
    return foreground !== null && foreground !== task.process.group && controls(this, task.process);
  }

  /** To the foreground process group. */
  signal(signal: number): void {
    const group = this.foreground;
    if (group !== null) sendSignalToGroup(group, kernelSignal(signal));
  }

  /**
   * __tty_check_change(): a background process group that reads (SIGTTIN), or writes or
   * changes modes (SIGTTOU), is stopped first. 0: go on.
   */
  checkBackground(task: Task, signal: number): number {
    if (!this.isBackground(task)) return 0;
    const { group } = task.process;
    if (ignoresSignal(task, signal)) return signal === SIGTTIN ? EIO : 0;
    if (group.isOrphaned()) return EIO;
    sendSignalToGroup(group, kernelSignal(signal));
    return ERESTARTSYS;
  }

  /** __tty_hangup(): the line is gone. Open files see the end, the session's leader SIGHUP. */
  hangUp(): void {
    this.generation++;
    this.isExclusive = false;
    const { session } = this;
    if (session !== null) {
      rememberForeground(session);
      if (session.leader !== null) {
        sendSignalToProcess(session.leader, kernelSignal(SIGHUP));
        sendSignalToProcess(session.leader, kernelSignal(SIGCONT));
      }
      forgetControllingTerminal(session);
    }
    this.waitQueue.notify();
  }
}
