/** The sandbox programs' end of the supervisor channel (native/launcher/protocol.h): how they start, and what they tell init. */
import {
  awaitPacket,
  EAGAIN,
  moveFd,
  packetView,
  pauseForever,
  readMemfd,
  receivePacket,
  sendPacket,
} from "../../native/ffi/fd-packets-unsafe.ts";
import { SENTRY_CONFIG_FD, SENTRY_DEBUG_LOG_FD, SENTRY_STRACE_LOG_FD, SENTRY_SUPERVISOR_FD } from "./config.ts";
import {
  decodeSupervisorMessage,
  encodeSupervisorMessage,
  MSG_CONFINED,
  MSG_CREATED,
  MSG_EXEC_FAILED,
  MSG_EXITED,
  MSG_FATAL,
  MSG_LOADED,
  MSG_START,
  MSG_STOPPED,
  START_BROKER,
  START_DEBUG_LOG,
  START_JOIN,
  START_STDIO_SHIFT,
  START_STRACE_LOG,
  type SupervisorMessage,
} from "./supervisor-protocol.ts";

export interface Start {
  /** StartConfig as JSON; for parseStartConfig. */
  readonly configJson: string;
  /** O_PATH fds, in the order of GoferConfig.trees; none in the sentry. */
  readonly treeFds: readonly number[];
  /** Files for the guest's 0, 1, 2, …; empty: this process's own 0, 1 and 2. Only in the sentry. */
  readonly stdioFds: readonly number[];
  /** The network broker's channel, or -1. Only in the sentry. */
  readonly brokerFd: number;
  /** A connection to the control socket of the container whose sandbox this one joins, or -1. Only in the sentry. */
  readonly joinFd: number;
}

export class SupervisorChannel {
  readonly fd: number;
  /** What came before CONFINED and is for later. */
  readonly #early: SupervisorMessage[] = [];
  readonly #fds: number[] = [];

  constructor(fd = SENTRY_SUPERVISOR_FD) {
    this.fd = fd;
  }

  /** Waits for START (the CLI is still reading flags) and puts config and logs at their fds. */
  receiveStart(): Start {
    while (this.#next(true) !== MSG_START);
    const fds = [...this.#fds];
    const logs = packetView().getInt32(4, true);
    const take = (target: number): void => {
      const fd = fds.shift();
      if (fd === undefined) throw new Error("START lacks a descriptor");
      moveFd(fd, target);
    };
    take(SENTRY_CONFIG_FD);
    if (logs & START_DEBUG_LOG) take(SENTRY_DEBUG_LOG_FD);
    if (logs & START_STRACE_LOG) take(SENTRY_STRACE_LOG_FD);
    const brokerFd = logs & START_BROKER ? (fds.shift() ?? -1) : -1;
    const joinFd = logs & START_JOIN ? (fds.shift() ?? -1) : -1;
    const stdioFds = fds.splice(0, logs >> START_STDIO_SHIFT);
    return { configJson: readMemfd(SENTRY_CONFIG_FD), treeFds: fds, stdioFds, brokerFd, joinFd };
  }

  /**
   * Says that no file will be opened by path any more, and waits until init has emptied the
   * root directory. The seccomp filter comes after this.
   */
  confine(): void {
    this.#send(MSG_LOADED, 0);
    while (this.#next(true) !== MSG_CONFINED);
  }

  /**
   * The next message, or null when none is there. Readable in epoll when one comes; call it
   * until null once before the first sleep as well. Throws when init is gone.
   */
  receive(): SupervisorMessage | null {
    const early = this.#early.shift();
    if (early !== undefined) return early;
    while (this.#next(false) !== 0) {
      const message = this.#early.shift();
      if (message !== undefined) return message;
    }
    return null;
  }

  /** The first program is loaded and waits for CONTROL_START. */
  created(): void {
    this.#send(MSG_CREATED, 0);
  }

  /** An answer of control-protocol.ts. */
  answer(kind: number, client: number, argument: number, text = ""): void {
    this.#send(kind, client, text, argument);
  }

  /** The guest's first program has ended; init ends the sandbox, and with it this process. */
  exited(waitStatus: number): never {
    return this.#end(MSG_EXITED, waitStatus);
  }

  /** The guest's foreground job has stopped; the launcher stops too. */
  stopped(signal: number): void {
    this.#send(MSG_STOPPED, signal);
  }

  /** The program could not be started: 127 not found, 126 not executable. `text` is shown as "moat: TEXT". */
  execFailed(exitStatus: 126 | 127, text: string): never {
    return this.#end(MSG_EXEC_FAILED, exitStatus, text);
  }

  /** Moat itself cannot go on; shown as "moat: TEXT", exit status 125. */
  fatal(text: string): never {
    return this.#end(MSG_FATAL, 0, text);
  }

  /** Waits until a message can be received; for tests and programs without a loop. */
  await(): void {
    if (this.#early.length === 0) awaitPacket(this.fd);
  }

  /** What the sentry of another sandbox says for this container. */
  relay(kind: number, x: number, y: number, text: string): void {
    this.#send(kind, x, text, y);
  }

  #end(kind: number, x: number, text = ""): never {
    this.#send(kind, x, text);
    return pauseForever();
  }

  #send(kind: number, x: number, text = "", y = 0): void {
    sendPacket(this.fd, encodeSupervisorMessage(packetView(), kind, x, y, text));
  }

  /** Receives one packet and keeps it when it is for `receive`; returns its kind, 0 when there is none. */
  #next(wait: boolean): number {
    const length = receivePacket(this.fd, this.#fds, wait);
    if (length === EAGAIN) return 0;
    if (length <= 0) throw new Error("the supervisor channel is closed");
    const message = decodeSupervisorMessage(packetView(), length, this.#fds);
    if (message !== null) this.#early.push(message);
    return packetView().getUint32(0, true);
  }
}
