/** /proc/PID and /proc/PID/task/TID: a table of entries over one task. */
import { S_IFDIR, S_IFLNK } from "../../../syscall-tables/flags/open.ts";
import { CAP_PERFMON, CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EACCES, ENOENT, EPERM, type Errno, ESRCH } from "../../abi/errno.ts";
import { mayInspect } from "../../task/permission.ts";
import type { PidNamespace } from "../../task/pid-namespace.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { type DirectoryEntry, GeneratedInode, ListedDirectory, TextInode } from "./generated.ts";
import { HIDEPID_INVISIBLE, HIDEPID_NO_ACCESS, HIDEPID_OFF, maySeeProcess } from "./options.ts";
import type { Procfs } from "./procfs.ts";

export type TaskScope = "process" | "thread";

/** Makes the inode of one entry. */
export type TaskEntry = (subject: Subject) => Inode;

/** The task that a decimal name without leading zeros stands for. */
export const taskNamed = (name: string, pids: PidNamespace): Task | null =>
  /^[1-9][0-9]{0,9}$/.test(name) ? pids.task(Number(name)) : null;

/** What an entry is made for. */
export interface Subject {
  readonly fs: Procfs;
  readonly task: Task;
  readonly scope: TaskScope;
}

/** True when the task has been reaped: its directory is empty and its files say ESRCH. */
export const isGone = (task: Task): boolean => task.process.isReaped || (task.isDead && !task.isLeader);

/** The task whose memory and files stand for the process, when the leader has exited before its threads. */
export const livingTask = ({ task, scope }: Subject): Task | null => {
  if (!task.isDead) return task;
  if (scope === "thread" || task.process.tasks.size === 0) return null;
  return task.process.anyTask;
};

/** task_dump_owner(): the task's effective ids, root's when it is not dumpable. */
export const ownByTask = (inode: Inode, { task }: Subject, isPublic: boolean): void => {
  const isOwned = isPublic || task.process.dumpable === 1;
  inode.uid = isOwned ? task.creds.euid : 0;
  inode.gid = isOwned ? task.creds.egid : 0;
};

export class TaskDirectory extends ListedDirectory implements Subject {
  declare readonly fs: Procfs;
  readonly task: Task;
  readonly scope: TaskScope;
  readonly #children = new Map<string, Inode>();
  readonly #table: ReadonlyMap<string, TaskEntry>;

  constructor(fs: Procfs, task: Task, scope: TaskScope, table: ReadonlyMap<string, TaskEntry>) {
    super(fs, fs.allocateIno(), S_IFDIR | 0o555);
    this.task = task;
    this.scope = scope;
    this.#table = table;
    this.nlink = scope === "process" ? 9 : 7;
    fs.stamp(this);
    this.refresh();
  }

  override refresh(): number {
    ownByTask(this, this, true);
    return 0;
  }

  /** proc_pid_permission() */
  #mayEnter(reader: Task): 0 | Errno {
    const { settings } = this.fs;
    if (settings.hidePid === HIDEPID_OFF || maySeeProcess(settings, reader, this.task, HIDEPID_NO_ACCESS)) return 0;
    return settings.hidePid === HIDEPID_INVISIBLE ? ENOENT : EPERM;
  }

  override open(path: Path, flags: number, task: Task): OpenFile | Errno {
    const refused = this.#mayEnter(task);
    return refused === 0 ? super.open(path, flags, task) : refused;
  }

  override lookup(name: string, reader: Task | null): Inode | Errno {
    if (isGone(this.task)) return ENOENT;
    const refused = reader === null ? 0 : this.#mayEnter(reader);
    if (refused !== 0) return refused;
    const child = this.#child(name);
    if (child === null) return ENOENT;
    child.refresh();
    return child;
  }

  #child(name: string): Inode | null {
    let child = this.#children.get(name) ?? null;
    if (child !== null) return child;
    const entry = this.#table.get(name);
    if (entry === undefined) return null;
    child = entry(this);
    this.fs.stamp(child);
    this.#children.set(name, child);
    return child;
  }

  override *entries(): Iterable<DirectoryEntry> {
    if (isGone(this.task)) return;
    for (const name of this.#table.keys()) {
      const inode = this.#child(name);
      if (inode !== null) yield { name, inode };
    }
  }
}

/** Who may read: "all", or those who may ptrace, asked when the file is opened or when it is read. */
export type TaskAccess = "all" | "inspect-open" | "inspect-read" | "inspect-memory";

export type TaskText = (subject: Subject, reader: Task) => string | Errno;
/** 0 or an errno; all that was written is then taken. */
/** 0 or an errno; or how much of the text was taken. */
export type TaskStore = (text: string, subject: Subject, writer: Task, offset: number) => number;

/** may_access_mm(): who may measure the machine may read of every address space. */
const mayReadMemory = (reader: Task, target: Task): boolean =>
  mayInspect(reader, target, true) || reader.creds.has(CAP_PERFMON) || reader.creds.has(CAP_SYS_ADMIN);

export class TaskTextInode extends TextInode {
  readonly #subject: Subject;
  readonly #text: TaskText;
  readonly #access: TaskAccess;
  readonly #store: TaskStore | null;
  readonly #isSequence: boolean;

  constructor(
    subject: Subject,
    mode: number,
    text: TaskText,
    access: TaskAccess = "all",
    store: TaskStore | null = null,
    isSequence = false,
  ) {
    super(subject.fs, subject.fs.allocateIno(), mode);
    this.#isSequence = isSequence;
    this.#subject = subject;
    this.#text = text;
    this.#access = access;
    this.#store = store;
  }

  override refresh(): number {
    ownByTask(this, this.#subject, false);
    return 0;
  }

  protected override mayOpen(_flags: number, task: Task): number {
    if (isGone(this.#subject.task)) return ESRCH;
    if (this.#access === "inspect-memory") return mayReadMemory(task, this.#subject.task) ? 0 : EACCES;
    return this.#access === "inspect-open" && !mayInspect(task, this.#subject.task, true) ? EACCES : 0;
  }

  override text(reader: Task): string | Errno {
    if (isGone(this.#subject.task)) return ESRCH;
    if (this.#access === "inspect-read" && !mayInspect(reader, this.#subject.task, true)) return EACCES;
    return this.#text(this.#subject, reader);
  }

  override get isSequence(): boolean {
    return this.#isSequence;
  }

  override store(text: string, task: Task, offset: number): number {
    if (this.#store === null) return super.store(text, task, offset);
    if (isGone(this.#subject.task)) return ESRCH;
    const result = this.#store(text, this.#subject, task, offset);
    return result === 0 ? text.length : result;
  }
}

/** A link that jumps to what it names (proc_pid_link_inode_operations). */
export class TaskLink extends GeneratedInode {
  readonly #subject: Subject;
  readonly #place: (subject: Subject, reader: Task) => Path | Errno;
  readonly #show: (subject: Subject, reader: Task) => string | Errno;

  constructor(
    subject: Subject,
    place: (subject: Subject, reader: Task) => Path | Errno,
    show: (subject: Subject, reader: Task) => string | Errno,
    mode = 0o777,
  ) {
    super(subject.fs, subject.fs.allocateIno(), S_IFLNK | mode);
    this.#subject = subject;
    this.#place = place;
    this.#show = show;
  }

  override refresh(): number {
    ownByTask(this, this.#subject, false);
    return 0;
  }

  #check(reader: Task): number {
    if (isGone(this.#subject.task)) return ENOENT;
    return mayInspect(reader, this.#subject.task, true) ? 0 : EACCES;
  }

  override readlink(reader: Task): string | Errno {
    const error = this.#check(reader);
    return error < 0 ? (error as Errno) : this.#show(this.#subject, reader);
  }

  override followMagic(reader: Task): Path | Errno {
    const error = this.#check(reader);
    return error < 0 ? (error as Errno) : this.#place(this.#subject, reader);
  }
}

/** A directory that belongs to a task and lists what a function finds. */
export abstract class TaskListing extends ListedDirectory {
  protected readonly subject: Subject;

  constructor(subject: Subject, mode: number) {
    super(subject.fs, subject.fs.allocateIno(), S_IFDIR | mode);
    this.subject = subject;
    subject.fs.stamp(this);
  }

  override refresh(): number {
    ownByTask(this, this.subject, (this.mode & 0o777) === 0o555);
    return 0;
  }
}
