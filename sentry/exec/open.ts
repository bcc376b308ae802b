/** Opening a program and looking at it (do_open_execat, load_elf_binary up to the point of no return). */

import { MS_NOEXEC } from "../../syscall-tables/flags/mount.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  FAN_OPEN_EXEC,
  IN_ACCESS,
  IN_OPEN,
  O_RDONLY,
} from "../../syscall-tables/flags/open.ts";
import { PATH_MAX } from "../../syscall-tables/limits.ts";
import { ELF_PHDR_SIZE, PT_INTERP } from "../abi/elf.ts";
import { EACCES, EIO, ELIBBAD, ELOOP, ENODEV, ENOEXEC, type Errno, ETXTBSY, isErrno } from "../abi/errno.ts";
import { mayExecute } from "../landlock/files.ts";
import type { FileMapping } from "../mm/file-mapping.ts";
import type { Task } from "../task/task.ts";
import { notifyFile } from "../vfs/notify.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { Path } from "../vfs/path.ts";
import { MAY_EXEC, mayAccess } from "../vfs/permission.ts";
import { kernelIo } from "../vfs/user-io.ts";
import { WALK_EMPTY, WALK_FOLLOW } from "../vfs/walk.ts";
import { type ElfHeader, parseElfHeader, parseSegments, type Segment } from "./elf.ts";

/** Header, program headers and the interpreter's name nearly always lie in the first page. */
const HEAD_BYTES = 4096;

/** A file that may be executed, with its first bytes. */
export interface Executable {
  readonly file: OpenFile;
  readonly head: Uint8Array;
}

export interface ElfFile {
  readonly file: OpenFile;
  readonly mapping: FileMapping;
  readonly header: ElfHeader;
  readonly segments: readonly Segment[];
}

/** Opens `path` for execution; `flags` are AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW. */
export const openExecutable = (task: Task, dirfd: number, path: string, flags: number): Executable | Errno => {
  const walkFlags = (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
  const place = task.kernel.vfs.walk(task, dirfd, path, walkFlags);
  if (isErrno(place)) return place;
  const { inode } = place.dentry;
  const stale = inode.refresh();
  if (stale < 0) return stale as Errno;
  if (inode.isSymlink) return ELOOP;
  if (!inode.isRegular || (place.mount.flags & MS_NOEXEC) !== 0) return EACCES;
  if (mayAccess(inode, task.creds, MAY_EXEC) < 0) return EACCES;
  const kept = mayExecute(task.creds, place);
  if (kept !== 0) return kept;
  // The fd that memfd_create(2) returns does not count as a writer (alloc_file_pseudo).
  if (inode.writeCount > 0 && !isMemfd(place)) return ETXTBSY;
  // Not through openPath: a program need not be readable.
  const file = inode.open(place, O_RDONLY, task);
  if (isErrno(file)) return file;
  notifyFile(file, IN_OPEN | FAN_OPEN_EXEC, task);
  const head = readFile(task, file, 0, HEAD_BYTES);
  notifyFile(file, IN_ACCESS, task);
  if (!isErrno(head)) return { file, head };
  file.put();
  return head;
};

const isMemfd = (place: Path): boolean => place.dentry.parent === null && place.dentry.name.startsWith("/memfd:");

/** Up to `length` bytes at `offset`. */
export const readFile = (task: Task, file: OpenFile, offset: number, length: number): Uint8Array | Errno => {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const n = file.pread(kernelIo(bytes, done, length - done), offset + done, task);
    if (n < 0) return n as Errno;
    if (n === 0) break;
    done += n;
  }
  return bytes.subarray(0, done);
};

/** The ELF file in `executable`, or ENOEXEC. The reference of the file stays the caller's. */
export const readElf = (task: Task, executable: Executable): ElfFile | Errno => {
  const { file, head } = executable;
  const header = parseElfHeader(head);
  if (isErrno(header)) return header;
  const mapping = file.mapping(task);
  if (isErrno(mapping)) return mapping === ENODEV ? ENOEXEC : mapping;
  const table = readRange(task, executable, header.phoff, header.phnum * ELF_PHDR_SIZE);
  if (isErrno(table) || table.length < header.phnum * ELF_PHDR_SIZE) return ENOEXEC;
  return { file, mapping, header, segments: parseSegments(table, header.phnum) };
};

const readRange = (task: Task, { file, head }: Executable, offset: number, length: number): Uint8Array | Errno => {
  if (offset + length <= head.length) return head.subarray(offset, offset + length);
  return offset > Number.MAX_SAFE_INTEGER ? ENOEXEC : readFile(task, file, offset, length);
};

/** The program interpreter's path, null without one. */
const interpreterPath = (task: Task, executable: Executable, elf: ElfFile): string | Errno | null => {
  const segment = elf.segments.find((candidate) => candidate.type === PT_INTERP);
  if (segment === undefined) return null;
  if (segment.filesz > PATH_MAX || segment.filesz < 2) return ENOEXEC;
  const bytes = readRange(task, executable, segment.offset, segment.filesz);
  if (isErrno(bytes)) return bytes;
  if (bytes.length < segment.filesz) return EIO;
  if (bytes[segment.filesz - 1] !== 0) return ENOEXEC;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.indexOf(0)).toString("latin1");
};

/** The program interpreter (ld.so) that `elf` names; null without one. The caller puts its file. */
export const openInterpreter = (task: Task, executable: Executable, elf: ElfFile): ElfFile | Errno | null => {
  const path = interpreterPath(task, executable, elf);
  if (path === null || isErrno(path)) return path;
  const found = openExecutable(task, AT_FDCWD, path, 0);
  if (isErrno(found)) return found;
  const interpreter = found.head.length < 64 ? EIO : readElf(task, found);
  if (!isErrno(interpreter)) return interpreter;
  found.file.put();
  return interpreter === ENOEXEC ? ELIBBAD : interpreter;
};
