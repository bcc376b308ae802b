/** eventfd(2): a 64-bit counter as two 32-bit halves. */
import { O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { EAGAIN, EFAULT, EINVAL } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";

const ALL_ONES = 0xffff_ffff;

const word = new Uint8Array(8);
const wordView = new DataView(word.buffer);
let lastId = 0;

export class EventFile extends OpenFile {
  readonly #queue = new WaitQueue();
  readonly #isSemaphore: boolean;
  readonly #id = lastId++;
  #lo: number;
  #hi = 0;

  constructor(kernel: Kernel, count: number, flags: number, isSemaphore: boolean) {
    super(anonInode(kernel, 0o600), null, O_RDWR | flags);
    this.#lo = count;
    this.#isSemaphore = isSemaphore;
  }

  get #isZero(): boolean {
    return this.#lo === 0 && this.#hi === 0;
  }

  /** noop_llseek() */
  override seek(): number {
    return this.position;
  }

  override read(io: Io, _task: Task): number {
    if (io.remaining < 8) return EINVAL;
    if (this.#isZero) return EAGAIN;
    wordView.setUint32(0, this.#isSemaphore ? 1 : this.#lo, true);
    wordView.setUint32(4, this.#isSemaphore ? 0 : this.#hi, true);
    if (!this.#isSemaphore) {
      this.#lo = 0;
      this.#hi = 0;
    } else if (this.#lo > 0) this.#lo--;
    else {
      this.#lo = ALL_ONES;
      this.#hi--;
    }
    // eventfd_read(): the count is taken even when the copy faults.
    const copied = io.put(word, 0, 8);
    this.#queue.notify(POLLOUT | POLLWRNORM);
    return copied === 8 ? 8 : EFAULT;
  }

  override write(io: Io, _task: Task): number {
    if (io.remaining !== 8) return EINVAL;
    if (io.take(word, 0, 8) !== 8) return EFAULT;
    const lo = wordView.getUint32(0, true);
    const hi = wordView.getUint32(4, true);
    if (lo === ALL_ONES && hi === ALL_ONES) return EINVAL;
    if (!this.#fits(lo, hi)) {
      io.giveBack(8);
      return EAGAIN;
    }
    this.#add(lo, hi);
    return 8;
  }

  /** The sum stays below ULLONG_MAX. */
  #fits(lo: number, hi: number): boolean {
    const sumLo = this.#lo + lo;
    const sumHi = this.#hi + hi + (sumLo > ALL_ONES ? 1 : 0);
    return sumHi < ALL_ONES || (sumHi === ALL_ONES && sumLo % 2 ** 32 !== ALL_ONES);
  }

  #add(lo: number, hi: number): void {
    const sumLo = this.#lo + lo;
    this.#hi += hi + (sumLo > ALL_ONES ? 1 : 0);
    this.#lo = sumLo > ALL_ONES ? sumLo - 2 ** 32 : sumLo;
    this.#queue.notify(POLLIN | POLLRDNORM);
  }

  /** eventfd_signal(): the kernel adds one; at the top the counter stays at ULLONG_MAX, which poll(2) shows as POLLERR. */
  signal(): void {
    if (this.#lo !== ALL_ONES || this.#hi !== ALL_ONES) this.#add(1, 0);
  }

  override readiness(): number {
    const isMax = this.#hi === ALL_ONES && this.#lo === ALL_ONES;
    let events = 0;
    if (!this.#isZero) events |= POLLIN;
    if (isMax) events |= POLLERR;
    else if (this.#hi !== ALL_ONES || this.#lo < ALL_ONES - 1) events |= POLLOUT;
    return events;
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  override get anonymousName(): string {
    return "anon_inode:[eventfd]";
  }

  override fdInfo(): string {
    const count = this.#hi === 0 ? this.#lo.toString(16) : this.#hi.toString(16) + this.#lo.toString(16).padStart(8, "0");
    return `eventfd-count: ${count.padStart(16)}\neventfd-id: ${this.#id}\neventfd-semaphore: ${this.#isSemaphore ? 1 : 0}\n`;
  }
}
