/** epoll(7). Waiting costs what is ready, not what is watched: items put themselves on a ready list when their file's queue fires. */
import { O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { EPOLLEXCLUSIVE, POLLIN, POLLRDNORM } from "../../../syscall-tables/flags/poll.ts";
import { EEXIST, EFAULT, EINVAL, ELOOP, ENOENT, EPERM } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import { EpollItem } from "./epoll-item.ts";

/** struct epoll_event is packed on x86-64. */
export const EPOLL_EVENT_SIZE = 12;
/** EP_MAX_NESTS */
const MAX_NESTING = 4;

// One collection at a time uses these; they only grow.
let outBytes = new Uint8Array(64 * EPOLL_EVENT_SIZE);
let outView = new DataView(outBytes.buffer);
const collected: EpollItem[] = [];

const growOut = (events: number): void => {
  if (outBytes.length >= events * EPOLL_EVENT_SIZE) return;
  outBytes = new Uint8Array(events * 2 * EPOLL_EVENT_SIZE);
  outView = new DataView(outBytes.buffer);
};

export class EpollFile extends OpenFile {
  readonly #queue = new WaitQueue();
  readonly #items = new Set<EpollItem>();
  #firstReady: EpollItem | null = null;
  #lastReady: EpollItem | null = null;
  #readyCount = 0;

  constructor(kernel: Kernel) {
    super(anonInode(kernel, 0o600), null, O_RDWR);
  }

  /** noop_llseek() */
  override seek(): number {
    return this.position;
  }

  override get anonymousName(): string {
    return "anon_inode:[eventpoll]";
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  protected override release(): void {
    for (const item of this.#items) this.remove(item);
  }

  #find(file: OpenFile, fd: number): EpollItem | null {
    for (const link of file.epollItems ?? []) {
      if (link instanceof EpollItem && link.epoll === this && link.fd === fd) return link;
    }
    return null;
  }

  /** The file of the `index`th registration made under `fd`, for kcmp(2) (get_epoll_tfile_raw_ptr). */
  watched(fd: number, index: number): OpenFile | null {
    let left = index;
    for (const item of this.#items) if (item.fd === fd && left-- === 0) return item.file;
    return null;
  }

  /** EPOLL_CTL_ADD */
  add(task: Task, file: OpenFile, fd: number, events: number, dataLo: number, dataHi: number): number {
    const queue = file.waitQueueFor(task);
    if (queue === null) return EPERM;
    if (file instanceof EpollFile) {
      const depth = file.#depthTo(this, 0);
      if (depth > MAX_NESTING || depth + 1 + this.#height(0) > MAX_NESTING) return ELOOP;
    }
    if (this.#find(file, fd) !== null) return EEXIST;
    const item = new EpollItem(this, file, fd, task, queue);
    item.setEvents(events, dataLo, dataHi);
    this.#items.add(item);
    if (file.epollItems === null) file.epollItems = [item];
    else file.epollItems.push(item);
    queue.add(item);
    if (item.ready() !== 0) this.markReady(item);
    return 0;
  }

  /** EPOLL_CTL_MOD */
  modify(file: OpenFile, fd: number, events: number, dataLo: number, dataHi: number): number {
    const item = this.#find(file, fd);
    if (item === null) return ENOENT;
    if ((item.events & EPOLLEXCLUSIVE) !== 0) return EINVAL;
    item.setEvents(events, dataLo, dataHi);
    if (item.ready() !== 0) this.markReady(item);
    return 0;
  }

  /** EPOLL_CTL_DEL */
  delete(file: OpenFile, fd: number): number {
    const item = this.#find(file, fd);
    if (item === null) return ENOENT;
    this.remove(item);
    return 0;
  }

  remove(item: EpollItem): void {
    item.queue.remove(item);
    this.#unlist(item);
    this.#items.delete(item);
    const links = item.file.epollItems;
    if (links !== null) links.splice(links.indexOf(item), 1);
  }

  /** Nesting below this set; more than MAX_NESTING when `target` lies there (ep_loop_check_proc). */
  #depthTo(target: EpollFile, depth: number): number {
    let deepest = 0;
    for (const { file } of this.#items) {
      if (!(file instanceof EpollFile)) continue;
      if (file === target || depth > MAX_NESTING) return MAX_NESTING + 1;
      deepest = Math.max(deepest, file.#depthTo(target, depth + 1) + 1);
      if (deepest > MAX_NESTING) break;
    }
    return deepest;
  }

  /** Nesting of sets that watch this one (ep_get_upwards_depth_proc). */
  #height(depth: number): number {
    let highest = 0;
    if (depth > MAX_NESTING) return highest;
    for (const link of this.epollItems ?? []) {
      if (link instanceof EpollItem) highest = Math.max(highest, link.epoll.#height(depth + 1) + 1);
    }
    return highest;
  }

  /** The item may have something to tell. Waiters hear of it even when it is listed already: an outer edge-triggered set must. */
  markReady(item: EpollItem): void {
    if (!item.isListed) this.#append(item);
    if (!this.#queue.isEmpty) this.#queue.notify(POLLIN | POLLRDNORM);
  }

  override readiness(): number {
    for (let item = this.#firstReady; item !== null; ) {
      const { next } = item;
      if (item.ready() !== 0) return POLLIN | POLLRDNORM;
      this.#unlist(item);
      item = next;
    }
    return 0;
  }

  /**
   * Copies at most `limit` events to `eventsAddr`: their number, 0 when nothing is ready, or
   * EFAULT. What is told and level-triggered goes to the end of the list, so that a busy
   * file cannot starve the others (ep_send_events).
   */
  collect(task: Task, eventsAddr: UserAddr, limit: number): number {
    if (this.#firstReady === null) return 0;
    const candidates = this.#readyCount;
    growOut(Math.min(limit, candidates));
    let count = 0;
    for (let i = 0; i < candidates && count < limit && this.#firstReady !== null; i++) {
      const item: EpollItem = this.#firstReady;
      this.#unlist(item);
      const events = item.ready();
      if (events === 0) continue;
      const at = count * EPOLL_EVENT_SIZE;
      outView.setUint32(at, events, true);
      outView.setUint32(at + 4, item.dataLo, true);
      outView.setUint32(at + 8, item.dataHi, true);
      collected[count++] = item;
    }
    if (count === 0) return 0;
    const length = count * EPOLL_EVENT_SIZE;
    const copied = task.memory.writeFrom(eventsAddr, outBytes, 0, length);
    const told = copied === length ? count : Math.max(0, Math.floor(copied / EPOLL_EVENT_SIZE));
    for (let i = 0; i < told; i++) {
      const item = collected[i];
      if (item.isOneShot) item.disable();
      else if (!item.isEdgeTriggered && !item.isListed) this.#append(item);
    }
    for (let i = count - 1; i >= told; i--) if (!collected[i].isListed) this.#prepend(collected[i]);
    collected.length = 0;
    return told > 0 ? told : EFAULT;
  }

  #append(item: EpollItem): void {
    item.isListed = true;
    item.previous = this.#lastReady;
    item.next = null;
    if (this.#lastReady === null) this.#firstReady = item;
    else this.#lastReady.next = item;
    this.#lastReady = item;
    this.#readyCount++;
  }

  #prepend(item: EpollItem): void {
    item.isListed = true;
    item.previous = null;
    item.next = this.#firstReady;
    if (this.#firstReady === null) this.#lastReady = item;
    else this.#firstReady.previous = item;
    this.#firstReady = item;
    this.#readyCount++;
  }

  #unlist(item: EpollItem): void {
    if (!item.isListed) return;
    item.isListed = false;
    if (item.previous === null) this.#firstReady = item.next;
    else item.previous.next = item.next;
    if (item.next === null) this.#lastReady = item.previous;
    else item.next.previous = item.previous;
    item.previous = null;
    item.next = null;
    this.#readyCount--;
  }

  override fdInfo(): string {
    let text = "";
    for (const { fd, events, dataLo, dataHi, file } of this.#items) {
      const data = (dataHi === 0 ? "" : dataHi.toString(16)) + dataLo.toString(16).padStart(dataHi === 0 ? 0 : 8, "0");
      text += `tfd: ${String(fd).padStart(8)} events: ${events.toString(16).padStart(8)} data: ${data.padStart(16)} `;
      text += ` pos:${file.position} ino:${file.inode.ino.toString(16)} sdev:${file.inode.fs.device.toString(16)}\n`;
    }
    return text;
  }
}
