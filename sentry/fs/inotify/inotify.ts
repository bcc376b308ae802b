/** inotify(7) */
import { FIONREAD } from "../../../syscall-tables/flags/ioctl.ts";
import { IN_ALL_EVENTS, IN_EXCL_UNLINK, IN_IGNORED, IN_ONESHOT, IN_Q_OVERFLOW, O_RDONLY } from "../../../syscall-tables/flags/open.ts";
import { POLLIN, POLLRDNORM } from "../../../syscall-tables/flags/poll.ts";
import { EAGAIN, EFAULT, EINVAL, ENOSPC, ENOTTY } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Dentry } from "../../vfs/path.ts";
import { InodeMarks, type Watch } from "./inode-marks.ts";

/** sizeof(struct inotify_event), and what names are padded to. */
const EVENT_SIZE = 16;
/** /proc/sys/fs/inotify/max_queued_events and max_user_watches */
const MAX_QUEUED_EVENTS = 16384;
const MAX_WATCHES = 1_048_576;
const KEPT_BITS = IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK;

interface QueuedEvent {
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: string;
  readonly length: number;
}

interface PinnedWatch extends Watch {
  /** Keeps the inode in the cache while it is watched. */
  readonly dentry: Dentry;
}

const eventLength = (name: string): number => EVENT_SIZE + (name === "" ? 0 : Math.ceil((name.length + 1) / EVENT_SIZE) * EVENT_SIZE);

const packEvent = (event: QueuedEvent): Uint8Array => {
  const bytes = new Uint8Array(event.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, event.wd, true);
  view.setUint32(4, event.mask, true);
  view.setUint32(8, event.cookie, true);
  view.setUint32(12, event.length - EVENT_SIZE, true);
  for (let i = 0; i < event.name.length; i++) bytes[EVENT_SIZE + i] = event.name.charCodeAt(i);
  return bytes;
};

export class InotifyFile extends OpenFile {
  readonly #queue = new WaitQueue();
  readonly #watches = new Map<number, PinnedWatch>();
  readonly #events: QueuedEvent[] = [];
  #lastWd = 0;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, flags: number) {
    super(anonInode(kernel, 0o600), null, O_RDONLY | flags);
    this.#kernel = kernel;
  }

  /** inotify_add_watch(2) for a new watch: its descriptor, or ENOSPC. `mask` has the events and how to watch. */
  add(dentry: Dentry, mask: number): number {
    if (this.#watches.size >= MAX_WATCHES) return ENOSPC;
    const marks = InodeMarks.of(dentry.inode);
    const watch: PinnedWatch = { file: this, wd: ++this.#lastWd, marks, mask: mask & KEPT_BITS, dentry };
    dentry.pins++;
    marks.add(watch, this.#kernel);
    this.#watches.set(watch.wd, watch);
    return watch.wd;
  }

  /** The watch that this instance has on the inode already. */
  find(dentry: Dentry): Watch | null {
    const { watches } = dentry.inode;
    return watches instanceof InodeMarks ? watches.find(this) : null;
  }

  change(watch: Watch, mask: number, isAdded: boolean): number {
    watch.mask = isAdded ? watch.mask | (mask & KEPT_BITS) : mask & KEPT_BITS;
    return watch.wd;
  }

  /** inotify_rm_watch(2) */
  removeByDescriptor(wd: number): number {
    const watch = this.#watches.get(wd);
    if (watch === undefined) return EINVAL;
    this.forget(watch);
    return 0;
  }

  /** The watch ends, by itself or on demand: IN_IGNORED is its last event. */
  forget(watch: Watch): void {
    if (!this.#drop(watch.wd)) return;
    this.#enqueue(watch.wd, IN_IGNORED, "", 0);
  }

  #drop(wd: number): boolean {
    const watch = this.#watches.get(wd);
    if (watch === undefined) return false;
    this.#watches.delete(wd);
    watch.marks.remove(watch);
    watch.dentry.pins--;
    return true;
  }

  deliver(watch: Watch, mask: number, name: string, cookie: number): void {
    this.#enqueue(watch.wd, mask, name, cookie);
    if ((watch.mask & IN_ONESHOT) !== 0) this.forget(watch);
  }

  #enqueue(wd: number, mask: number, name: string, cookie: number): void {
    const events = this.#events;
    const last = events.length > 0 ? events[events.length - 1] : null;
    // inotify_merge(): an event like the one before it adds nothing.
    if (last !== null && last.wd === wd && last.mask === mask && last.name === name && (mask & IN_IGNORED) === 0) return;
    if (events.length >= MAX_QUEUED_EVENTS) {
      if (last?.mask === IN_Q_OVERFLOW) return;
      events.push({ wd: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: "", length: EVENT_SIZE });
    } else events.push({ wd, mask, cookie, name, length: eventLength(name) });
    this.#queue.notify(POLLIN | POLLRDNORM);
  }

  /** noop_llseek() */
  override seek(): number {
    return this.position;
  }

  override read(io: Io, _task: Task): number {
    const events = this.#events;
    if (events.length === 0) return EAGAIN;
    if (io.remaining < events[0].length) return EINVAL;
    let total = 0;
    let count = 0;
    let isFault = false;
    for (; count < events.length && io.remaining >= events[count].length; count++) {
      const { length } = events[count];
      if (io.put(packEvent(events[count]), 0, length) !== length) {
        isFault = true;
        // The event is lost: copy_event_to_user() took it off the queue.
        count++;
        break;
      }
      total += length;
    }
    events.splice(0, count);
    return isFault && total === 0 ? EFAULT : total;
  }

  override readiness(): number {
    return this.#events.length > 0 ? POLLIN | POLLRDNORM : 0;
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    if (command !== FIONREAD) return ENOTTY;
    let bytes = 0;
    for (const { length } of this.#events) bytes += length;
    return task.memory.storeU32(argument, bytes);
  }

  protected override release(): void {
    for (const wd of [...this.#watches.keys()]) this.#drop(wd);
  }

  override get anonymousName(): string {
    return "anon_inode:inotify";
  }

  override fdInfo(): string {
    let text = "";
    for (const { wd, mask, dentry } of this.#watches.values()) {
      const { ino, fs } = dentry.inode;
      text += `inotify wd:${wd.toString(16)} ino:${ino.toString(16)} sdev:${fs.device.toString(16)} mask:${(mask >>> 0).toString(16)} ignored_mask:0 \n`;
    }
    return text;
  }
}
