/** /proc/PID/{cmdline,environ,auxv,mem} (fs/proc/base.c). */

import { SEEK_CUR, SEEK_SET } from "../../../syscall-tables/flags/fd.ts";
import { S_IFREG } from "../../../syscall-tables/flags/open.ts";
import { EACCES, EAGAIN, EINVAL, EIO, type Errno, ESRCH } from "../../abi/errno.ts";
import type { UserMemory } from "../../mm/user-memory.ts";
import { USER_ADDR_LIMIT } from "../../mm/user-memory.ts";
import { pokeMemory } from "../../ptrace/memory.ts";
import { WaitQueue } from "../../task/blocking.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";

import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { GeneratedInode } from "./generated.ts";
import { isGone, livingTask, ownByTask, type Subject } from "./task-directory.ts";

const PAGE = 4096;
/** Arguments and environment together stay below (MAX_ARG_STRINGS bounds them by the stack). */
const TEXT_LIMIT = 8 << 20;

/** What could be read of [start, end), as latin1. */
const textBetween = (memory: UserMemory, start: number, end: number): string => {
  const length = Math.min(TEXT_LIMIT, end - start);
  if (start === 0 || length <= 0) return "";
  const bytes = new Uint8Array(length);
  const n = memory.readInto(start, bytes, 0, length);
  return n <= 0 ? "" : Buffer.from(bytes.buffer, 0, n).toString("latin1");
};

/** The memory as it is, never what a running call has prefetched. */
const memoryOf = (task: Task): UserMemory => task.thread.process.memory;

export const cmdlineText = (subject: Subject): string => {
  const task = livingTask(subject);
  if (task === null) return "";
  const { argStart, argEnd, envStart, envEnd } = task.mm;
  const text = textBetween(memoryOf(task), argStart, argEnd);
  // setproctitle(3): without a NUL at the end the title goes on into the environment (get_mm_cmdline).
  if (text.length < argEnd - argStart || text.endsWith("\0") || envStart !== argEnd || envEnd < envStart) return text;
  const title = text + textBetween(memoryOf(task), envStart, Math.min(envEnd, envStart + PAGE));
  const nul = title.indexOf("\0");
  return nul < 0 ? title : title.slice(0, Math.max(nul, 0) + 1);
};

export const environText = (subject: Subject): string => {
  const task = livingTask(subject);
  return task === null ? "" : textBetween(memoryOf(task), task.mm.envStart, task.mm.envEnd);
};

export const auxvText = (subject: Subject): string => {
  const task = livingTask(subject);
  return task === null ? "" : Buffer.from(task.mm.auxv).toString("latin1");
};

/** /proc/PID/mem: the file position is an address. */
export class MemInode extends GeneratedInode {
  readonly #subject: Subject;

  constructor(subject: Subject) {
    super(subject.fs, subject.fs.allocateIno(), S_IFREG | 0o600);
    this.#subject = subject;
  }

  override refresh(): number {
    ownByTask(this, this.#subject, false);
    return 0;
  }

  override open(path: Path, flags: number, task: Task): OpenFile | Errno {
    if (isGone(this.#subject.task)) return ESRCH;
    const target = livingTask(this.#subject);
    if (!mayInspect(task, this.#subject.task, true)) return EACCES;
    return target === null ? EACCES : new MemFile(this, path, flags, target);
  }
}

const piece = new Uint8Array(PAGE);

interface ForcedWrite {
  readonly task: Task;
  /** Bytes written before it. */
  readonly done: number;
  /** Bytes written by it, or an errno; null: not yet. */
  result: number | null;
}

class MemFile extends OpenFile {
  readonly #target: Task;
  /** The address space is that of the open, whatever the process executes later. */
  readonly #mm: Task["mm"];

  constructor(inode: MemInode, path: Path, flags: number, target: Task) {
    super(inode, path, flags);
    this.#target = target;
    this.#mm = target.mm;
  }

  override get isSeekable(): boolean {
    return true;
  }

  get #memory(): UserMemory | null {
    const target = this.#target.isDead ? this.#target.process.anyTask : this.#target;
    return target.isDead || target.mm !== this.#mm ? null : memoryOf(target);
  }

  override read(io: Io, task: Task): number {
    const n = this.pread(io, this.position, task);
    if (n > 0) this.position += n;
    return n;
  }

  override write(io: Io, task: Task): number {
    const n = this.pwrite(io, this.position, task);
    if (n > 0) this.position += n;
    return n;
  }

  override pread(io: Io, offset: number, _task: Task): number {
    const memory = this.#memory;
    if (memory === null) return 0;
    let done = 0;
    while (io.remaining > 0 && offset + done < USER_ADDR_LIMIT) {
      const want = Math.min(PAGE - ((offset + done) % PAGE), io.remaining);
      if (this.#mm.openLength(offset + done, want) < want) break;
      const got = memory.readInto(offset + done, piece, 0, want);
      if (got <= 0) break;
      const n = io.put(piece, 0, got);
      if (n < 0) return done > 0 ? done : n;
      done += n;
      if (n < want) break;
    }
    return done > 0 || io.remaining === 0 ? done : EIO;
  }

  /** A write into memory that is read-only to the program itself, under way. */
  #forced: ForcedWrite | null = null;
  readonly #forcedDone = new WaitQueue();

  override waitQueueFor(_task: Task): WaitQueue {
    return this.#forcedDone;
  }

  /** A tracer writes everywhere (FOLL_FORCE): where the program may not, by way of a thread of it that stands still. */
  override pwrite(io: Io, offset: number, task: Task): number {
    let done = 0;
    if (this.#forced?.task === task) {
      const { result } = this.#forced;
      if (result === null) return EAGAIN;
      done = this.#forced.done;
      this.#forced = null;
      if (result < 0) return done > 0 ? done : EIO;
      done += result;
    }
    const memory = this.#memory;
    if (memory === null) return done;
    while (io.remaining > 0 && offset + done < USER_ADDR_LIMIT) {
      const want = Math.min(PAGE - ((offset + done) % PAGE), io.remaining);
      if (this.#mm.openLength(offset + done, want) < want) return done > 0 ? done : EIO;
      const taken = io.take(piece, 0, want);
      if (taken <= 0) return done > 0 ? done : taken;
      const n = Math.max(0, memory.writeFrom(offset + done, piece, 0, taken));
      done += n;
      if (n === taken) continue;
      const agent = this.#forced === null ? this.#agentFor(task) : null;
      if (agent === null) return done > 0 ? done : EIO;
      const forced = this.#force(agent, task, offset + done, piece.slice(n, taken), done);
      if (forced.result === null) return EAGAIN;
      this.#forced = null;
      if (forced.result < 0) return done > 0 ? done : EIO;
      done += forced.result;
    }
    return done;
  }

  /** The caller itself, or a thread that stands still for its tracer. */
  #agentFor(task: Task): Task | null {
    if (task.mm === this.#mm) return task;
    for (const thread of this.#target.process.tasks.values()) if (thread.mm === this.#mm && thread.trace?.isStopped) return thread;
    return null;
  }

  #force(agent: Task, task: Task, addr: number, bytes: Uint8Array, done: number): ForcedWrite {
    const forced: ForcedWrite = { task, done, result: null };
    this.#forced = forced;
    pokeMemory(agent, addr, bytes, (result) => {
      forced.result = result < 0 ? result : bytes.length;
      this.#forcedDone.notify();
    });
    return forced;
  }

  override seek(offset: number, whence: number): number {
    if (whence !== SEEK_SET && whence !== SEEK_CUR) return EINVAL;
    const position = whence === SEEK_SET ? offset : this.position + offset;
    if (position < 0) return EINVAL;
    this.position = position;
    return position;
  }
}
