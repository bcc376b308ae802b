import { UIO_MAXIOV } from "../../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, EPERM, type Errno, ESRCH, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import { userIovIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";

const CHUNK_BYTES = 65536;
const chunk = new Uint8Array(CHUNK_BYTES);

interface Range {
  readonly addr: UserAddr;
  readonly length: number;
}

/** The ranges of the other process: any address is accepted and fails when it is used. */
const remoteRanges = (task: Task, addr: UserAddr, count: number): Range[] | Errno => {
  if (count > UIO_MAXIOV) return EINVAL;
  const ranges: Range[] = [];
  if (count === 0) return ranges;
  const view = task.memory.viewIn(addr, count * 16);
  if (typeof view === "number") return view;
  for (let at = 0; at < count * 16; at += 16) {
    const high = view.getInt32(at + 12, true);
    if (high < 0) return EINVAL;
    ranges.push({
      addr: view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32,
      length: view.getUint32(at + 8, true) + high * 2 ** 32,
    });
  }
  return ranges;
};

const targetOf = (task: Task, pid: number): Task | Errno => {
  const target = task.pidNamespace.task(pid);
  if (target === null || target.isDead) return ESRCH;
  return mayInspect(task, target) ? target : EPERM;
};

/** Moves bytes between the caller's vectors and the other process until either ends or faults. */
const transfer = (
  task: Task,
  pid: number,
  local: readonly [addr: UserAddr, count: number],
  remote: readonly [addr: UserAddr, count: number],
  flags: number,
  isWrite: boolean,
): number => {
  if (flags !== 0) return EINVAL;
  const io = userIovIo(task, local[0], local[1]);
  if (isErrno(io)) return io;
  if (io.remaining === 0) return 0;
  const ranges = remoteRanges(task, remote[0], remote[1]);
  if (!Array.isArray(ranges)) return ranges;
  if (ranges.every((range) => range.length === 0)) return 0;
  const target = targetOf(task, pid);
  if (isErrno(target)) return target;
  const { memory } = target.thread.process;
  let done = 0;
  for (const range of ranges) {
    for (let at = 0; at < range.length && io.remaining > 0; ) {
      const most = Math.min(range.length - at, io.remaining, CHUNK_BYTES);
      const want = target.mm.openLength(range.addr + at, most);
      if (want === 0) return done > 0 ? done : EFAULT;
      const taken = isWrite ? io.take(chunk, 0, want) : memory.readInto(range.addr + at, chunk, 0, want);
      const moved = taken <= 0 ? 0 : isWrite ? memory.writeFrom(range.addr + at, chunk, 0, taken) : io.put(chunk, 0, taken);
      if (moved > 0) done += moved;
      if (moved < want) return done > 0 ? done : EFAULT;
      at += moved;
    }
  }
  return done;
};

/** process_vm_readv(2) */
export const sys_process_vm_readv = implement(
  "process_vm_readv",
  { level: "full" },
  (task, pid, localAddr, localCount, remoteAddr, remoteCount, flags) =>
    transfer(task, pid, [localAddr, localCount], [remoteAddr, remoteCount], flags, false),
);

/** process_vm_writev(2) */
export const sys_process_vm_writev = implement(
  "process_vm_writev",
  { level: "full" },
  (task, pid, localAddr, localCount, remoteAddr, remoteCount, flags) =>
    transfer(task, pid, [localAddr, localCount], [remoteAddr, remoteCount], flags, true),
);
