import { IN_ACCESS, IN_MODIFY, O_APPEND } from "../../../syscall-tables/flags/open.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EBADF, EFAULT, EFBIG, EINVAL, EISDIR, EOVERFLOW, EXDEV, isErrno } from "../../abi/errno.ts";
import { GoferFilesystem } from "../../fs/gofer/filesystem.ts";
import { Overlay } from "../../fs/overlay/overlay.ts";
import type { Task } from "../../task/task.ts";
import { MAX_FILE_SIZE } from "../../vfs/attributes.ts";
import type { Filesystem } from "../../vfs/filesystem.ts";
import { notifyFile } from "../../vfs/notify.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { kernelIo, MAX_RW_COUNT } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";

const PIECE = 1 << 18;
const buffer = new Uint8Array(PIECE);

/** The offset that a pointer argument holds (NULL: the file's position), or an errno. */
const offsetOf = (task: Task, file: OpenFile, addr: number): number => {
  if (addr === 0) return file.position;
  const view = task.memory.viewIn(addr, 8);
  if (isErrno(view)) return EFAULT;
  const offset = view.getUint32(0, true) + view.getInt32(4, true) * TWO_32;
  return offset;
};

const copy = (task: Task, source: OpenFile, sourceAt: number, target: OpenFile, targetAt: number, length: number): number => {
  let done = 0;
  while (done < length) {
    const n = source.pread(kernelIo(buffer, 0, Math.min(PIECE, length - done)), sourceAt + done, task);
    if (n <= 0) return done > 0 ? done : n;
    for (let from = 0; from < n; ) {
      const written = target.pwrite(kernelIo(buffer, from, n - from), targetAt + done, task);
      if (written <= 0) return done > 0 ? done : written;
      from += written;
      done += written;
    }
  }
  return done;
};

const advance = (task: Task, file: OpenFile, addr: number, position: number): number => {
  if (addr !== 0) return task.memory.storeU64(addr, position);
  file.position = position;
  return 0;
};

/** generic_copy_file_checks(): one superblock, or filesystems whose own operation is the same (the host's). */
const isOneFilesystem = (one: Filesystem, other: Filesystem): boolean =>
  one === other ||
  (one instanceof GoferFilesystem && other instanceof GoferFilesystem) ||
  (one instanceof Overlay && other instanceof Overlay);

/** copy_file_range(2), between two regular files. */
export const sys_copy_file_range = implement("copy_file_range", { level: "full" }, (task, inFd, inAddr, outFd, outAddr, size, flags) => {
  const source = task.file(inFd);
  if (isErrno(source)) return source;
  const target = task.file(outFd);
  if (isErrno(target)) return target;
  if (flags !== 0) return EINVAL;
  const sourceAt = offsetOf(task, source, inAddr);
  if (sourceAt === EFAULT) return EFAULT;
  const targetAt = offsetOf(task, target, outAddr);
  if (targetAt === EFAULT) return EFAULT;
  if (source.inode.isDirectory || target.inode.isDirectory) return EISDIR;
  if (!source.inode.isRegular || !target.inode.isRegular) return EINVAL;
  if (!source.canRead || !target.canWrite || (target.flags & O_APPEND) !== 0) return EBADF;
  if (!isOneFilesystem(source.inode.fs, target.inode.fs)) return EXDEV;
  if (!source.isRegular || !target.isRegular) return EINVAL;
  if (sourceAt < 0 || targetAt < 0) return sourceAt + size >= 0 && targetAt + size >= 0 ? EOVERFLOW : EINVAL;
  const left = Math.max(0, source.inode.size - sourceAt);
  const length = Math.min(size, left, MAX_RW_COUNT);
  if (targetAt + length > MAX_FILE_SIZE) return EFBIG;
  if (source.inode === target.inode && sourceAt < targetAt + length && targetAt < sourceAt + length) return EINVAL;
  const n = copy(task, source, sourceAt, target, targetAt, length);
  if (n <= 0) return n;
  notifyFile(source, IN_ACCESS, task);
  notifyFile(target, IN_MODIFY, task);
  const error = advance(task, source, inAddr, sourceAt + n) || advance(task, target, outAddr, targetAt + n);
  return error < 0 ? error : n;
});
