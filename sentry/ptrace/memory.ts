/** Another task's memory as its tracer reads and writes it (access_remote_vm with FOLL_FORCE). */
import { EFAULT, EIO, type Errno } from "../abi/errno.ts";
import { PROT_WRITE } from "../abi/mman.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import { VM_SHARED } from "../mm/vma.ts";
import { BLOCKED, BlockingOp, WaitQueue } from "../task/blocking.ts";
import type { Task } from "../task/task.ts";

/** A tracer's call that waits for what a stopped task's host thread does for it. */
export class TraceeOp extends BlockingOp {
  readonly #queue = new WaitQueue();
  #result: number | null = null;

  constructor(tracee: Task) {
    super();
    if (tracee.trace !== null) tracee.trace.awaited = this;
  }

  /** The first answer counts: a tracee that dies meanwhile gives ESRCH. */
  finish(result: number): void {
    this.#result ??= result;
    this.#queue.notify();
  }

  override subscribe(task: Task): void {
    task.waitOn(this.#queue);
  }

  override step(_task: Task): number {
    return this.#result ?? BLOCKED;
  }

  /** It is over in a moment; only the tracer's end comes first. */
  override interrupted(task: Task): number {
    return task.isKilled ? EIO : BLOCKED;
  }

  override describe(): string {
    return "ptrace";
  }
}

/** The areas of [addr, addr + length) allow a tracer's write: private ones, or shared ones that are writable anyway. */
const forcedProtection = (task: Task, addr: UserAddr, length: number): number | Errno => {
  let protection = -1;
  for (let at = addr; at < addr + length; ) {
    const vma = task.mm.find(at);
    if (vma === null || vma.start > at || vma.isPlatform || (vma.flags & VM_SHARED) !== 0) return EFAULT;
    if (protection >= 0 && vma.prot !== protection) return EFAULT;
    protection = vma.prot;
    at = vma.end;
  }
  return protection;
};

/**
 * Writes to a stopped task's memory, also where the task itself may not: `done` gets 0 or an
 * errno, at once where that is possible.
 */
export const pokeMemory = (tracee: Task, addr: UserAddr, bytes: Uint8Array, done: (result: number) => void): void => {
  const { memory } = tracee.thread.process;
  const vma = tracee.mm.find(addr);
  const isWritable = vma !== null && (vma.prot & PROT_WRITE) !== 0;
  if (isWritable && memory.writeFrom(addr, bytes, 0, bytes.length) === bytes.length) {
    done(0);
    return;
  }
  const protection = forcedProtection(tracee, addr, bytes.length);
  if (protection < 0) done(protection);
  else tracee.thread.poke(addr, bytes, protection, done);
};
