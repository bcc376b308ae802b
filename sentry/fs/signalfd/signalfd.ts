/** signalfd(2). It shows the signals of whoever reads or polls it, not of who made it. */
import { O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { POLLIN, POLLRDNORM } from "../../../syscall-tables/flags/poll.ts";
import { EAGAIN, EFAULT, EINVAL } from "../../abi/errno.ts";
import { UNBLOCKABLE_LO } from "../../abi/signal.ts";
import type { WaitQueue } from "../../task/blocking.ts";
import { packSignalInfo, type SignalInfo, signalLayout } from "../../task/signal-info.ts";
import { dequeueSignal } from "../../task/signals.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";

/** sizeof(struct signalfd_siginfo) */
const SIGNALFD_SIGINFO_SIZE = 128;

/** signalfd_copyinfo(): the fields of siginfo_t at their places in struct signalfd_siginfo. */
const packForSignalfd = (info: SignalInfo): Uint8Array => {
  const raw = packSignalInfo(info);
  const from = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const bytes = new Uint8Array(SIGNALFD_SIGINFO_SIZE);
  const to = new DataView(bytes.buffer);
  const code = from.getInt32(8, true);
  const word = (target: number, source: number): void => to.setUint32(target, from.getUint32(source, true), true);
  const double = (target: number, source: number): void => {
    word(target, source);
    word(target + 4, source + 4);
  };
  word(0, 0);
  word(4, 4);
  word(8, 8);
  switch (signalLayout(info.signal, code)) {
    case "timer":
      word(24, 16);
      word(32, 20);
      word(44, 24);
      double(48, 24);
      break;
    case "poll":
      word(28, 16);
      word(20, 24);
      break;
    case "fault":
      double(72, 16);
      break;
    case "child":
      word(12, 16);
      word(16, 20);
      word(40, 24);
      double(56, 32);
      double(64, 40);
      break;
    case "sys":
      double(88, 16);
      word(84, 24);
      word(96, 28);
      break;
    case "rt":
      word(44, 24);
      double(48, 24);
      word(12, 16);
      word(16, 20);
      break;
    default:
      word(12, 16);
      word(16, 20);
  }
  return bytes;
};

export class SignalFile extends OpenFile {
  readonly #creator: Task;
  /** The signals it shows. */
  #lo = 0;
  #hi = 0;

  constructor(creator: Task, lo: number, hi: number, flags: number) {
    super(anonInode(creator.kernel, 0o600), null, O_RDWR | flags);
    this.#creator = creator;
    this.setMask(creator, lo, hi);
  }

  setMask(task: Task, lo: number, hi: number): void {
    this.#lo = (lo & ~UNBLOCKABLE_LO) >>> 0;
    this.#hi = hi;
    task.signals.waitQueue.notify(POLLIN | POLLRDNORM);
  }

  /** noop_llseek() */
  override seek(): number {
    return this.position;
  }

  override read(io: Io, task: Task): number {
    if (io.remaining < SIGNALFD_SIGINFO_SIZE) return EINVAL;
    let total = 0;
    while (io.remaining >= SIGNALFD_SIGINFO_SIZE) {
      const info = dequeueSignal(task, this.#lo, this.#hi);
      if (info === null) return total > 0 ? total : EAGAIN;
      const copied = io.put(packForSignalfd(info), 0, SIGNALFD_SIGINFO_SIZE);
      if (copied !== SIGNALFD_SIGINFO_SIZE) return total > 0 ? total : EFAULT;
      total += copied;
    }
    return total;
  }

  override readiness(task: Task = this.#creator): number {
    const { pendingLo, pendingHi } = task.signals;
    return ((pendingLo & this.#lo) | (pendingHi & this.#hi)) === 0 ? 0 : POLLIN | POLLRDNORM;
  }

  override get waitQueue(): WaitQueue {
    return this.#creator.signals.waitQueue;
  }

  override waitQueueFor(task: Task): WaitQueue {
    return task.signals.waitQueue;
  }

  override get anonymousName(): string {
    return "anon_inode:[signalfd]";
  }

  override fdInfo(): string {
    return `sigmask:\t${this.#hi.toString(16).padStart(8, "0")}${this.#lo.toString(16).padStart(8, "0")}\n`;
  }
}
