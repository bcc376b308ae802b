/** An AIO context (struct kioctx): completions that io_getevents(2) collects. */
import { POLLERR, POLLHUP } from "../../../syscall-tables/flags/poll.ts";
import { EINVAL } from "../../abi/errno.ts";
import type { EventFile } from "../../fs/eventfd/eventfd.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { type Waiter, WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";

/** struct io_event; the user's data comes back bit by bit. */
export interface Completion {
  readonly dataLo: number;
  readonly dataHi: number;
  readonly iocbAddr: UserAddr;
  readonly result: number;
}

/** What a request leaves behind for its completion. */
export interface Request {
  readonly dataLo: number;
  readonly dataHi: number;
  readonly iocbAddr: UserAddr;
  readonly eventfd: EventFile | null;
}

/** IOCB_CMD_POLL under way: completes when the file is ready. */
export class PollRequest implements Waiter {
  readonly request: Request;
  readonly #context: AioContext;
  readonly #file: OpenFile;
  readonly #events: number;
  readonly #task: Task;
  readonly #queue: WaitQueue | null;

  constructor(context: AioContext, request: Request, file: OpenFile, events: number, task: Task) {
    this.request = request;
    this.#context = context;
    this.#file = file.take();
    this.#events = events | POLLERR | POLLHUP;
    this.#task = task;
    this.#queue = file.waitQueueFor(task);
    this.#queue?.add(this);
  }

  wake(): void {
    const ready = this.#file.readiness(this.#task) & this.#events;
    if (ready === 0) return;
    this.end();
    this.#context.complete(this.request, ready);
  }

  end(): void {
    this.#queue?.remove(this);
    this.#context.polls.delete(this.request.iocbAddr);
    this.#file.put();
  }
}

export class AioContext {
  readonly queue = new WaitQueue();
  readonly completions: Completion[] = [];
  readonly polls = new Map<UserAddr, PollRequest>();
  readonly limit: number;
  isDead = false;

  constructor(limit: number) {
    this.limit = limit;
  }

  get isFull(): boolean {
    return this.completions.length + this.polls.size >= this.limit;
  }

  complete(request: Request, result: number): void {
    const { dataLo, dataHi, iocbAddr } = request;
    this.completions.push({ dataLo, dataHi, iocbAddr, result });
    if (request.eventfd !== null) {
      request.eventfd.signal();
      request.eventfd.put();
    }
    this.queue.notify();
  }

  destroy(): void {
    this.isDead = true;
    for (const poll of [...this.polls.values()]) poll.end();
    this.queue.notify();
  }
}

/** Contexts belong to an address space; a child of fork(2) starts without any (mm->ioctx_table). */
const contexts = new WeakMap<AddressSpace, Map<UserAddr, AioContext>>();

export const contextsOf = (task: Task): Map<UserAddr, AioContext> => {
  let map = contexts.get(task.mm);
  if (map === undefined) {
    map = new Map();
    contexts.set(task.mm, map);
  }
  return map;
};

export const findContext = (task: Task, id: UserAddr): AioContext | number => contextsOf(task).get(id) ?? EINVAL;
