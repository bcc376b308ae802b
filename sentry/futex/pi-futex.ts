/**
 * Priority-inheriting futexes (kernel/futex/pi.c). The kernel hands the lock from owner to
 * waiter; priorities themselves are the host scheduler's affair. The word holds the
 * owner's tid, FUTEX_WAITERS and FUTEX_OWNER_DIED.
 */
import { FUTEX_BITSET_MATCH_ANY, FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from "../../syscall-tables/flags/time.ts";
import { EAGAIN, EDEADLK, EFAULT, EINVAL, EPERM, ERESTARTNOINTR, type Errno, ESRCH, ETIMEDOUT } from "../abi/errno.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../task/blocking.ts";
import type { Task } from "../task/task.ts";
import { existingQueue, type FutexQueueId, FutexWaiter, found, holdSiblings, identify, queueFor } from "./queues.ts";

/** A PI futex with waiters (struct futex_pi_state). */
export class PiState {
  readonly id: FutexQueueId;
  readonly addr: UserAddr;
  owner: Task;

  constructor(id: FutexQueueId, addr: UserAddr, owner: Task) {
    this.id = id;
    this.addr = addr;
    this.owner = owner;
  }
}

/** What a task owns while others wait (pi_state_list). */
const owned = new WeakMap<Task, Set<PiState>>();

const setOwner = (state: PiState, owner: Task): void => {
  owned.get(state.owner)?.delete(state);
  state.owner = owner;
  let states = owned.get(owner);
  if (states === undefined) {
    states = new Set();
    owned.set(owner, states);
  }
  states.add(state);
};

const tidOf = (task: Task): number => task.pid.in(task.pidNamespace);

/** Hands the lock to the first waiter and wakes it. A state lives as long as somebody waits. `died` adds FUTEX_OWNER_DIED. */
const handOver = (state: PiState, died: number): void => {
  const waiter = existingQueue(state.id.space, state.id.offset)?.first ?? null;
  if (waiter === null) {
    owned.get(state.owner)?.delete(state);
    return;
  }
  const { task } = waiter;
  task.thread.process.memory.storeU32(state.addr, (tidOf(task) | FUTEX_WAITERS | died) >>> 0);
  waiter.wake();
  if (existingQueue(state.id.space, state.id.offset) === null) owned.get(state.owner)?.delete(state);
  else setOwner(state, task);
};

/** The waiter gives up: the last one ends the state. */
const leave = (waiter: FutexWaiter): void => {
  waiter.queue?.remove(waiter);
  const state = waiter.pi;
  if (state !== null && existingQueue(state.id.space, state.id.offset) === null) owned.get(state.owner)?.delete(state);
};

class PiLockOp extends BlockingOp {
  readonly waiter: FutexWaiter;

  constructor(waiter: FutexWaiter, deadlineNs: number) {
    super();
    this.waiter = waiter;
    this.deadlineNs = deadlineNs;
  }

  override subscribe(): void {}

  override step(): number {
    return this.waiter.isWoken ? 0 : BLOCKED;
  }

  override interrupted(): number {
    leave(this.waiter);
    return ERESTARTNOINTR;
  }

  override timedOut(): number {
    leave(this.waiter);
    return ETIMEDOUT;
  }

  override describe(): string {
    return "futex_pi";
  }
}

/** The state of the word that `identify` has found, if it has PI waiters. EINVAL: others wait there. */
const existingState = (): PiState | Errno | null => {
  const first = existingQueue(found.space, found.offset)?.first ?? null;
  if (first === null) return null;
  return first.pi ?? EINVAL;
};

/**
 * futex_lock_pi_atomic for `locker`: "taken", or the state to wait in, or an errno. The
 * identity must have been found just before.
 */
const tryLock = (locker: Task, addr: UserAddr): "taken" | PiState | Errno => {
  const { memory } = locker.thread.process;
  const tid = tidOf(locker);
  const state = existingState();
  if (typeof state === "number") return state;
  if (state !== null) {
    const word = memory.loadU32(addr);
    if (word < 0) return EFAULT;
    const ownerTid = word & FUTEX_TID_MASK;
    if (ownerTid === tid) return EDEADLK;
    return ownerTid !== 0 && ownerTid !== tidOf(state.owner) ? EINVAL : state;
  }
  // Nobody may take or give the lock by a user-space instruction between this load and the store.
  holdSiblings(locker);
  const word = memory.loadU32(addr);
  if (word < 0) return EFAULT;
  const ownerTid = word & FUTEX_TID_MASK;
  if (ownerTid === tid) return EDEADLK;
  if (ownerTid === 0) return memory.storeU32(addr, ((word & FUTEX_OWNER_DIED) | tid) >>> 0) < 0 ? EFAULT : "taken";
  const owner = locker.pidNamespace.task(ownerTid);
  if (owner === null || owner.isDead) return ESRCH;
  if (owner.process !== locker.process) holdSiblings(owner);
  if (memory.storeU32(addr, (word | FUTEX_WAITERS) >>> 0) < 0) return EFAULT;
  const fresh = new PiState({ space: found.space, offset: found.offset }, addr, owner);
  setOwner(fresh, owner);
  return fresh;
};

/** FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_TRYLOCK_PI. */
export const lockPi = (task: Task, addr: UserAddr, isPrivate: boolean, deadlineNs: number, isTry: boolean): number => {
  const unknown = identify(task, addr, isPrivate);
  if (unknown !== 0) return unknown;
  if (isTry) {
    const word = task.thread.process.memory.loadU32(addr);
    if (word >= 0 && (word & FUTEX_TID_MASK) !== 0 && (word & FUTEX_TID_MASK) !== tidOf(task)) return EAGAIN;
  }
  const outcome = tryLock(task, addr);
  if (outcome === "taken") return 0;
  if (typeof outcome === "number") return outcome;
  if (isTry) return EAGAIN;
  const waiter = new FutexWaiter(task, FUTEX_BITSET_MATCH_ANY);
  waiter.pi = outcome;
  queueFor(outcome.id.space, outcome.id.offset).add(waiter);
  return task.block(new PiLockOp(waiter, deadlineNs));
};

/** FUTEX_UNLOCK_PI. */
export const unlockPi = (task: Task, addr: UserAddr, isPrivate: boolean): number => {
  const { memory } = task.thread.process;
  const word = memory.loadU32(addr);
  if (word < 0) return EFAULT;
  if ((word & FUTEX_TID_MASK) !== tidOf(task)) return EPERM;
  const unknown = identify(task, addr, isPrivate);
  if (unknown !== 0) return unknown;
  const state = existingState();
  if (typeof state === "number") return state;
  if (state === null) return memory.storeU32(addr, 0);
  if (state.owner !== task) return EINVAL;
  handOver(state, 0);
  return 0;
};

/** exit_pi_state_list: locks of a dead owner go to their first waiters, who learn of it by FUTEX_OWNER_DIED. */
export const releaseOwnedPiFutexes = (task: Task): void => {
  const states = owned.get(task);
  if (states === undefined) return;
  for (const state of [...states]) handOver(state, FUTEX_OWNER_DIED);
  owned.delete(task);
};

/** FUTEX_WAIT_REQUEUE_PI: waits on `addr` to be moved to the PI futex `targetAddr`, and returns owning that. */
export const waitRequeuePi = (
  task: Task,
  addr: UserAddr,
  value: number,
  bitset: number,
  targetAddr: UserAddr,
  isPrivate: boolean,
  deadlineNs: number,
): number => {
  if (addr === targetAddr || bitset === 0) return EINVAL;
  const unknownTarget = identify(task, targetAddr, isPrivate);
  if (unknownTarget !== 0) return unknownTarget;
  const target: FutexQueueId = { space: found.space, offset: found.offset };
  const unknown = identify(task, addr, isPrivate);
  if (unknown !== 0) return unknown;
  const word = task.thread.process.memory.loadU32(addr);
  if (word < 0) return EFAULT;
  if (word !== value) return EAGAIN;
  const waiter = new FutexWaiter(task, bitset);
  waiter.requeueTarget = target;
  queueFor(found.space, found.offset).add(waiter);
  return task.block(new RequeuePiOp(waiter, deadlineNs));
};

class RequeuePiOp extends PiLockOp {
  /** Before the move a signal looks like a spurious wake-up (futex_wait_requeue_pi). */
  override interrupted(): number {
    const wasMoved = this.waiter.pi !== null;
    leave(this.waiter);
    return wasMoved ? EAGAIN : ERESTARTNOINTR;
  }
}

/** FUTEX_CMP_REQUEUE_PI: the first waiter gets the lock if it is free, the others wait for it. */
export const requeuePi = (
  task: Task,
  addr: UserAddr,
  targetAddr: UserAddr,
  wakeCount: number,
  requeueCount: number,
  expected: number,
  isPrivate: boolean,
): number => {
  if (addr === targetAddr || wakeCount !== 1 || requeueCount < 0) return EINVAL;
  const unknown = identify(task, addr, isPrivate);
  if (unknown !== 0) return unknown;
  const { space, offset } = found;
  const unknownTarget = identify(task, targetAddr, isPrivate);
  if (unknownTarget !== 0) return unknownTarget;
  const word = task.thread.process.memory.loadU32(addr);
  if (word < 0) return EFAULT;
  if (word !== expected) return EAGAIN;
  let count = 0;
  let waiter = existingQueue(space, offset)?.first ?? null;
  while (waiter !== null && count < wakeCount + requeueCount) {
    const { next } = waiter;
    const target = waiter.requeueTarget;
    if (target === null || target.space !== found.space || target.offset !== found.offset) return EINVAL;
    const outcome = tryLock(waiter.task, targetAddr);
    if (typeof outcome === "number") return count > 0 ? count : outcome;
    waiter.requeueTarget = null;
    if (outcome === "taken") waiter.wake();
    else {
      waiter.queue?.remove(waiter);
      waiter.pi = outcome;
      queueFor(outcome.id.space, outcome.id.offset).add(waiter);
    }
    count++;
    waiter = next;
  }
  return count;
};
