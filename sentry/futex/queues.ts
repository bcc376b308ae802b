/**
 * Who waits on which word. A word is known by an object and an offset: the address space
 * and the address for private memory, the shared object and the byte offset otherwise.
 */
import { EFAULT, EINVAL, type Errno } from "../abi/errno.ts";
import { USER_ADDR_LIMIT, type UserAddr } from "../mm/user-memory.ts";
import type { Task } from "../task/task.ts";
import type { PiState } from "./pi-futex.ts";

/** FUT_OFF_MMSHARED: the same private word under a shared and under a private operation are two futexes. */
const SHARED_OPERATION = 2;

/** One sleeper on one word. Part of the list of its queue. */
export class FutexWaiter {
  readonly task: Task;
  bitset: number;
  queue: FutexQueue | null = null;
  next: FutexWaiter | null = null;
  previous: FutexWaiter | null = null;
  isWoken = false;
  /** FUTEX_WAIT_REQUEUE_PI: the only word it may be moved to. */
  requeueTarget: FutexQueueId | null = null;
  /** Waits for the lock of this PI futex and owns it once `isWoken`. */
  pi: PiState | null = null;

  constructor(task: Task, bitset: number) {
    this.task = task;
    this.bitset = bitset;
  }

  /** Takes it off its queue; the sleeping call is stepped and finds `isWoken`. */
  wake(): void {
    this.queue?.remove(this);
    this.isWoken = true;
    this.task.kernel.schedule(this.task);
  }
}

export interface FutexQueueId {
  readonly space: object;
  readonly offset: number;
}

/** The sleepers on one word, in order of arrival. */
export class FutexQueue {
  readonly #space: Map<number, FutexQueue>;
  readonly #offset: number;
  first: FutexWaiter | null = null;
  #last: FutexWaiter | null = null;

  constructor(space: Map<number, FutexQueue>, offset: number) {
    this.#space = space;
    this.#offset = offset;
  }

  add(waiter: FutexWaiter): void {
    waiter.queue = this;
    waiter.next = null;
    waiter.previous = this.#last;
    if (this.#last === null) this.first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
  }

  remove(waiter: FutexWaiter): void {
    if (waiter.queue !== this) return;
    if (waiter.previous === null) this.first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === null) this.#last = waiter.previous;
    else waiter.next.previous = waiter.previous;
    waiter.queue = null;
    if (this.first === null) this.#space.delete(this.#offset);
  }
}

const spaces = new WeakMap<object, Map<number, FutexQueue>>();

/** The identity of the last word that `identify` was asked for: no allocation on the way. */
export const found: { space: object; offset: number } = { space: spaces, offset: 0 };

/** get_futex_key: fills `found`. 0, EINVAL or EFAULT. */
export const identify = (task: Task, addr: UserAddr, isPrivate: boolean): 0 | Errno => {
  if (addr % 4 !== 0) return EINVAL;
  if (addr >= USER_ADDR_LIMIT) return EFAULT;
  if (isPrivate) {
    found.space = task.mm;
    found.offset = addr;
    return 0;
  }
  const key = task.mm.futexKey(addr);
  if (typeof key === "number") return key;
  found.space = key === null ? task.mm : key.object;
  found.offset = key === null ? addr + SHARED_OPERATION : key.offset;
  return 0;
};

/** Told whenever someone looks for sleepers. Set once, when the parts are joined. */
export const wakeHook: { looks: (() => void) | null } = { looks: null };

/** The queue of a word, null when nobody waits. For wakers: a word that was read before they came may be out of date. */
export const existingQueue = (space: object, offset: number): FutexQueue | null => {
  wakeHook.looks?.();
  return spaces.get(space)?.get(offset) ?? null;
};

/** The queue of a word to wait on. */
export const queueFor = (space: object, offset: number): FutexQueue => {
  let offsets = spaces.get(space);
  if (offsets === undefined) {
    offsets = new Map();
    spaces.set(space, offsets);
  }
  let queue = offsets.get(offset);
  if (queue === undefined) {
    queue = new FutexQueue(offsets, offset);
    offsets.set(offset, queue);
  }
  return queue;
};

/**
 * Holds the other threads of the caller's process still, so that a word can be read and
 * written as if by one instruction. They go on when the loop has seen them.
 */
export const holdSiblings = (task: Task): void => {
  for (const sibling of task.process.tasks.values()) if (sibling !== task) sibling.thread.halt?.();
};
