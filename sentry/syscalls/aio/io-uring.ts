import * as OP from "../../../syscall-tables/flags/io-uring.ts";
import {
  IORING_ENTER_ABS_TIMER,
  IORING_ENTER_EXT_ARG,
  IORING_ENTER_GETEVENTS,
  IORING_ENTER_NO_IOWAIT,
  IORING_ENTER_SQ_WAIT,
  IORING_ENTER_SQ_WAKEUP,
} from "../../../syscall-tables/flags/system.ts";
import { EBADF, EBADFD, EFAULT, EINTR, EINVAL, EOPNOTSUPP, EPERM, type Errno, ETIME, isErrno } from "../../abi/errno.ts";
import { RingFile } from "../../io-uring/ring-file.ts";
import { RingMemory } from "../../io-uring/ring-memory.ts";
import { mayMakeRing } from "../../io-uring/ring-settings.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { deadlineAfter, readTimespec, useTemporaryMask } from "../poll/timeout.ts";
import { submit } from "./ring-submit.ts";

const PARAMS_SIZE = 120;
const SQ_OFFSETS_AT = 40;
const MAX_ENTRIES = 32_768;
const MAX_CQ_ENTRIES = 2 * MAX_ENTRIES;
const GETEVENTS_ARG_SIZE = 24;

const KNOWN_SETUP =
  OP.IORING_SETUP_CQSIZE |
  OP.IORING_SETUP_CLAMP |
  OP.IORING_SETUP_R_DISABLED |
  OP.IORING_SETUP_SUBMIT_ALL |
  OP.IORING_SETUP_COOP_TASKRUN |
  OP.IORING_SETUP_TASKRUN_FLAG |
  OP.IORING_SETUP_SINGLE_ISSUER |
  OP.IORING_SETUP_DEFER_TASKRUN |
  OP.IORING_SETUP_NO_SQARRAY;

const FEATURES =
  OP.IORING_FEAT_SINGLE_MMAP |
  OP.IORING_FEAT_NODROP |
  OP.IORING_FEAT_SUBMIT_STABLE |
  OP.IORING_FEAT_RW_CUR_POS |
  OP.IORING_FEAT_FAST_POLL |
  OP.IORING_FEAT_POLL_32BITS |
  OP.IORING_FEAT_EXT_ARG |
  OP.IORING_FEAT_CQE_SKIP |
  OP.IORING_FEAT_LINKED_FILE;

const powerOfTwo = (count: number): number => 2 ** Math.ceil(Math.log2(count));

/** The sizes of both rings, or an errno (io_uring_fill_params). */
const sizes = (entries: number, flags: number, cqWanted: number): { sq: number; cq: number } | Errno => {
  const isClamped = (flags & OP.IORING_SETUP_CLAMP) !== 0;
  if (entries === 0 || (entries > MAX_ENTRIES && !isClamped)) return EINVAL;
  const sq = powerOfTwo(Math.min(entries, MAX_ENTRIES));
  if ((flags & OP.IORING_SETUP_CQSIZE) === 0) return { sq, cq: 2 * sq };
  if (cqWanted === 0 || (cqWanted > MAX_CQ_ENTRIES && !isClamped)) return EINVAL;
  const cq = powerOfTwo(Math.min(cqWanted, MAX_CQ_ENTRIES));
  return cq < sq ? EINVAL : { sq, cq };
};

const SUPPORT = "no polled I/O, no kernel thread that submits, no large entries, no provided buffers; opcodes for files and sockets";

/** io_uring_setup(2) */
export const sys_io_uring_setup = implement("io_uring_setup", { level: "partial", note: SUPPORT }, (task, entries, paramsAddr) => {
  if (!mayMakeRing(task.creds)) return EPERM;
  const params = task.memory.viewIn(paramsAddr, PARAMS_SIZE);
  if (isErrno(params)) return EFAULT;
  for (let at = 28; at < SQ_OFFSETS_AT; at += 4) if (params.getUint32(at, true) !== 0) return EINVAL;
  const flags = params.getUint32(8, true);
  if ((flags & ~KNOWN_SETUP) !== 0) return EINVAL;
  const isDeferred = (flags & OP.IORING_SETUP_DEFER_TASKRUN) !== 0;
  if (isDeferred && (flags & OP.IORING_SETUP_SINGLE_ISSUER) === 0) return EINVAL;
  if ((flags & OP.IORING_SETUP_TASKRUN_FLAG) !== 0 && !isDeferred && (flags & OP.IORING_SETUP_COOP_TASKRUN) === 0) return EINVAL;
  const size = sizes(entries, flags, params.getUint32(4, true));
  if (isErrno(size)) return size;
  const error = task.files.canInstall();
  if (error < 0) return error;
  const memory = RingMemory.create(size.sq, size.cq, (flags & OP.IORING_SETUP_NO_SQARRAY) === 0);
  if (isErrno(memory)) return memory;
  params.setUint32(0, size.sq, true);
  params.setUint32(4, size.cq, true);
  params.setUint32(20, FEATURES, true);
  memory.offsets().forEach((offset, i) => {
    params.setUint32(SQ_OFFSETS_AT + i * 4, offset, true);
  });
  const file = new RingFile(task.kernel, memory, flags, (flags & OP.IORING_SETUP_R_DISABLED) !== 0);
  if (task.memory.copyOut(paramsAddr, new Uint8Array(params.buffer, params.byteOffset, PARAMS_SIZE)) < 0) {
    file.put();
    return EFAULT;
  }
  return task.files.install(file, true);
});

/** Waits for completions. */
class EnterOp extends BlockingOp {
  readonly #ring: RingFile;
  readonly #wanted: number;
  readonly #submitted: number;

  constructor(ring: RingFile, wanted: number, submitted: number, deadlineNs: number) {
    super();
    this.#ring = ring.take();
    this.#wanted = wanted;
    this.#submitted = submitted;
    this.deadlineNs = deadlineNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#ring.queue);
  }

  step(): number {
    this.#ring.flushOverflow();
    return this.#ring.memory.completions >= this.#wanted ? this.#finish(0) : BLOCKED;
  }

  override interrupted(): number {
    return this.#finish(EINTR);
  }

  override timedOut(): number {
    return this.#finish(ETIME);
  }

  #finish(result: number): number {
    this.#ring.put();
    return this.#submitted > 0 ? this.#submitted : result;
  }

  describe(): string {
    return "io_cqring_wait";
  }
}

export const ringOf = (task: Task, fd: number): RingFile | Errno => {
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  return file instanceof RingFile ? file : EOPNOTSUPP;
};

const KNOWN_ENTER =
  IORING_ENTER_GETEVENTS |
  IORING_ENTER_SQ_WAKEUP |
  IORING_ENTER_SQ_WAIT |
  IORING_ENTER_EXT_ARG |
  IORING_ENTER_ABS_TIMER |
  IORING_ENTER_NO_IOWAIT;

/** What the last two arguments say: a deadline, and the signal mask for the wait, which is set. An errno. */
const readWait = (task: Task, flags: number, argAddr: UserAddr, argSize: number): number => {
  if ((flags & IORING_ENTER_EXT_ARG) === 0) {
    const error = useTemporaryMask(task, argAddr, argSize);
    return error < 0 ? error : Number.POSITIVE_INFINITY;
  }
  if (argSize !== GETEVENTS_ARG_SIZE) return EINVAL;
  const view = task.memory.viewIn(argAddr, GETEVENTS_ARG_SIZE);
  if (isErrno(view)) return EFAULT;
  const u64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  const timeoutNs = readTimespec(task, u64(16));
  if (timeoutNs < 0) return timeoutNs;
  const error = useTemporaryMask(task, u64(0), view.getUint32(8, true));
  if (error < 0) return error;
  return (flags & IORING_ENTER_ABS_TIMER) !== 0 ? timeoutNs : deadlineAfter(task, timeoutNs);
};

/** io_uring_enter(2) */
export const sys_io_uring_enter = implement(
  "io_uring_enter",
  { level: "partial", note: SUPPORT },
  (task, fd, toSubmit, minComplete, flags, argAddr, argSize) => {
    if ((flags & ~KNOWN_ENTER) !== 0) return EINVAL;
    const ring = ringOf(task, fd);
    if (isErrno(ring)) return ring;
    if (ring.isDisabled) return EBADFD;
    const submitted = toSubmit === 0 ? 0 : submit(ring, task, toSubmit);
    if (submitted < 0) return submitted;
    if (submitted < toSubmit || (flags & IORING_ENTER_GETEVENTS) === 0) return submitted;
    const deadlineNs = readWait(task, flags, argAddr, argSize);
    if (deadlineNs < 0) return submitted > 0 ? submitted : deadlineNs;
    ring.flushOverflow();
    const wanted = Math.min(minComplete, ring.memory.cqEntries);
    if (ring.memory.completions >= wanted) return submitted;
    return task.block(new EnterOp(ring, wanted, submitted, deadlineNs));
  },
);
