/**
 * memfd_create(2) with MFD_HUGETLB, as on a kernel that has reserved no huge pages (fs/hugetlbfs/inode.c): such
 * a file can be made, sized and read as zeros, but gets no page.
 */
import { FALLOC_FL_PUNCH_HOLE } from "../../../syscall-tables/flags/fd.ts";
import { O_LARGEFILE, O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, ENOMEM, ENOSPC, type Errno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { FileMapping } from "../../mm/file-mapping.ts";
import type { Credentials } from "../../task/credentials.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { MemfdFile, MemfdInode } from "./memfd.ts";
import { memfdFilesystem } from "./memfd-filesystem.ts";

/** Powers of two of the sizes that there are: 2 MiB, 1 GiB. 0 means the first. */
const SHIFTS = [21, 30];

export const hugePageShift = (wanted: number): number => (wanted === 0 ? SHIFTS[0] : SHIFTS.includes(wanted) ? wanted : 0);

class HugeInode extends MemfdInode {
  pageBytes = 0;

  protected override resize(length: number): number {
    return length % this.pageBytes !== 0 ? EINVAL : super.resize(length);
  }

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    return new HugeFile(this, path, flags);
  }
}

class HugeFile extends MemfdFile {
  protected override writeAt(_io: Io, _offset: number, _task: Task): number {
    return EINVAL;
  }

  override allocate(mode: number, offset: number, length: number, task: Task): number {
    return (mode & FALLOC_FL_PUNCH_HOLE) === 0 ? ENOSPC : super.allocate(mode, offset, length, task);
  }

  override mapping(_task: Task): FileMapping | Errno {
    return ENOMEM;
  }
}

export const createHugeMemfd = (kernel: Kernel, name: string, creds: Credentials, mode: number, seals: number, shift: number): OpenFile => {
  const fs = memfdFilesystem(kernel);
  const inode = new HugeInode(fs, mode, creds.fsuid, creds.fsgid, seals);
  inode.pageBytes = 2 ** shift;
  return new HugeFile(inode, fs.unnamedPath(`memfd:${name}`, inode), O_RDWR | O_LARGEFILE);
};
