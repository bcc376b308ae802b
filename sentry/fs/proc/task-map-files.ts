/** /proc/PID/map_files (proc(5)): a link for each mapping of a file, by its addresses. */
import { PROT_READ, PROT_WRITE } from "../../../syscall-tables/flags/mm.ts";
import { S_IFLNK } from "../../../syscall-tables/flags/open.ts";
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EACCES, ENOENT, EPERM, type Errno } from "../../abi/errno.ts";
import type { Vma } from "../../mm/vma.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import { initialUserNamespace } from "../../task/user-namespace.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import type { DirectoryEntry } from "./generated.ts";
import { livingTask, type Subject, TaskLink, TaskListing } from "./task-directory.ts";

/** dname_to_vma_addr(): two numbers without zeros in front. */
const NAME = /^(0|[1-9a-f][0-9a-f]*)-([1-9a-f][0-9a-f]*)$/;

const findArea = (subject: Subject, start: number, end: number): Vma | null => {
  for (const vma of livingTask(subject)?.mm.vmas() ?? []) if (vma.start === start && vma.end === end) return vma;
  return null;
};

export class MapFilesListing extends TaskListing {
  constructor(subject: Subject) {
    super(subject, 0o500);
  }

  #link(vma: Vma): Inode {
    const { start, end } = vma;
    const link = new TaskLink(
      this.subject,
      (subject, reader) => {
        const { creds } = reader;
        const namespace = initialUserNamespace();
        if (!creds.hasIn(namespace, CAP_SYS_ADMIN) && !creds.hasIn(namespace, CAP_CHECKPOINT_RESTORE)) return EPERM;
        return findArea(subject, start, end)?.file?.path ?? ENOENT;
      },
      (subject) => {
        const area = findArea(subject, start, end);
        return area === null || area.file === null ? ENOENT : area.file.name;
      },
    );
    link.mode = S_IFLNK | (vma.prot & PROT_READ ? 0o400 : 0) | (vma.prot & PROT_WRITE ? 0o200 : 0);
    link.size = 64;
    link.refresh();
    this.subject.fs.stamp(link);
    return link;
  }

  override lookup(name: string, reader: Task | null): Inode | Errno {
    if (reader !== null && !mayInspect(reader, this.subject.task, true)) return EACCES;
    const match = NAME.exec(name);
    if (match === null) return ENOENT;
    const vma = findArea(this.subject, Number.parseInt(match[1], 16), Number.parseInt(match[2], 16));
    return vma === null || vma.file === null ? ENOENT : this.#link(vma);
  }

  override open(path: Path, flags: number, task: Task): OpenFile | Errno {
    return mayInspect(task, this.subject.task, true) ? super.open(path, flags, task) : EACCES;
  }

  override *entries(): Iterable<DirectoryEntry> {
    for (const vma of livingTask(this.subject)?.mm.vmas() ?? []) {
      if (vma.file !== null) yield { name: `${vma.start.toString(16)}-${vma.end.toString(16)}`, inode: this.#link(vma) };
    }
  }
}
