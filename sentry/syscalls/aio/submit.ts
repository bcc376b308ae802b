import { O_APPEND } from "../../../syscall-tables/flags/open.ts";
import { EAGAIN, EBADF, EFAULT, EINPROGRESS, EINVAL, EOPNOTSUPP, isErrno } from "../../abi/errno.ts";
import { EventFile } from "../../fs/eventfd/eventfd.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { checkRange, MAX_RW_COUNT, type UserIo, userIo, userIovIo } from "../../vfs/user-io.ts";
import { RWF_KNOWN } from "../file/readv.ts";
import { implement } from "../implement.ts";
import { type AioContext, findContext, PollRequest, type Request } from "./context.ts";

const IOCB_SIZE = 64;
const IOCB_CMD_PREAD = 0;
const IOCB_CMD_PWRITE = 1;
const IOCB_CMD_FSYNC = 2;
const IOCB_CMD_FDSYNC = 3;
const IOCB_CMD_POLL = 5;
const IOCB_CMD_PREADV = 7;
const IOCB_CMD_PWRITEV = 8;
const IOCB_FLAG_RESFD = 1;
const IOCB_FLAG_IOPRIO = 2;

const word64 = (view: DataView, at: number): number => view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32;

/** Runs a read or write at once; its result is the completion's. `refused`: the error is io_submit's own, and nothing completes. */
const transfer = (task: Task, file: OpenFile, view: DataView, opcode: number): { refused: number } | number => {
  const isRead = opcode === IOCB_CMD_PREAD || opcode === IOCB_CMD_PREADV;
  if (isRead ? !file.canRead : !file.canWrite) return { refused: EBADF };
  const bufferAddr = word64(view, 24);
  const count = word64(view, 32);
  const offset = word64(view, 40);
  let io: UserIo | number;
  if (opcode === IOCB_CMD_PREADV || opcode === IOCB_CMD_PWRITEV) io = userIovIo(task, bufferAddr, count);
  else {
    const length = Math.min(count, MAX_RW_COUNT);
    io = checkRange(bufferAddr, length) || userIo(task, bufferAddr, length);
  }
  if (typeof io === "number") return { refused: io };
  if ((view.getUint32(12, true) & ~RWF_KNOWN) !== 0) return { refused: EOPNOTSUPP };
  if (!file.isSeekable) return isRead ? file.read(io, task) : file.write(io, task);
  if (offset < 0) return { refused: EINVAL };
  if (isRead) return file.pread(io, offset, task);
  return file.pwrite(io, (file.flags & O_APPEND) !== 0 ? file.inode.size : offset, task);
};

const start = (task: Task, context: AioContext, view: DataView, iocbAddr: UserAddr): number => {
  const flags = view.getUint32(56, true);
  if (view.getUint32(48, true) !== 0 || view.getUint32(52, true) !== 0 || (flags & ~(IOCB_FLAG_RESFD | IOCB_FLAG_IOPRIO)) !== 0) {
    return EINVAL;
  }
  if (word64(view, 32) < 0) return EINVAL;
  if (context.isFull) return EAGAIN;
  const file = task.file(view.getInt32(20, true));
  if (isErrno(file)) return EBADF;
  let eventfd: EventFile | null = null;
  if ((flags & IOCB_FLAG_RESFD) !== 0) {
    const target = task.file(view.getInt32(60, true));
    if (isErrno(target)) return EBADF;
    if (!(target instanceof EventFile)) return EINVAL;
    eventfd = target;
  }
  const request: Request = { dataLo: view.getUint32(0, true), dataHi: view.getUint32(4, true), iocbAddr, eventfd };
  const opcode = view.getUint16(16, true);
  let result: { refused: number } | number;
  switch (opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PREADV:
    case IOCB_CMD_PWRITEV:
      result = transfer(task, file, view, opcode);
      break;
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
      if (word64(view, 24) !== 0 || word64(view, 32) !== 0 || word64(view, 40) !== 0) return EINVAL;
      result = file.sync(task);
      break;
    case IOCB_CMD_POLL: {
      const events = word64(view, 24);
      if (events < 0 || events > 0xffff || word64(view, 32) !== 0 || word64(view, 40) !== 0) return EINVAL;
      eventfd?.take();
      const poll = new PollRequest(context, request, file, events, task);
      context.polls.set(iocbAddr, poll);
      poll.wake();
      return 0;
    }
    default:
      return EINVAL;
  }
  if (typeof result !== "number") return result.refused;
  eventfd?.take();
  context.complete(request, result);
  return 0;
};

/** io_submit(2). Files are served at once; IOCB_CMD_POLL waits in the background. */
export const sys_io_submit = implement(
  "io_submit",
  { level: "partial", note: "requests on files run inside io_submit; one that would block completes with EAGAIN" },
  (task, id, count, iocbsAddr) => {
    if (count < 0) return EINVAL;
    const context = findContext(task, id);
    if (typeof context === "number") return context;
    const total = Math.min(count, context.limit);
    for (let i = 0; i < total; i++) {
      const iocbAddr = task.memory.loadU64(iocbsAddr + i * 8);
      const view = iocbAddr < 0 ? EFAULT : task.memory.viewIn(iocbAddr, IOCB_SIZE);
      const error = typeof view === "number" ? view : start(task, context, view, iocbAddr);
      if (error < 0) return i > 0 ? i : error;
    }
    return total;
  },
);

/** io_cancel(2): only a poll can still be under way; its completion is not reported here (EINPROGRESS). */
export const sys_io_cancel = implement("io_cancel", { level: "full" }, (task, id, iocbAddr) => {
  const key = task.memory.loadU32(iocbAddr + 8);
  if (key < 0) return EFAULT;
  if (key !== 0) return EINVAL;
  const context = findContext(task, id);
  if (typeof context === "number") return context;
  const poll = context.polls.get(iocbAddr);
  if (poll === undefined) return EINVAL;
  poll.end();
  context.complete(poll.request, 0);
  return EINPROGRESS;
});
