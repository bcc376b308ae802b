/** The objects of one kind, by key and by id (struct ipc_ids, ipc/util.c). */

import { IPC_CREAT, IPC_EXCL, IPC_PRIVATE } from "../../syscall-tables/flags/ipc.ts";
import { EEXIST, EINVAL, ENOENT, ENOSPC, type Errno, isErrno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import type { IpcPermission } from "./ipc-permission.ts";

/** IPCMNI_SEQ_SHIFT: an id is a sequence number above the index in the table. */
const INDEX_BITS = 15;
const INDEX_MASK = (1 << INDEX_BITS) - 1;
/** Indexes are given out in turn within at least this many (RADIX_TREE_MAP_SIZE). */
const MIN_CYCLE = 64;

export interface IpcObject {
  readonly permission: IpcPermission;
}

export class IpcTable<T extends IpcObject> {
  readonly #objects = new Map<number, T>();
  readonly #byKey = new Map<number, T>();
  readonly #limit: () => number;
  #nextIndex = 0;
  #lastIndex = -1;
  #sequence = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#objects.size;
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** The highest index in use; 0 when there is none. */
  get maxIndex(): number {
    return Math.max(0, ...this.#objects.keys());
  }

  /** The object of `id`, or EINVAL for an id that is not (or no longer) in use. */
  get(id: number): T | Errno {
    const object = this.#objects.get(id & INDEX_MASK);
    return id < 0 || object === undefined || object.permission.id !== id ? EINVAL : object;
  }

  /** By index: the *_STAT commands. */
  at(index: number): T | Errno {
    return this.#objects.get(index & INDEX_MASK) ?? EINVAL;
  }

  /** semget(2) and its kin: the id. `fits` checks an existing object, `create` makes one. */
  obtain(task: Task, key: number, flags: number, fits: (object: T) => number, create: () => T | Errno): number {
    if (key !== IPC_PRIVATE) {
      const object = this.#byKey.get(key);
      if (object !== undefined) {
        if ((flags & IPC_CREAT) !== 0 && (flags & IPC_EXCL) !== 0) return EEXIST;
        const error = fits(object) || object.permission.check(task, flags & 0o777);
        return error < 0 ? error : object.permission.id;
      }
      if ((flags & IPC_CREAT) === 0) return ENOENT;
    }
    const made = create();
    if (isErrno(made)) return made;
    return this.#add(made);
  }

  #add(object: T): number {
    if (this.#objects.size >= this.#limit()) return ENOSPC;
    const cycle = Math.min(this.#limit(), Math.max(MIN_CYCLE, Math.floor((this.#objects.size * 3) / 2)));
    let index = this.#nextIndex % cycle;
    while (this.#objects.has(index)) index = (index + 1) % cycle;
    if (index <= this.#lastIndex) this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#lastIndex = index;
    this.#nextIndex = index + 1;
    const { permission } = object;
    permission.id = ((this.#sequence << INDEX_BITS) | index) & 0x7fff_ffff;
    this.#objects.set(index, object);
    if (permission.key !== IPC_PRIVATE) this.#byKey.set(permission.key, object);
    return permission.id;
  }

  /** No new user finds it by key any more, though it lives on under its id (shmctl(2), IPC_RMID). */
  forgetKey(object: T): void {
    const { permission } = object;
    if (this.#byKey.get(permission.key) === object) this.#byKey.delete(permission.key);
    permission.key = IPC_PRIVATE;
  }

  remove(object: T): void {
    const { permission } = object;
    if (this.#byKey.get(permission.key) === object) this.#byKey.delete(permission.key);
    this.#objects.delete(permission.id & INDEX_MASK);
  }
}
