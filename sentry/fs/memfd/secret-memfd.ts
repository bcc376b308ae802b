/** memfd_secret(2) (mm/secretmem.c): memory that only those who have mapped it reach, not the kernel on somebody's behalf. */
import { O_LARGEFILE, O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, EOPNOTSUPP, type Errno, ESPIPE } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { FileMapping } from "../../mm/file-mapping.ts";
import type { Credentials } from "../../task/credentials.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { MemfdFile, MemfdInode, MemfdMapping } from "./memfd.ts";
import { memfdFilesystem } from "./memfd-filesystem.ts";

class SecretInode extends MemfdInode {
  /** secretmem_setattr(): its size is set once. */
  protected override resize(length: number): number {
    return this.size !== 0 ? EINVAL : super.resize(length);
  }

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    return new SecretFile(this, path, flags);
  }
}

class SecretMapping extends MemfdMapping {
  readonly isSecret = true;
}

class SecretFile extends MemfdFile {
  override get isSeekable(): boolean {
    return false;
  }
  override read(): number {
    return EINVAL;
  }
  override write(): number {
    return EINVAL;
  }
  override pread(): number {
    return ESPIPE;
  }
  override pwrite(): number {
    return ESPIPE;
  }
  override seek(): number {
    return ESPIPE;
  }
  override allocate(): number {
    return EOPNOTSUPP;
  }
  override seals(): number {
    return EINVAL;
  }
  override addSeals(): number {
    return EINVAL;
  }
  override mapping(_task: Task): FileMapping | Errno {
    return new SecretMapping(this.inode, this.path);
  }
}

export const createSecretMemfd = (kernel: Kernel, creds: Credentials): OpenFile => {
  const fs = memfdFilesystem(kernel);
  const inode = new SecretInode(fs, 0o600, creds.fsuid, creds.fsgid, 0);
  return new SecretFile(inode, fs.unnamedPath("secretmem", inode), O_RDWR | O_LARGEFILE);
};
