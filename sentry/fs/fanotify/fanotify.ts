/**
 * fanotify(7): events of inodes, mounts and filesystems with an open file for each. Groups that report
 * file handles (FAN_REPORT_FID and what needs it) and permission events are not there.
 */
import { FIONREAD } from "../../../syscall-tables/flags/ioctl.ts";
import {
  FAN_MARK_ADD,
  FAN_MARK_IGNORE,
  FAN_MARK_IGNORED_MASK,
  FAN_MARK_IGNORED_SURV_MODIFY,
  FAN_Q_OVERFLOW,
  FAN_REPORT_TID,
  FAN_UNLIMITED_QUEUE,
  O_CLOEXEC,
  O_LARGEFILE,
  O_RDWR,
} from "../../../syscall-tables/flags/open.ts";
import { POLLIN, POLLRDNORM } from "../../../syscall-tables/flags/poll.ts";
import { EAGAIN, EFAULT, EINVAL, ENOENT, ENOTTY, isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import { WaitQueue } from "../../task/blocking.ts";
import type { Pid } from "../../task/pid-namespace.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Io } from "../../vfs/io.ts";
import { pathEvents } from "../../vfs/notify.ts";
import { openPath } from "../../vfs/open.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import { type Path, putPath, takePath } from "../../vfs/path.ts";
import { dropMark, type Mark, type MarkKind, makeMark, objectOf, wantedOf } from "./marks.ts";

/** sizeof(struct fanotify_event_metadata), FANOTIFY_METADATA_VERSION */
const METADATA_SIZE = 24;
const METADATA_VERSION = 3;
const FAN_NOFD = -1;
/** /proc/sys/fs/fanotify/max_queued_events */
const MAX_QUEUED_EVENTS = 16384;
/** FANOTIFY_MAX_MERGE_EVENTS */
const MAX_MERGE_EVENTS = 128;

interface QueuedEvent {
  /** null: the queue has overflowed. */
  readonly path: Path | null;
  readonly pid: Pid | null;
  mask: number;
}

/** Groups with marks: who hears what the VFS tells. */
const listening = new Set<FanotifyFile>();

const hear = (path: Path, event: number, task: Task | null): void => {
  for (const group of listening) group.hear(path, event, task);
};

export class FanotifyFile extends OpenFile {
  readonly #queue = new WaitQueue();
  readonly #marks: Mark[] = [];
  readonly #events: QueuedEvent[] = [];
  readonly initFlags: number;
  readonly #eventFlags: number;

  constructor(kernel: Kernel, initFlags: number, status: number, eventFlags: number) {
    super(anonInode(kernel, 0o600), null, O_RDWR | status);
    this.initFlags = initFlags;
    this.#eventFlags = eventFlags | O_LARGEFILE;
  }

  hear(path: Path, event: number, task: Task | null): void {
    const mask = wantedOf(this.#marks, path, event);
    if (mask === 0) return;
    const pid = task === null ? null : (this.initFlags & FAN_REPORT_TID) !== 0 ? task.pid : task.process.leader.pid;
    const events = this.#events;
    // fanotify_merge(): the same file by the same process is one event with more bits.
    const oldest = Math.max(0, events.length - MAX_MERGE_EVENTS);
    for (let i = events.length - 1; i >= oldest; i--) {
      const queued = events[i];
      if (queued.path?.dentry !== path.dentry || queued.path.mount !== path.mount || queued.pid !== pid) continue;
      queued.mask |= mask;
      return;
    }
    if (events.length >= MAX_QUEUED_EVENTS && (this.initFlags & FAN_UNLIMITED_QUEUE) === 0) {
      if (events[events.length - 1].path !== null) events.push({ path: null, pid: null, mask: FAN_Q_OVERFLOW });
    } else events.push({ path: takePath(path), pid, mask });
    this.#queue.notify(POLLIN | POLLRDNORM);
  }

  /** fanotify_add_mark() and fanotify_remove_mark(): 0 or an errno. */
  mark(path: Path, kind: MarkKind, flags: number, mask: number): number {
    const object = objectOf(path, kind);
    let mark = this.#marks.find((one) => one.object === object);
    const ignores = (flags & (FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE)) !== 0;
    if ((flags & FAN_MARK_ADD) === 0) {
      if (mark === undefined) return ENOENT;
      if (ignores) mark.ignored &= ~mask;
      else mark.mask &= ~mask;
      if (mark.mask === 0 && mark.ignored === 0) this.#remove(mark);
      return 0;
    }
    if (mark === undefined) {
      mark = makeMark(path, kind);
      this.#marks.push(mark);
      listening.add(this);
      pathEvents.hear = hear;
    }
    if (ignores) {
      mark.ignored |= mask;
      mark.flags |= flags & (FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY);
    } else mark.mask |= mask;
    return 0;
  }

  /** fanotify_may_update_existing_mark(): EEXIST and the like are the caller's; these are a mark's flags, 0 without one. */
  flagsOf(path: Path, kind: MarkKind): number {
    const object = objectOf(path, kind);
    const mark = this.#marks.find((one) => one.object === object);
    return mark === undefined ? 0 : mark.flags | (mark.ignored !== 0 ? FAN_MARK_IGNORED_MASK : 0);
  }

  /** FAN_MARK_FLUSH */
  flushMarks(kind: MarkKind): void {
    for (const mark of this.#marks.filter((one) => one.kind === kind)) this.#remove(mark);
  }

  #remove(mark: Mark): void {
    this.#marks.splice(this.#marks.indexOf(mark), 1);
    dropMark(mark);
    if (this.#marks.length > 0) return;
    listening.delete(this);
    if (listening.size === 0) pathEvents.hear = null;
  }

  /** create_fd(): the event's file for the reader, which makes no events itself. */
  #open(path: Path, task: Task): number {
    const room = task.files.canInstall();
    if (room < 0) return room;
    pathEvents.isQuiet = true;
    const file = openPath(task, path, this.#eventFlags & ~O_CLOEXEC);
    pathEvents.isQuiet = false;
    if (isErrno(file)) return file;
    file.isSilent = true;
    // dentry_open() keeps the flag that open(2) takes away.
    file.flags |= this.#eventFlags & O_CLOEXEC;
    return task.files.install(file, (this.#eventFlags & O_CLOEXEC) !== 0);
  }

  /** noop_llseek() */
  override seek(): number {
    return this.position;
  }

  override read(io: Io, task: Task): number {
    const events = this.#events;
    if (events.length === 0) return EAGAIN;
    if (io.remaining < METADATA_SIZE) return EINVAL;
    let total = 0;
    while (events.length > 0 && io.remaining >= METADATA_SIZE) {
      const { path, pid, mask } = events[0];
      const fd = path === null ? FAN_NOFD : this.#open(path, task);
      events.shift();
      if (path !== null) putPath(path);
      // A file that cannot be opened is an error of the first event, and ends a read of more.
      if (path !== null && fd < 0) return total > 0 ? total : fd;
      const bytes = new Uint8Array(METADATA_SIZE);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, METADATA_SIZE, true);
      view.setUint8(4, METADATA_VERSION);
      view.setUint16(6, METADATA_SIZE, true);
      view.setUint32(8, mask, true);
      view.setInt32(16, fd, true);
      view.setInt32(20, pid === null ? 0 : pid.in(task.pidNamespace), true);
      if (io.put(bytes, 0, METADATA_SIZE) !== METADATA_SIZE) {
        if (fd >= 0) task.files.close(fd, task);
        return total > 0 ? total : EFAULT;
      }
      total += METADATA_SIZE;
    }
    return total;
  }

  /** fanotify_write(): there is no question to answer. */
  override write(io: Io): number {
    return io.remaining < 8 ? EINVAL : ENOENT;
  }

  override readiness(): number {
    return this.#events.length > 0 ? POLLIN | POLLRDNORM : 0;
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    return command === FIONREAD ? task.memory.storeU32(argument, this.#events.length * METADATA_SIZE) : ENOTTY;
  }

  protected override release(): void {
    for (const mark of [...this.#marks]) this.#remove(mark);
    for (const { path } of this.#events) if (path !== null) putPath(path);
    this.#events.length = 0;
  }

  override get anonymousName(): string {
    return "anon_inode:[fanotify]";
  }

  override fdInfo(): string {
    return `fanotify flags:${this.initFlags.toString(16)} event-flags:${this.#eventFlags.toString(16)}\n`;
  }
}
