/**
 * What a container's control socket carries (native/launcher/protocol.h): packets of the supervisor
 * channel whose x is the connection's number, so that y and the text are left to say something.
 */

/** The program that `create` has loaded runs. → DONE */
export const CONTROL_START = 64;
/** y: the signal, with SIGNAL_ALL for every process. → DONE */
export const CONTROL_SIGNAL = 65;
/** A ProcessConfig in a memfd, then its standard files; of a terminal only the first counts. → EXEC_STARTED and EXEC_EXITED, or EXEC_REFUSED */
export const CONTROL_EXEC = 66;
/** For what this connection executed; y: the signal, with SIGNAL_FROM_TERMINAL when a terminal sent it. */
export const CONTROL_EXEC_SIGNAL = 67;
/** → PROCESSES */
export const CONTROL_PROCESSES = 68;
/** The text: SeenResources as JSON, when the container's limits have changed. → DONE */
export const CONTROL_RESOURCES = 69;
/** Instead of START: the program ends with exit status y before it begins, and its standard error gets the text. → DONE */
export const CONTROL_ABANDON = 70;
/**
 * The connection is one container's that joins the sandbox (ADR 15): a StartConfig in a memfd, its gofer's channel, its
 * broker's if y has START_BROKER, its standard files. → RELAYED
 */
export const CONTROL_JOIN = 71;
/** What such a container has heard from its own clients and monitor: relayed.ts. */
export const CONTROL_RELAYED = 72;
/** The connection is a seccomp agent's (native/launcher/listener.h); the text: the filter's token. → DONE, and then NOTIFICATION … */
export const CONTROL_LISTENER = 73;
/** The text: id, value, error and flags, as NOTIF_SEND has them. */
export const CONTROL_NOTIFY_ANSWER = 74;
/** A file for who waits; the text: a number of the agent's, then id, flags, newfd and newfd_flags, as NOTIF_ADDFD has them. → ADDED */
export const CONTROL_NOTIFY_ADD = 75;
/** The text: an id; the agent has read it. */
export const CONTROL_NOTIFY_READ = 76;
/** The connection is closed: what it executed is killed. */
export const CONTROL_GONE = 95;

/** y: 0 or an errno. */
export const ANSWER_DONE = 96;
/** y: the pid inside. */
export const ANSWER_EXEC_STARTED = 97;
/** y: the wait status. */
export const ANSWER_EXEC_EXITED = 98;
/** y: an exit status for the command; the text says why. */
export const ANSWER_EXEC_REFUSED = 99;
/** The text: one JSON object of ProcessInfo per line; y: 1 when more follows. */
export const ANSWER_PROCESSES = 100;

/** For a container that has joined: what its own monitor and clients are to be told, as relayed.ts has it. */
export const ANSWER_RELAYED = 101;
/** The text: id, the host's pid as the sentry knows it, and struct seccomp_data in hexadecimal. */
export const ANSWER_NOTIFICATION = 102;
/** The text: the id; nobody waits for it any more. */
export const ANSWER_WITHDRAWN = 103;
/** No task has the filter any more. */
export const ANSWER_UNUSED = 104;
/** The text: the agent's number; y: the new fd or a negative errno. */
export const ANSWER_ADDED = 105;

export const CONTROL_FIRST = 64;
export const CONTROL_LAST = 95;

export const SIGNAL_MASK = 0xff;
export const SIGNAL_ALL = 0x100;
export const SIGNAL_FROM_TERMINAL = 0x100;

export interface ProcessInfo {
  readonly pid: number;
  /** The container's first process. */
  readonly isFirst: boolean;
  /** Of its host process, as the sentry knows it. */
  readonly hostPid: number;
  readonly parent: number;
  readonly threads: number;
  readonly uid: number;
  readonly terminal: string;
  /** Seconds since the epoch. */
  readonly start: number;
  readonly cpuSeconds: number;
  readonly command: string;
}
