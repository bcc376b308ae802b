/**
 * Moving bytes between a pipe and a file, or between pipes, without the caller's memory
 * (fs/splice.c). Each function makes one attempt: bytes moved, 0 at the end, EAGAIN when
 * it would have to wait, or another errno.
 */
import { EAGAIN, EPIPE } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import { type Pipe, raiseSigpipe } from "./pipe.ts";
import { PAGE_SIZE } from "./pipe-ring.ts";

/** Room for a writer: 0, EAGAIN when full, or EPIPE and SIGPIPE without readers (wait_for_space). */
const checkSpace = (pipe: Pipe, task: Task): number => {
  if (pipe.readers === 0) {
    raiseSigpipe(task);
    return EPIPE;
  }
  return pipe.ring.isFull ? EAGAIN : 0;
};

/** `offset` -1: at the file's own position. */
export const spliceToFile = (pipe: Pipe, file: OpenFile, offset: number, length: number, task: Task): number => {
  const { ring } = pipe;
  if (ring.isEmpty) return pipe.writers === 0 ? 0 : EAGAIN;
  const wasFull = ring.isFull;
  let moved = 0;
  let result = 0;
  while (moved < length && !ring.isEmpty) {
    const wanted = Math.min(ring.readyRun(), length - moved);
    const io = kernelIo(ring.bytes, ring.readyAt, wanted);
    result = offset < 0 ? file.write(io, task) : file.pwrite(io, offset + moved, task);
    if (result <= 0) break;
    ring.consume(result);
    moved += result;
    if (result < wanted && !file.writesWhole) break;
  }
  if (moved > 0) pipe.drained(wasFull);
  return moved > 0 ? moved : result;
};

export const spliceFromFile = (file: OpenFile, offset: number, pipe: Pipe, length: number, task: Task): number => {
  const { ring } = pipe;
  const error = checkSpace(pipe, task);
  if (error < 0) return error;
  const limit = Math.min(length, ring.freeSlots * PAGE_SIZE);
  let moved = 0;
  let result = 0;
  while (moved < limit) {
    const wanted = ring.freeRun(limit - moved);
    const io = kernelIo(ring.bytes, ring.freeAt, wanted);
    result = offset < 0 ? file.read(io, task) : file.pread(io, offset + moved, task);
    if (result <= 0) break;
    ring.commit(result);
    moved += result;
    if (result < wanted) break;
  }
  if (moved > 0) pipe.filled();
  return moved > 0 ? moved : result;
};

/** splice(2) between pipes, or tee(2) when `keep`. */
export const splicePipes = (from: Pipe, to: Pipe, length: number, keep: boolean, task: Task): number => {
  const error = checkSpace(to, task);
  if (error === EPIPE) return error;
  if (from.ring.isEmpty) return from.writers === 0 ? 0 : EAGAIN;
  if (error < 0) return error;
  const wasFull = from.ring.isFull;
  const moved = from.ring.copyTo(to.ring, length, keep);
  to.filled();
  if (!keep) from.drained(wasFull);
  return moved;
};

/** vmsplice(2) into the pipe: what fits, without waiting for more room. */
export const spliceFromUser = (io: Io, pipe: Pipe, task: Task): number => {
  const error = checkSpace(pipe, task);
  if (error < 0) return error;
  const n = pipe.ring.fill(io, false);
  if (n > 0) pipe.filled();
  return n;
};

/** vmsplice(2) out of the pipe. */
export const spliceToUser = (pipe: Pipe, io: Io): number => {
  const wasFull = pipe.ring.isFull;
  const n = pipe.ring.drain(io);
  if (n === EAGAIN && pipe.writers === 0) return 0;
  if (n > 0) pipe.drained(wasFull);
  return n;
};
