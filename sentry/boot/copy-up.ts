/** Copies a directory's contents into an empty tmpfs before anything runs: runc's tmpcopyup. */
import { O_DIRECTORY, O_NOATIME, O_RDONLY, S_IFDIR, S_IFLNK, S_IFMT } from "../../syscall-tables/flags/open.ts";
import { EIO, type Errno, isErrno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import type { Inode } from "../vfs/inode.ts";
import { MemoryRegular } from "../vfs/memory/memory-regular.ts";
import { Mount } from "../vfs/mount.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { Dentry } from "../vfs/path.ts";
import { kernelIo } from "../vfs/user-io.ts";

const COPY_BYTES = 1 << 18;
/** No filesystem asks who opens and reads: permissions are the callers' affair. */
const NOBODY = null as unknown as Task;

const open = (inode: Inode, flags: number): OpenFile | Errno => {
  const dentry = new Dentry("", null, inode);
  return inode.open({ mount: new Mount(inode.fs, dentry, 0, ""), dentry }, flags | O_RDONLY | O_NOATIME, NOBODY);
};

const copyBytes = (from: Inode, to: MemoryRegular): number => {
  const source = open(from, 0);
  if (isErrno(source)) return source;
  const buffer = new Uint8Array(Math.min(COPY_BYTES, from.size));
  let at = 0;
  let n = 1;
  while (n > 0) {
    n = source.pread(kernelIo(buffer, 0, buffer.length), at, NOBODY);
    for (let done = 0; done < n; ) {
      const written = to.data.write(kernelIo(buffer, done, n - done), at + done);
      if (written <= 0) {
        source.put();
        return written < 0 ? written : EIO;
      }
      done += written;
    }
    at += Math.max(n, 0);
  }
  source.put();
  to.size = to.data.size;
  return n;
};

const namesIn = (directory: Inode): string[] | Errno => {
  const file = open(directory, O_DIRECTORY);
  if (isErrno(file)) return file;
  const names: string[] = [];
  const add = (name: string): boolean => {
    if (name !== "." && name !== "..") names.push(name);
    return true;
  };
  let error = 0;
  for (let position = -1; error >= 0 && position !== file.position; ) {
    position = file.position;
    error = file.readDirectory({ add }, NOBODY);
  }
  file.put();
  return error < 0 ? (error as Errno) : names;
};

const copyOne = (from: Inode, to: Inode, name: string): number => {
  const { mode, uid, gid, rdev } = from;
  if ((mode & S_IFMT) === S_IFLNK) {
    const target = from.readlink(NOBODY);
    const link = isErrno(target) ? target : to.symlink(name, target, uid, gid);
    return isErrno(link) ? link : 0;
  }
  const made = to.create(name, mode, uid, gid, rdev);
  if (isErrno(made)) return made;
  let error = 0;
  if ((mode & S_IFMT) === S_IFDIR) error = copyInto(from, made);
  else if (made instanceof MemoryRegular && from.size > 0) error = copyBytes(from, made);
  if (error < 0) return error;
  return made.setAttributes({ mode, atime: { ...from.atime }, mtime: { ...from.mtime } }, null);
};

/** The contents of `from` into the empty directory `to`. 0 or an errno. */
export const copyInto = (from: Inode, to: Inode): number => {
  const names = namesIn(from);
  if (isErrno(names)) return names;
  for (const name of names) {
    const child = from.lookup(name, null);
    // Gone meanwhile.
    if (isErrno(child)) continue;
    const error = copyOne(child, to, name);
    if (error < 0) return error;
  }
  return 0;
};
