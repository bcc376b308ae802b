/** O_ASYNC: SIGIO when a file becomes ready (fcntl(2) F_SETOWN, F_SETSIG; fs/fcntl.c send_sigio). */
import { F_OWNER_PID } from "../../syscall-tables/flags/fd.ts";
import type { Waiter } from "../task/blocking.ts";
import type { OpenFile } from "./open-file.ts";

/** Delivers one SIGIO; set by syscalls/file/fcntl-owner.ts, which knows tasks. */
export const asyncDelivery: { send: ((notifier: AsyncNotifier, events: number) => void) | null } = { send: null };

export class AsyncNotifier implements Waiter {
  readonly file: OpenFile;
  /** F_OWNER_*; `pid` 0: nobody. */
  ownerType = F_OWNER_PID;
  pid = 0;
  /** F_SETSIG; 0: SIGIO without siginfo. */
  signal = 0;
  /** Who asked: kill(2)'s rules apply to the signal. */
  uid = 0;
  euid = 0;
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
    if (this.pid !== 0) asyncDelivery.send?.(this, events);
  }
}
