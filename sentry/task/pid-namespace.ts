/**
 * Pid namespaces (pid_namespaces(7)). A Pid is what a task, process group or session is
 * known by: one number per namespace level, outermost first.
 */
import { EAGAIN, ENOMEM, type Errno } from "../abi/errno.ts";
import type { Process } from "./process.ts";
import type { ProcessGroup, Session } from "./process-group.ts";
import type { Task } from "./task.ts";
import { UserAccounts } from "./user-accounts.ts";
import { initialUserNamespace, type UserNamespace } from "./user-namespace.ts";

/** PID_MAX_LIMIT of 64-bit machines, where systemd sets it too. */
export const PID_MAX = 4_194_304;
/** RESERVED_PIDS: not handed out again after wrapping. */
const RESERVED_PIDS = 300;
export const MAX_PID_NAMESPACE_LEVEL = 32;

/** struct pid: the numbers of one id in its namespace and every namespace above. */
export class Pid {
  readonly numbers: readonly number[];
  readonly namespace: PidNamespace;
  task: Task | null = null;
  group: ProcessGroup | null = null;
  session: Session | null = null;

  constructor(numbers: readonly number[], namespace: PidNamespace) {
    this.numbers = numbers;
    this.namespace = namespace;
  }

  /** pid_nr: the number in the root namespace. */
  get root(): number {
    return this.numbers[0];
  }

  /** pid_nr_ns: the number seen from `ns`, 0 when it cannot be seen from there. */
  in(ns: PidNamespace): number {
    return ns.level < this.numbers.length && this.namespace.isWithin(ns) ? this.numbers[ns.level] : 0;
  }

  /** Nobody uses the number any more: it may be handed out again. */
  releaseIfUnused(): void {
    if (this.task !== null || this.group !== null || this.session !== null) return;
    for (let ns: PidNamespace | null = this.namespace; ns !== null; ns = ns.parent) ns.forget(this);
  }
}

export class PidNamespace {
  readonly parent: PidNamespace | null;
  readonly level: number;
  readonly userNamespace: UserNamespace;
  /** Counts per user, kept by the root namespace for all. */
  readonly users: UserAccounts;
  /** The process with pid 1 here, the reaper of orphans; null before the first and after its death. */
  init: Process | null = null;
  /** After init's death nothing can be created here any more. */
  isDying = false;
  readonly #pids = new Map<number, Pid>();
  #last = 0;

  constructor(parent: PidNamespace | null = null, userNamespace: UserNamespace = initialUserNamespace()) {
    this.parent = parent;
    this.level = parent === null ? 0 : parent.level + 1;
    this.userNamespace = userNamespace;
    this.users = parent === null ? new UserAccounts() : parent.users;
  }

  isWithin(other: PidNamespace): boolean {
    for (let ns: PidNamespace | null = this; ns !== null; ns = ns.parent) if (ns === other) return true;
    return false;
  }

  pid(number: number): Pid | null {
    return this.#pids.get(number) ?? null;
  }

  /** The thread with that id; zombie leaders included. */
  task(tid: number): Task | null {
    return this.#pids.get(tid)?.task ?? null;
  }

  /** The process whose leader has that id; zombies included, ids of other threads not. */
  process(pid: number): Process | null {
    const task = this.#pids.get(pid)?.task ?? null;
    return task !== null && task.process.leader === task ? task.process : null;
  }

  group(pgid: number): ProcessGroup | null {
    return this.#pids.get(pgid)?.group ?? null;
  }

  session(sid: number): Session | null {
    return this.#pids.get(sid)?.session ?? null;
  }

  /** Every process seen from here, zombies included, in order of creation. */
  *processes(): IterableIterator<Process> {
    for (const pid of this.#pids.values()) {
      const task = pid.task;
      if (task !== null && task.process.leader === task) yield task.process;
    }
  }

  /** True when there are so many threads or more, zombies included. */
  hasTasks(count: number): boolean {
    return this.#pids.size >= count && this.countTasks() >= count;
  }

  countTasks(): number {
    let tasks = 0;
    for (const pid of this.#pids.values()) if (pid.task !== null) tasks++;
    return tasks;
  }

  /** A fresh id, with numbers here and in every namespace above. `wanted`: set_tid of clone3(2), innermost first. */
  allocate(wanted: readonly number[] = []): Pid | Errno {
    if (this.isDying) return ENOMEM;
    const numbers: number[] = new Array(this.level + 1);
    let depth = 0;
    for (let ns: PidNamespace | null = this; ns !== null; ns = ns.parent) {
      const number = depth < wanted.length ? wanted[depth] : ns.#nextFree();
      if (number < 0) return EAGAIN;
      numbers[ns.level] = number;
      depth++;
    }
    const pid = new Pid(numbers, this);
    for (let ns: PidNamespace | null = this; ns !== null; ns = ns.parent) ns.#pids.set(numbers[ns.level], pid);
    return pid;
  }

  #nextFree(): number {
    for (let tried = 0; tried < PID_MAX; tried++) {
      this.#last = this.#last + 1 < PID_MAX ? this.#last + 1 : RESERVED_PIDS;
      if (!this.#pids.has(this.#last)) return this.#last;
    }
    return -1;
  }

  /** /proc/sys/kernel/ns_last_pid and /proc/loadavg. */
  get lastPid(): number {
    return this.#last;
  }

  forget(pid: Pid): void {
    const number = pid.numbers[this.level];
    if (this.#pids.get(number) === pid) this.#pids.delete(number);
  }
}
