/** Files and buffers registered with a ring (io_uring_register(2)). */
import { EBADF, EBUSY, EFAULT, EINVAL, ENXIO, isErrno } from "../../abi/errno.ts";
import { RingFile } from "../../io-uring/ring-file.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";

/** IORING_MAX_FIXED_FILES and UIO_MAXIOV's cousin for buffers, IORING_MAX_REG_BUFFERS. */
const MAX_FILES = 1 << 15;
const MAX_BUFFERS = 1 << 14;
const IOVEC_SIZE = 16;
const SKIP = -2;

const take = (task: Task, fd: number): OpenFile | null => {
  const file = task.file(fd);
  return isErrno(file) || file instanceof RingFile ? null : file.take();
};

export const registerFiles = (ring: RingFile, task: Task, addr: UserAddr, count: number): number => {
  if (ring.files !== null) return EBUSY;
  if (count === 0 || count > MAX_FILES) return EINVAL;
  const view = task.memory.viewIn(addr, count * 4);
  if (isErrno(view)) return EFAULT;
  const files: (OpenFile | null)[] = [];
  for (let i = 0; i < count; i++) {
    const fd = view.getInt32(i * 4, true);
    const file = fd === -1 ? null : take(task, fd);
    if (fd !== -1 && file === null) {
      for (const one of files) one?.put();
      return EBADF;
    }
    files.push(file);
  }
  ring.files = files;
  return 0;
};

/** How many of `fds` were put in place from `start` on; an errno when not even the first was. */
export const updateFiles = (ring: RingFile, task: Task, start: number, fds: readonly number[]): number => {
  if (ring.files === null) return ENXIO;
  if (start + fds.length > ring.files.length) return EINVAL;
  for (const [i, fd] of fds.entries()) {
    if (fd === SKIP) continue;
    const file = fd === -1 ? null : take(task, fd);
    if (fd !== -1 && file === null) return i > 0 ? i : EBADF;
    ring.files[start + i]?.put();
    ring.files[start + i] = file;
  }
  return fds.length;
};

export const registerBuffers = (ring: RingFile, task: Task, addr: UserAddr, count: number): number => {
  if (ring.buffers !== null) return EBUSY;
  if (count === 0 || count > MAX_BUFFERS) return EINVAL;
  const view = task.memory.viewIn(addr, count * IOVEC_SIZE);
  if (isErrno(view)) return EFAULT;
  const buffers: { addr: number; length: number }[] = [];
  const u64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  for (let i = 0; i < count; i++) {
    const buffer = { addr: u64(i * IOVEC_SIZE), length: u64(i * IOVEC_SIZE + 8) };
    if (buffer.addr === 0 || buffer.length === 0 || buffer.length > 2 ** 30) return EFAULT;
    if (!task.mm.map.covers(buffer.addr, buffer.addr + buffer.length)) return EFAULT;
    buffers.push(buffer);
  }
  ring.buffers = buffers;
  return 0;
};
