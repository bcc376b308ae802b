/** memfd_create(2): an in-memory file without a name, which can be sealed (mm/memfd.c, mm/shmem.c). */

import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FALLOC_FL_PUNCH_HOLE,
} from "../../../syscall-tables/flags/fd.ts";
import { O_LARGEFILE, O_RDWR, S_IFREG } from "../../../syscall-tables/flags/open.ts";
import { EBUSY, EINVAL, EPERM, type Errno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { FileMapping } from "../../mm/file-mapping.ts";
import type { Credentials } from "../../task/credentials.ts";
import type { Task } from "../../task/task.ts";
import type { AttributeChange } from "../../vfs/inode.ts";
import type { Io } from "../../vfs/io.ts";
import { MemoryFile, MemoryMapping, MemoryRegular } from "../../vfs/memory/memory-regular.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { type MemfdFilesystem, memfdFilesystem } from "./memfd-filesystem.ts";

const WRITE_SEALS = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
const ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | WRITE_SEALS | F_SEAL_EXEC;
const EXEC_BITS = 0o111;

export class MemfdInode extends MemoryRegular {
  /** F_SEAL_* in force. */
  seals: number;
  /** Mappings through which it may be written (i_mmap_writable). */
  writableMappings = 0;

  constructor(fs: MemfdFilesystem, mode: number, uid: number, gid: number, seals: number) {
    super(fs, S_IFREG | mode, uid, gid);
    this.nlink = 0;
    this.seals = seals;
  }

  protected override resize(length: number): number {
    if (length < this.size && (this.seals & F_SEAL_SHRINK) !== 0) return EPERM;
    if (length > this.size && (this.seals & F_SEAL_GROW) !== 0) return EPERM;
    return super.resize(length);
  }

  override setAttributes(change: AttributeChange, task: Task | null): number {
    if (change.mode !== undefined && (this.seals & F_SEAL_EXEC) !== 0 && ((change.mode ^ this.mode) & EXEC_BITS) !== 0) return EPERM;
    return super.setAttributes(change, task);
  }

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    return new MemfdFile(this, path, flags);
  }
}

export class MemfdFile extends MemoryFile {
  declare readonly inode: MemfdInode;

  protected override writeAt(io: Io, offset: number, task: Task): number {
    const { seals, size } = this.inode;
    if ((seals & WRITE_SEALS) !== 0) return EPERM;
    if ((seals & F_SEAL_GROW) !== 0 && offset + io.remaining > size) return EPERM;
    return super.writeAt(io, offset, task);
  }

  override allocate(mode: number, offset: number, length: number, task: Task): number {
    const { seals, size } = this.inode;
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
      if ((seals & WRITE_SEALS) !== 0) return EPERM;
    } else if ((seals & F_SEAL_GROW) !== 0 && offset + length > size) return EPERM;
    return super.allocate(mode, offset, length, task);
  }

  override seals(): number {
    return this.inode.seals;
  }

  override addSeals(wanted: number): number {
    const { inode } = this;
    if (!this.canWrite) return EPERM;
    if ((wanted & ~ALL_SEALS) !== 0) return EINVAL;
    if ((inode.seals & F_SEAL_SEAL) !== 0) return EPERM;
    // An executable that cannot be made non-executable must not change either (memfd_add_seals).
    const implied = (wanted & F_SEAL_EXEC) !== 0 && (inode.mode & EXEC_BITS) !== 0 ? F_SEAL_SHRINK | F_SEAL_GROW | WRITE_SEALS : 0;
    const seals = wanted | implied;
    if ((seals & F_SEAL_WRITE) !== 0 && (inode.seals & F_SEAL_WRITE) === 0 && inode.writableMappings > 0) return EBUSY;
    inode.seals |= seals;
    return 0;
  }

  override mapping(_task: Task): FileMapping | Errno {
    return new MemfdMapping(this.inode, this.path);
  }
}

export class MemfdMapping extends MemoryMapping {
  declare readonly inode: MemfdInode;

  /** EPERM for a mapping that would write through a seal. */
  override hostFd(isWritable: boolean): number | Errno {
    return isWritable && (this.inode.seals & WRITE_SEALS) !== 0 ? EPERM : super.hostFd(isWritable);
  }

  override takeMapping(isSharedWritable: boolean): void {
    if (isSharedWritable) this.inode.writableMappings++;
    super.takeMapping(isSharedWritable);
  }

  override putMapping(isSharedWritable: boolean): void {
    if (isSharedWritable) this.inode.writableMappings--;
    super.putMapping(isSharedWritable);
  }
}

/** An open file on a fresh unnamed inode, shown as "/memfd:NAME (deleted)". */
export const createMemfd = (kernel: Kernel, name: string, creds: Credentials, mode: number, seals: number): OpenFile => {
  const fs = memfdFilesystem(kernel);
  const inode = new MemfdInode(fs, mode, creds.fsuid, creds.fsgid, seals);
  return new MemfdFile(inode, fs.unnamedPath(`memfd:${name}`, inode), O_RDWR | O_LARGEFILE);
};
