/** /proc/PID/{fd,fdinfo,task} (proc(5)). */
import { O_CLOEXEC, S_IFLNK } from "../../../syscall-tables/flags/open.ts";
import { EACCES, ENOENT, type Errno } from "../../abi/errno.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { anonymousPath } from "../../vfs/walk.ts";
import type { DirectoryEntry } from "./generated.ts";
import { isGone, livingTask, type Subject, TaskLink, TaskListing, TaskTextInode, taskNamed } from "./task-directory.ts";

const fileOf = (subject: Subject, fd: number): OpenFile | null => livingTask(subject)?.files.get(fd) ?? null;

const fdNamed = (name: string): number => (/^(0|[1-9][0-9]{0,9})$/.test(name) ? Number(name) : -1);

/** What both directories of descriptors do alike: one inode per number, kept while the description is the same. */
abstract class DescriptorListing extends TaskListing {
  readonly #inodes = new Map<number, { readonly file: OpenFile; readonly inode: Inode }>();

  protected abstract make(fd: number, file: OpenFile): Inode;

  #inode(fd: number): Inode | null {
    const file = fileOf(this.subject, fd);
    if (file === null) {
      this.#inodes.delete(fd);
      return null;
    }
    const known = this.#inodes.get(fd);
    if (known !== undefined && known.file === file) return known.inode;
    const inode = this.make(fd, file);
    inode.refresh();
    this.subject.fs.stamp(inode);
    this.#inodes.set(fd, { file, inode });
    return inode;
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    const fd = fdNamed(name);
    return fd < 0 ? ENOENT : (this.#inode(fd) ?? ENOENT);
  }

  /** proc_fd_permission(), proc_fdinfo_permission(). */
  override open(path: Path, flags: number, task: Task): OpenFile | Errno {
    return mayInspect(task, this.subject.task, true) ? super.open(path, flags, task) : EACCES;
  }

  override *entries(): Iterable<DirectoryEntry> {
    for (const fd of livingTask(this.subject)?.files.fds() ?? []) {
      const inode = this.#inode(fd);
      if (inode !== null) yield { name: String(fd), inode };
    }
  }
}

export class FdListing extends DescriptorListing {
  /** Since Linux 6.2 the number of files (proc_readfd_count). */
  override refresh(): number {
    super.refresh();
    let count = 0;
    for (const _fd of livingTask(this.subject)?.files.fds() ?? []) count++;
    this.size = count;
    return 0;
  }

  constructor(subject: Subject) {
    super(subject, 0o500);
  }

  protected make(fd: number, file: OpenFile): Inode {
    const link = new TaskLink(
      this.subject,
      (subject) => {
        const open = fileOf(subject, fd);
        return open === null ? ENOENT : (open.path ?? anonymousPath(open));
      },
      (subject, reader) => {
        const open = fileOf(subject, fd);
        if (open === null) return ENOENT;
        return open.path === null ? open.anonymousName : reader.kernel.vfs.pathName(open.path, reader.fs.root);
      },
    );
    // The owner's bits say how it was opened (tid_fd_update_inode).
    link.mode = S_IFLNK | (file.canRead ? 0o500 : 0) | (file.canWrite ? 0o300 : 0);
    link.size = 64;
    return link;
  }
}

export class FdInfoListing extends DescriptorListing {
  constructor(subject: Subject) {
    super(subject, 0o555);
  }

  protected make(fd: number): Inode {
    return new TaskTextInode(this.subject, 0o444, (subject) => fdInfo(subject, fd), "inspect-open");
  }
}

const fdInfo = (subject: Subject, fd: number): string | Errno => {
  const file = fileOf(subject, fd);
  if (file === null) return ENOENT;
  const isCloexec = livingTask(subject)?.files.isCloexec(fd) === true;
  const flags = (file.flags | (isCloexec ? O_CLOEXEC : 0)) >>> 0;
  const mountId = file.path?.mount.id ?? anonymousPath(file).mount.id;
  return `pos:\t${file.position}\nflags:\t0${flags.toString(8)}\nmnt_id:\t${mountId}\nino:\t${file.inode.ino}\n${file.fdInfo()}`;
};

/** /proc/PID/task */
export class ThreadListing extends TaskListing {
  constructor(subject: Subject) {
    super(subject, 0o555);
  }

  override refresh(): number {
    super.refresh();
    this.nlink = 2 + this.subject.task.process.tasks.size;
    return 0;
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    const task = taskNamed(name, this.subject.fs.pids);
    if (task === null || task.process !== this.subject.task.process || isGone(task)) return ENOENT;
    const directory = this.subject.fs.threadDirectory(task);
    directory.refresh();
    return directory;
  }

  override *entries(): Iterable<DirectoryEntry> {
    const { fs, task } = this.subject;
    const { process } = task;
    const threads = [...process.tasks.values()];
    if (process.leader.isDead && !process.isReaped) threads.unshift(process.leader);
    for (const thread of threads) yield { name: String(thread.pid.in(fs.pids)), inode: fs.threadDirectory(thread) };
  }
}

/** /proc/PID/task/TID/children */
export const childrenText = ({ fs, task }: Subject): string => {
  let text = "";
  for (const child of task.process.children) {
    const parent = child.parentTask ?? task.process.leader;
    if (parent === task || (parent.isDead && task.isLeader)) text += `${child.leader.pid.in(fs.pids)} `;
  }
  return text;
};
