/** O_ASYNC: SIGIO when a file becomes ready (fcntl(2) F_SETOWN, F_SETSIG; fs/fcntl.c send_sigio). */

import { F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID } from "../../syscall-tables/flags/fd.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI } from "../../syscall-tables/flags/poll.ts";
import { SIGIO } from "../../syscall-tables/flags/signal.ts";

import type { Waiter } from "../task/blocking.ts";
import type { Pid } from "../task/pid-namespace.ts";
import { kernelSignal, type SignalInfo, sendSignalToProcess, sendSignalToTask } from "../task/signals.ts";
import type { Task } from "../task/task.ts";
import type { OpenFile } from "./open-file.ts";

/** si_code of a SIGIO with siginfo, by what is ready (band_table). */
const CODES: readonly (readonly [number, number])[] = [
  [POLLIN, 1],
  [POLLOUT, 2],
  [POLLERR, 4],
  [POLLPRI, 5],
  [POLLHUP, 6],
];

const POLL_MSG = 3;
/** Its band_table entry: EPOLLIN, EPOLLRDNORM and EPOLLMSG. */
const MESSAGE_BAND = 0x441;

export class AsyncNotifier implements Waiter {
  readonly file: OpenFile;
  /** F_OWNER_*. */
  ownerType: number = F_OWNER_PID;
  owner: Pid | null = null;
  /** F_SETSIG; 0: SIGIO without siginfo. */
  signal = 0;
  /** Who asked: kill(2)'s rules apply to the signal. */
  uid = 0;
  euid = 0;
  /** The fd by which O_ASYNC was set, for si_fd. */
  fd = -1;
  #isArmed = false;

  constructor(file: OpenFile) {
    this.file = file;
  }

  /** O_ASYNC is set. */
  arm(): void {
    if (this.#isArmed || this.file.waitQueue === null) return;
    this.#isArmed = true;
    this.file.waitQueue.add(this);
  }

  disarm(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    this.file.waitQueue?.remove(this);
  }

  wake(events: number): void {
    this.#tell(this.#info(events));
  }

  /** Something happened to the file that is no readiness: a directory's change, a lease to give back (POLL_MSG). */
  message(fd: number): void {
    this.#tell(this.signal === 0 ? kernelSignal(SIGIO) : { signal: this.signal, code: POLL_MSG, band: MESSAGE_BAND, fd });
  }

  /** f_setown() that leaves an owner in place: `task`'s process if there is none. */
  ownedAtLeastBy(task: Task): void {
    if (this.owner !== null) return;
    this.ownerType = F_OWNER_PID;
    this.owner = task.process.leader.pid;
    this.uid = task.creds.uid;
    this.euid = task.creds.euid;
  }

  #tell(info: SignalInfo): void {
    const { owner } = this;
    if (owner === null) return;
    if (this.ownerType === F_OWNER_PGRP) {
      for (const process of [...(owner.group?.members ?? [])]) if (this.#maySend(process.leader)) sendSignalToProcess(process, info);
    } else if (owner.task !== null && this.#maySend(owner.task)) {
      if (this.ownerType === F_OWNER_TID) sendSignalToTask(owner.task, info);
      else sendSignalToProcess(owner.task.process, info);
    }
  }

  #info(events: number): SignalInfo {
    if (this.signal === 0) return kernelSignal(SIGIO);
    const ready = this.file.readiness() & events;
    const code = CODES.find(([bit]) => (ready & bit) !== 0)?.[1] ?? 1;
    return { signal: this.signal, code, band: ready, fd: this.fd };
  }

  /** sigio_perm() */
  #maySend(task: Task): boolean {
    const { uid, suid } = task.creds;
    return this.euid === 0 || this.euid === suid || this.euid === uid || this.uid === suid || this.uid === uid;
  }
}
