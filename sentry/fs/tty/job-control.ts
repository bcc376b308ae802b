/**
 * Controlling terminals: who has one, who gets one and what happens when the session's
 * leader lets go (drivers/tty/tty_jobctrl.c, credentials(7)).
 */

import { SIG_IGN, SIGCONT, SIGHUP, SIGTTOU } from "../../../syscall-tables/flags/signal.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EINVAL, EIO, ENOTTY, EPERM, ESRCH } from "../../abi/errno.ts";
import { sigsetHas } from "../../abi/signal.ts";
import type { Process } from "../../task/process.ts";
import type { ProcessGroup, Session } from "../../task/process-group.ts";
import { kernelSignal } from "../../task/signal-info.ts";
import { sendSignalToGroup } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import type { Terminal } from "./terminal.ts";

/** tty_old_pgrp: the foreground group when the terminal went away before its session. */
const lastForeground = new WeakMap<Session, ProcessGroup>();

/** The process's controlling terminal (signal->tty). */
export const controllingTerminal = (process: Process): Terminal | null => (process.hasNoTerminal ? null : process.session.tty);

export const controls = (terminal: Terminal, process: Process): boolean => process.session.tty === terminal && !process.hasNoTerminal;

/** is_ignored(): blocked or SIG_IGN. */
export const ignoresSignal = (task: Task, signal: number): boolean =>
  sigsetHas(task.signals.maskLo, task.signals.maskHi, signal) || task.process.actions.get(signal).handlerAddr === SIG_IGN;

const isLeader = (process: Process): boolean => process.session.leader === process;

/** session_clear_tty() */
export const forgetControllingTerminal = (session: Session): void => {
  if (session.tty !== null) session.tty.session = null;
  session.tty = null;
  session.foreground = null;
};

export const rememberForeground = (session: Session): void => {
  if (session.foreground !== null) lastForeground.set(session, session.foreground);
};

/** proc_set_tty() */
export const attachTerminal = (terminal: Terminal, process: Process): void => {
  const { session } = process;
  terminal.session = session;
  session.tty = terminal;
  session.foreground = process.group;
  // The session's other processes, which were there before, stay without.
  for (const group of session.groups) for (const member of group.members) member.hasNoTerminal = member !== process;
  lastForeground.delete(session);
};

/** The rule of open(2): a session leader without a terminal gets the first one it opens for reading without O_NOCTTY. */
export const acquireOnOpen = (terminal: Terminal, task: Task): void => {
  const { process } = task;
  if (isLeader(process) && controllingTerminal(process) === null && terminal.session === null) attachTerminal(terminal, process);
};

/** TIOCSCTTY */
export const acquire = (terminal: Terminal, task: Task, canRead: boolean, steals: boolean): number => {
  const { process } = task;
  if (isLeader(process) && terminal.session === process.session) return 0;
  if (!isLeader(process) || controllingTerminal(process) !== null) return EPERM;
  if (terminal.session !== null) {
    if (!steals || !task.creds.has(CAP_SYS_ADMIN)) return EPERM;
    forgetControllingTerminal(terminal.session);
  }
  if (!canRead && !task.creds.has(CAP_SYS_ADMIN)) return EPERM;
  attachTerminal(terminal, process);
  return 0;
};

/** TIOCNOTTY */
export const giveUp = (terminal: Terminal, process: Process): number => {
  if (!controls(terminal, process)) return ENOTTY;
  if (isLeader(process)) leave(process.session);
  else process.hasNoTerminal = true;
  return 0;
};

const hangUpForeground = (group: ProcessGroup | null, continues: boolean): void => {
  if (group === null) return;
  sendSignalToGroup(group, kernelSignal(SIGHUP));
  if (continues) sendSignalToGroup(group, kernelSignal(SIGCONT));
};

/** disassociate_ctty() on request: the foreground learns that its terminal is gone. */
const leave = (session: Session): void => {
  const { foreground } = session;
  forgetControllingTerminal(session);
  hangUpForeground(foreground, true);
};

/** disassociate_ctty() on exit. After a hang-up, the group that had the terminal then is told. */
export const sessionLeaderExited = (session: Session): void => {
  if (session.tty !== null) {
    const { foreground } = session;
    forgetControllingTerminal(session);
    hangUpForeground(foreground, false);
  } else {
    hangUpForeground(lastForeground.get(session) ?? null, true);
  }
};

/** TIOCGPGRP through a file of `terminal`; a pty's master may ask without being controlled. */
export const foregroundGroup = (terminal: Terminal, task: Task, isMaster: boolean): number => {
  if (!isMaster && !controls(terminal, task.process)) return ENOTTY;
  return terminal.foreground?.pid.in(task.pidNamespace) ?? 0;
};

/** TIOCGSID */
export const sessionId = (terminal: Terminal, task: Task, isMaster: boolean): number => {
  if (!isMaster && !controls(terminal, task.process)) return ENOTTY;
  return terminal.session === null ? ENOTTY : terminal.session.pid.in(task.pidNamespace);
};

/** TIOCSPGRP */
export const setForegroundGroup = (terminal: Terminal, task: Task, pgid: number): number => {
  const error = terminal.checkBackground(task, SIGTTOU);
  if (error !== 0) return error === EIO ? ENOTTY : error;
  if (pgid < 0) return EINVAL;
  const { process } = task;
  if (!controls(terminal, process) || terminal.session !== process.session) return ENOTTY;
  const group = task.pidNamespace.group(pgid);
  if (group === null) return ESRCH;
  if (group.session !== process.session) return EPERM;
  process.session.foreground = group;
  return 0;
};
