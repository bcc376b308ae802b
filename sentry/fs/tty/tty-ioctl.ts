/** ioctl_tty(2) for any terminal. The commands of pty masters alone are in pty-master.ts. */

import {
  FIONREAD,
  TCFLSH,
  TCGETA,
  TCGETS,
  TCGETS2,
  TCSBRK,
  TCSBRKP,
  TCSETA,
  TCSETAF,
  TCSETAW,
  TCSETS,
  TCSETS2,
  TCSETSF,
  TCSETSF2,
  TCSETSW,
  TCSETSW2,
  TCXONC,
  TIOCCBRK,
  TIOCCONS,
  TIOCEXCL,
  TIOCGDEV,
  TIOCGETD,
  TIOCGEXCL,
  TIOCGLCKTRMIOS,
  TIOCGPGRP,
  TIOCGPTPEER,
  TIOCGSID,
  TIOCGSOFTCAR,
  TIOCGWINSZ,
  TIOCNOTTY,
  TIOCNXCL,
  TIOCOUTQ,
  TIOCSBRK,
  TIOCSCTTY,
  TIOCSETD,
  TIOCSLCKTRMIOS,
  TIOCSPGRP,
  TIOCSSOFTCAR,
  TIOCSTI,
  TIOCSWINSZ,
  TIOCVHANGUP,
} from "../../../syscall-tables/flags/ioctl.ts";
import { SIGTTOU } from "../../../syscall-tables/flags/signal.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { CLOCAL } from "../../../syscall-tables/flags/terminal.ts";
import { EFAULT, EINVAL, EIO, ENOTTY, EPERM, isErrno } from "../../abi/errno.ts";

import type { Task } from "../../task/task.ts";
import { TCIFLUSH, TCIOFLUSH, TCOFLUSH } from "./ioctl-numbers.ts";
import { acquire, controls, foregroundGroup, giveUp, sessionId, setForegroundGroup } from "./job-control.ts";
import type { SetMode, Terminal, WindowSize } from "./terminal.ts";
import { TERMIO_SIZE, TERMIOS_SIZE, TERMIOS2_SIZE, Termios } from "./termios.ts";

/** Where the flag words of struct termios end and the characters begin. */
const LOCKED_BY_BIT = 16;

/** The side that a file stands for, and how it was opened. */
export interface TtySide {
  readonly isMaster: boolean;
  readonly canRead: boolean;
  readonly canWrite: boolean;
}

export const terminalIoctl = (task: Task, terminal: Terminal, command: number, argument: number, side: TtySide): number => {
  switch (command) {
    case TIOCGPGRP: {
      const pgid = foregroundGroup(terminal, task, side.isMaster);
      return pgid < 0 ? pgid : task.memory.storeU32(argument, pgid);
    }
    case TIOCSPGRP: {
      const view = task.memory.viewIn(argument, 4);
      return isErrno(view) ? view : setForegroundGroup(terminal, task, view.getInt32(0, true));
    }
    case TIOCGSID: {
      const sid = sessionId(terminal, task, side.isMaster);
      return sid < 0 ? sid : task.memory.storeU32(argument, sid);
    }
    case TIOCSCTTY:
      return acquire(terminal, task, side.canRead, argument === 1);
    case TIOCNOTTY:
      return side.isMaster ? ENOTTY : giveUp(terminal, task.process);
    case TIOCGWINSZ:
      return getWindowSize(task, terminal, argument);
    case TIOCSWINSZ:
      return setWindowSize(task, terminal, argument);
    case TIOCEXCL:
      terminal.setExclusive(side.isMaster, true);
      return 0;
    case TIOCNXCL:
      terminal.setExclusive(side.isMaster, false);
      return 0;
    case TIOCGEXCL:
      return task.memory.storeU32(argument, (side.isMaster ? terminal.isMasterExclusive : terminal.isExclusive) ? 1 : 0);
    case TIOCGPTPEER:
      return EIO;
    case TIOCGETD:
      return task.memory.storeU32(argument, 0);
    case TIOCSETD:
      return setDiscipline(task, terminal, argument);
    case TIOCGDEV:
      return task.memory.storeU32(argument, terminal.rdev);
    case TIOCSTI:
      return injectInput(task, terminal, argument, side);
    case TIOCCONS:
      return side.isMaster ? EINVAL : EPERM;
    case TIOCVHANGUP:
      if (!task.creds.has(CAP_SYS_ADMIN)) return EPERM;
      terminal.hangUp();
      return 0;
    case FIONREAD:
      return task.memory.storeU32(argument, terminal.inputLength());
    case TIOCOUTQ:
      return task.memory.storeU32(argument, terminal.outputLength());
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
      return sendBreak(task, terminal);
    case TCXONC:
      return backgroundError(task, terminal) || terminal.flowControl(argument);
    case TCFLSH:
      return backgroundError(task, terminal) || flush(terminal, argument);
    default:
      return modesIoctl(task, terminal, command, argument);
  }
};

const modesIoctl = (task: Task, terminal: Terminal, command: number, argument: number): number => {
  switch (command) {
    case TCGETS:
      return getModes(task, terminal, argument, TERMIOS_SIZE);
    case TCGETS2:
      return getModes(task, terminal, argument, TERMIOS2_SIZE);
    case TCGETA:
      return getModes(task, terminal, argument, TERMIO_SIZE);
    case TCSETS:
      return setModes(task, terminal, argument, TERMIOS_SIZE, "now");
    case TCSETSW:
      return setModes(task, terminal, argument, TERMIOS_SIZE, "drain");
    case TCSETSF:
      return setModes(task, terminal, argument, TERMIOS_SIZE, "flush");
    case TCSETS2:
      return setModes(task, terminal, argument, TERMIOS2_SIZE, "now");
    case TCSETSW2:
      return setModes(task, terminal, argument, TERMIOS2_SIZE, "drain");
    case TCSETSF2:
      return setModes(task, terminal, argument, TERMIOS2_SIZE, "flush");
    case TCSETA:
      return setModes(task, terminal, argument, TERMIO_SIZE, "now");
    case TCSETAW:
      return setModes(task, terminal, argument, TERMIO_SIZE, "drain");
    case TCSETAF:
      return setModes(task, terminal, argument, TERMIO_SIZE, "flush");
    case TIOCGLCKTRMIOS:
      return task.memory.copyOut(argument, terminal.lockedModes);
    case TIOCSLCKTRMIOS:
      return lockModes(task, terminal, argument);
    case TIOCGSOFTCAR:
    case TIOCSSOFTCAR:
      return softCarrier(task, terminal, command, argument);
    default:
      return ENOTTY;
  }
};

/** tty_check_change(): background groups do not change a terminal. */
const backgroundError = (task: Task, terminal: Terminal): number => terminal.checkBackground(task, SIGTTOU);

const getModes = (task: Task, terminal: Terminal, addr: number, size: number): number => {
  const termios = new Termios();
  const error = terminal.getTermios(termios);
  if (error < 0) return error;
  return task.memory.copyOut(addr, size === TERMIO_SIZE ? termios.encodeTermio() : termios.encode(size));
};

const setModes = (task: Task, terminal: Terminal, addr: number, size: number, mode: SetMode): number => {
  const error = backgroundError(task, terminal);
  if (error !== 0) return error;
  const termios = new Termios();
  const current = terminal.getTermios(termios);
  if (current < 0) return current;
  const view = task.memory.viewIn(addr, size === TERMIO_SIZE ? TERMIO_SIZE - 1 : size);
  if (isErrno(view)) return EFAULT;
  if (size === TERMIO_SIZE) termios.decodeTermio(view);
  else termios.decode(view);
  keepLocked(terminal, termios);
  return terminal.setTermios(termios, mode);
};

/** unset_locked_termios(): flags whose bits are set in the lock keep their value, and so do characters. */
const keepLocked = (terminal: Terminal, termios: Termios): void => {
  const lock = terminal.lockedModes;
  if (lock.every((byte) => byte === 0)) return;
  const old = new Termios();
  if (terminal.getTermios(old) < 0) return;
  const before = old.encode(TERMIOS_SIZE);
  const bytes = termios.encode(TERMIOS_SIZE);
  for (let i = 0; i < TERMIOS_SIZE; i++) {
    const mask = i < LOCKED_BY_BIT ? lock[i] : lock[i] === 0 ? 0 : 0xff;
    bytes[i] = (bytes[i] & ~mask) | (before[i] & mask);
  }
  termios.decode(new DataView(bytes.buffer));
};

const lockModes = (task: Task, terminal: Terminal, addr: number): number => {
  if (!task.creds.has(CAP_SYS_ADMIN)) return EPERM;
  const lock = task.memory.copyIn(addr, TERMIOS_SIZE);
  if (isErrno(lock)) return lock;
  terminal.lockedModes.set(lock);
  return 0;
};

const softCarrier = (task: Task, terminal: Terminal, command: number, addr: number): number => {
  const termios = new Termios();
  const error = terminal.getTermios(termios);
  if (error < 0) return error;
  if (command === TIOCGSOFTCAR) return task.memory.storeU32(addr, (termios.cflag & CLOCAL) === 0 ? 0 : 1);
  const isOn = task.memory.loadU32(addr);
  if (isOn < 0) return isOn;
  termios.cflag = (isOn === 0 ? termios.cflag & ~CLOCAL : termios.cflag | CLOCAL) >>> 0;
  return terminal.setTermios(termios, "now");
};

const getWindowSize = (task: Task, terminal: Terminal, addr: number): number => {
  const size: WindowSize = { rows: 0, cols: 0, xpixel: 0, ypixel: 0 };
  const error = terminal.getWindowSize(size);
  if (error < 0) return error;
  return task.memory.copyOut(addr, new Uint8Array(Uint16Array.of(size.rows, size.cols, size.xpixel, size.ypixel).buffer));
};

const setWindowSize = (task: Task, terminal: Terminal, addr: number): number => {
  const view = task.memory.viewIn(addr, 8);
  if (isErrno(view)) return view;
  return terminal.setWindowSize({
    rows: view.getUint16(0, true),
    cols: view.getUint16(2, true),
    xpixel: view.getUint16(4, true),
    ypixel: view.getUint16(6, true),
  });
};

/** N_TTY is the only discipline. */
const setDiscipline = (task: Task, terminal: Terminal, addr: number): number => {
  const error = backgroundError(task, terminal);
  if (error !== 0) return error;
  const discipline = task.memory.loadU32(addr);
  return discipline <= 0 ? discipline : EINVAL;
};

const injectInput = (task: Task, terminal: Terminal, addr: number, side: TtySide): number => {
  if ((side.isMaster || !controls(terminal, task.process)) && !task.creds.has(CAP_SYS_ADMIN)) return EPERM;
  const byte = task.memory.loadU8(addr);
  if (byte < 0) return byte;
  if (side.isMaster) return EIO;
  return terminal.injectInput(byte);
};

/** There is no line to break; what was written has been delivered already. */
const sendBreak = (task: Task, terminal: Terminal): number => backgroundError(task, terminal);

const flush = (terminal: Terminal, queue: number): number => {
  if (queue !== TCIFLUSH && queue !== TCOFLUSH && queue !== TCIOFLUSH) return EINVAL;
  if (queue !== TCOFLUSH) terminal.flushInput();
  if (queue !== TCIFLUSH) terminal.flushOutput();
  return 0;
};
