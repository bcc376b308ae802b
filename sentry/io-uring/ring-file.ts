/** A ring as an open file (io_uring_setup(2)): requests under way, completions, what is registered. */
import { O_RDWR } from "../../syscall-tables/flags/open.ts";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../syscall-tables/flags/poll.ts";
import { ECANCELED, type Errno } from "../abi/errno.ts";
import type { EventFile } from "../fs/eventfd/eventfd.ts";
import type { Kernel } from "../kernel.ts";
import type { FileMapping } from "../mm/file-mapping.ts";
import { WaitQueue } from "../task/blocking.ts";
import type { Task } from "../task/task.ts";
import { anonInode } from "../vfs/anon.ts";
import type { Inode } from "../vfs/inode.ts";
import { OpenFile } from "../vfs/open-file.ts";
import type { RingRequest } from "./request.ts";
import type { RingMemory } from "./ring-memory.ts";

const IORING_SQ_CQ_OVERFLOW = 2;
export const IORING_CQE_F_MORE = 2;
const MAX_REQUESTS = 65_536;

interface Overflowed {
  readonly dataLo: number;
  readonly dataHi: number;
  readonly result: number;
  readonly flags: number;
}

export class RingFile extends OpenFile {
  readonly kernel: Kernel;
  readonly memory: RingMemory;
  readonly setupFlags: number;
  readonly queue = new WaitQueue();
  /** Requests that have not completed, in the order of their submission. */
  readonly pending = new Set<RingRequest>();
  /** Those that a drain holds back, the drain itself first. */
  readonly held: RingRequest[] = [];
  files: (OpenFile | null)[] | null = null;
  buffers: { readonly addr: number; readonly length: number }[] | null = null;
  eventfd: EventFile | null = null;
  isEventfdAsync = false;
  isDisabled: boolean;
  /** Completions so far: what timeouts count. */
  completed = 0;
  /** Timeouts that also end after so many completions. */
  readonly counting = new Set<RingRequest>();
  /** Tasks that have submitted. */
  readonly submitters = new Set<Task>();
  readonly #overflowed: Overflowed[] = [];
  readonly #ready: RingRequest[] = [];
  #isStarting = false;
  #isCounting = false;

  constructor(kernel: Kernel, memory: RingMemory, setupFlags: number, isDisabled: boolean) {
    super(anonInode(kernel, 0o600), null, O_RDWR);
    this.kernel = kernel;
    this.memory = memory;
    this.setupFlags = setupFlags;
    this.isDisabled = isDisabled;
  }

  override get anonymousName(): string {
    return "anon_inode:[io_uring]";
  }

  override get waitQueue(): WaitQueue {
    return this.queue;
  }

  override readiness(): number {
    const isRoomy = this.memory.submissions < this.memory.sqEntries;
    const hasWork = this.memory.completions > 0 || this.#overflowed.length > 0;
    return (isRoomy ? POLLOUT | POLLWRNORM : 0) | (hasWork ? POLLIN | POLLRDNORM : 0);
  }

  override mapping(_task: Task): FileMapping | Errno {
    return new RingMapping(this);
  }

  /** A completion; one that finds no room waits for it. */
  post(dataLo: number, dataHi: number, result: number, flags: number, isAsync: boolean): void {
    this.completed++;
    if (this.isFull) {
      this.#overflowed.push({ dataLo, dataHi, result, flags });
      this.memory.setFlag(IORING_SQ_CQ_OVERFLOW, true);
    } else this.memory.post(dataLo, dataHi, result, flags);
    if (this.eventfd !== null && !this.memory.isEventfdOff && (isAsync || !this.isEventfdAsync)) this.eventfd.signal();
    this.queue.notify(POLLIN | POLLRDNORM);
    this.#count();
  }

  /** Ends the timeouts whose number of completions has come; each of their ends is a completion, too. */
  #count(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    for (let seen = -1; seen !== this.completed; ) {
      seen = this.completed;
      for (const request of this.counting) if (this.completed >= (request.wait?.untilCompleted ?? 0)) request.finish(0);
    }
    this.#isCounting = false;
  }

  /** No room for completions. */
  get isFull(): boolean {
    return this.#overflowed.length > 0 || this.memory.isFull;
  }

  /** Room for one more request. Linux has its memory as the only limit, which the guest's is not (-EAGAIN there as well). */
  get takesMore(): boolean {
    return this.pending.size + this.held.length + this.#overflowed.length < MAX_REQUESTS;
  }

  /** Begins a request, after those that are about to begin: one ends, the next begins, without a limit to their number. */
  start(first: RingRequest): void {
    this.#ready.push(first);
    if (this.#isStarting) return;
    this.#isStarting = true;
    for (let request = this.#ready.shift(); request !== undefined; request = this.#ready.shift()) request.begin();
    this.#isStarting = false;
  }

  /** Room for what has waited (io_cqring_overflow_flush). */
  flushOverflow(): void {
    let posted = 0;
    for (const { dataLo, dataHi, result, flags } of this.#overflowed) {
      if (this.memory.isFull) break;
      this.memory.post(dataLo, dataHi, result, flags);
      posted++;
    }
    this.#overflowed.splice(0, posted);
    if (this.#overflowed.length === 0) this.memory.setFlag(IORING_SQ_CQ_OVERFLOW, false);
  }

  /** A request is over: others may have waited for that. */
  ended(request: RingRequest): void {
    this.pending.delete(request);
    this.counting.delete(request);
    for (let next = this.held.at(0); next !== undefined; next = this.held.at(0)) {
      if (next.isDrain && this.pending.size + this.#ready.length > 0) break;
      this.held.shift();
      this.start(next);
    }
  }

  /** The file registered at `index`. */
  registered(index: number): OpenFile | null {
    return this.files?.[index] ?? null;
  }

  unregisterFiles(): void {
    for (const file of this.files ?? []) file?.put();
    this.files = null;
  }

  /** Those of `task`, or all; what they would have started as well. */
  cancelAll(task: Task | null): void {
    const isMeant = (request: RingRequest): boolean => task === null || request.task === task;
    const held = this.held.filter(isMeant);
    const others = this.held.filter((one) => !isMeant(one));
    this.held.splice(0, this.held.length, ...others);
    for (const request of held) request.abandon();
    for (const request of [...this.pending]) if (isMeant(request)) request.cancelChain(ECANCELED);
  }

  protected override release(): void {
    this.cancelAll(null);
    for (const task of this.submitters) task.rings?.delete(this);
    this.submitters.clear();
    this.unregisterFiles();
    this.eventfd?.put();
    this.eventfd = null;
    this.memory.close();
  }
}

/** Keeps the ring's memory while it is mapped. */
class RingMapping implements FileMapping {
  readonly #ring: RingFile;
  readonly name = "anon_inode:[io_uring]";

  constructor(ring: RingFile) {
    this.#ring = ring;
  }

  get inode(): Inode {
    return this.#ring.inode;
  }

  hostFd(_writable: boolean): number {
    return this.#ring.memory.fd;
  }

  place(offset: number, length: number): number {
    return this.#ring.memory.place(offset, length);
  }

  takeMapping(): void {
    this.#ring.take();
  }

  putMapping(): void {
    this.#ring.put();
  }
}
