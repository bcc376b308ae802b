import { IN_ACCESS } from "../../../syscall-tables/flags/open.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { DirentSink } from "../../vfs/inode.ts";
import { notifyFile } from "../../vfs/notify.ts";
import { implement } from "../implement.ts";

/** One call fills no more: callers loop anyway. */
const MAX_BYTES = 1 << 18;

const bytes = new Uint8Array(MAX_BYTES);
const view = new DataView(bytes.buffer);

const put64 = (at: number, value: number): void => {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
};

/** Writes struct linux_dirent64, or with `isOld` struct linux_dirent (getdents(2)). */
class DirentWriter implements DirentSink {
  used = 0;
  limit = 0;
  isOld = false;
  wasFull = false;

  add(name: string, ino: number, mode: number, nextPosition: number): boolean {
    const header = this.isOld ? 18 : 19;
    // The old layout ends with d_type behind the name's NUL.
    const length = (header + name.length + (this.isOld ? 2 : 1) + 7) & ~7;
    const at = this.used;
    if (at + length > this.limit) {
      this.wasFull = true;
      return false;
    }
    const type = (mode >> 12) & 15;
    put64(at, ino);
    put64(at + 8, nextPosition);
    view.setUint16(at + 16, length, true);
    if (!this.isOld) bytes[at + 18] = type;
    for (let i = 0; i < name.length; i++) bytes[at + header + i] = name.charCodeAt(i);
    bytes.fill(0, at + header + name.length, at + length);
    if (this.isOld) bytes[at + length - 1] = type;
    this.used += length;
    return true;
  }
}

/** getdents64(2): what is in its layout already is copied whole. */
class Dirent64Writer extends DirentWriter {
  addPacked(source: Uint8Array, from: number, end: number): number {
    let to = end;
    const most = this.limit - this.used;
    if (end - from > most) {
      for (let next = from; next - from <= most; next += source[to + 16] + source[to + 17] * 256) to = next;
      this.wasFull = true;
    }
    bytes.set(from === 0 && to === source.length ? source : source.subarray(from, to), this.used);
    this.used += to - from;
    return to;
  }
}

const oldWriter = new DirentWriter();
oldWriter.isOld = true;
const newWriter = new Dirent64Writer();

const list = (task: Task, fd: number, addr: number, count: number, isOld: boolean): number => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  if (!file.inode.isDirectory) return ENOTDIR;
  if (!file.canRead) return EBADF;
  if (file.inode.nlink === 0) return ENOENT;
  const writer = isOld ? oldWriter : newWriter;
  writer.used = 0;
  writer.limit = Math.min(count, MAX_BYTES);
  writer.wasFull = false;
  const before = file.position;
  const error = file.readDirectory(writer, task);
  const { used } = writer;
  if (used === 0) return error < 0 ? error : writer.wasFull ? EINVAL : 0;
  notifyFile(file, IN_ACCESS, task);
  if (task.memory.writeFrom(addr, bytes, 0, used) === used) return used;
  file.position = before;
  return EFAULT;
};

/** getdents(2) */
export const sys_getdents = implement("getdents", { level: "full" }, (task, fd, addr, count) => list(task, fd, addr, count, true));

/** getdents64(2) */
export const sys_getdents64 = implement("getdents64", { level: "full" }, (task, fd, addr, count) => list(task, fd, addr, count, false));
