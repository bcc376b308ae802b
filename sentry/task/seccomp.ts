/** seccomp(2) inside the guest: what a task's filters say to a system call (kernel/seccomp.c). */

import { PTRACE_O_SUSPEND_SECCOMP } from "../../syscall-tables/flags/ptrace.ts";
import { SIGKILL, SIGSYS, SYS_SECCOMP } from "../../syscall-tables/flags/signal.ts";
import { AUDIT_ARCH_X86_64, MAX_ERRNO } from "../../syscall-tables/limits.ts";
import { ENOSYS } from "../abi/errno.ts";

import { signalStatus } from "../abi/wait.ts";
import type { CallListener } from "../fs/seccomp/notification.ts";
import { R_R8, R_R9, R_R10, R_RDI, R_RDX, R_RSI } from "../platform/registers.ts";
import { stopForSeccomp } from "../ptrace/stop.ts";
import { BLOCKED } from "./blocking.ts";
import type { BpfProgram } from "./bpf.ts";
import { exitGroup, exitTask } from "./exit-request.ts";
import { forceSignal } from "./signals.ts";
import type { Task } from "./task.ts";

export const SECCOMP_MODE_DISABLED = 0;
export const SECCOMP_MODE_STRICT = 1;
export const SECCOMP_MODE_FILTER = 2;

export const SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
export const SECCOMP_RET_KILL_THREAD = 0;
export const SECCOMP_RET_TRAP = 0x0003_0000;
export const SECCOMP_RET_ERRNO = 0x0005_0000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc0_0000;
export const SECCOMP_RET_TRACE = 0x7ff0_0000;
export const SECCOMP_RET_LOG = 0x7ffc_0000;
export const SECCOMP_RET_ALLOW = 0x7fff_0000;
const SECCOMP_RET_ACTION_FULL = 0xffff_0000;
const SECCOMP_RET_DATA = 0x0000_ffff;
/** MAX_INSNS_PER_PATH, with this much counted for each filter beside its length. */
const MAX_INSTRUCTIONS = 32768;
const FILTER_PENALTY = 4;

/** What SECCOMP_MODE_STRICT lets through: read, write, exit, rt_sigreturn. */
const STRICT_CALLS = [0, 1, 60, 15];

const CACHED_CALLS = 512;
const UNKNOWN = 0;
const ALWAYS_ALLOWED = 1;
const MUST_RUN = 2;

/** struct seccomp_data as words. */
const data = new Uint32Array(16);
const ARGUMENTS = [R_RDI, R_RSI, R_RDX, R_R10, R_R8, R_R9];

/** The filter whose verdict is the strictest. */
let decider: SeccompFilters | null = null;

const kill = (task: Task, signal: number, isWholeProcess: boolean): void => {
  if (isWholeProcess || task.process.tasks.size === 1) exitGroup(task.process, signalStatus(signal));
  else exitTask(task, signalStatus(signal));
};

/** A task's filters, newest first; shared by clones, never changed. Without a program: strict mode. */
export class SeccompFilters {
  readonly #program: BpfProgram | null;
  readonly #older: SeccompFilters | null;
  readonly #cache = new Uint8Array(CACHED_CALLS);
  readonly #instructions: number;
  readonly #listener: CallListener | null;

  constructor(program: BpfProgram | null, older: SeccompFilters | null, listener: CallListener | null = null) {
    this.#listener = listener;
    this.#program = program;
    this.#older = older;
    this.#instructions = (program?.length ?? 0) + FILTER_PENALTY + (older?.instructions ?? 0);
  }

  get mode(): number {
    return this.#program === null ? SECCOMP_MODE_STRICT : SECCOMP_MODE_FILTER;
  }

  get instructions(): number {
    return this.#instructions;
  }

  /** One listener in a chain of filters; or that one. */
  hasListener(listener: CallListener | null = null): boolean {
    for (let at: SeccompFilters | null = this; at !== null; at = at.#older) {
      if (at.#listener !== null && (listener === null || at.#listener === listener)) return true;
    }
    return false;
  }

  /** A task that had these filters is gone. */
  taskGone(task: Task): void {
    for (let at: SeccompFilters | null = this; at !== null; at = at.#older) at.#listener?.taskGone(task);
  }

  #ask(task: Task): number | null {
    return this.#listener === null ? ENOSYS : this.#listener.ask(task, new Uint8Array(data.slice().buffer));
  }

  get isTooLong(): boolean {
    return this.#instructions > MAX_INSTRUCTIONS + FILTER_PENALTY;
  }

  /** Seccomp_filters of /proc/pid/status. */
  get count(): number {
    return this.#program === null ? 0 : 1 + (this.#older?.count ?? 0);
  }

  /** is_ancestor: `other` is one of these filters, or none at all. */
  contains(other: SeccompFilters | null): boolean {
    if (other === null) return true;
    for (let at: SeccompFilters | null = this; at !== null; at = at.#older) if (at === other) return true;
    return false;
  }

  /** What `check` would find without a look at the arguments, for the calls that are nearly all there are. */
  surelyAllows(nr: number): boolean {
    return this.#cache[nr] === ALWAYS_ALLOWED;
  }

  /**
   * Null: the call goes on; otherwise its result, which `finishSyscall` gets (the task may also be
   * killed by it), or BLOCKED when others decide first. `isShown`: its tracer has let it through.
   */
  check(task: Task, nr: number, ip: number, isShown = false): number | null {
    if (((task.trace?.options ?? 0) & PTRACE_O_SUSPEND_SECCOMP) !== 0) return null;
    if (this.#program === null) return this.#checkStrict(task, nr);
    if (this.surelyAllows(nr)) return null;
    data[0] = nr;
    data[1] = AUDIT_ARCH_X86_64;
    if (nr < CACHED_CALLS && this.#cache[nr] === UNKNOWN) {
      this.#cache[nr] = this.#isAlwaysAllowed() ? ALWAYS_ALLOWED : MUST_RUN;
      if (this.#cache[nr] === ALWAYS_ALLOWED) return null;
    }
    const { regs } = task.thread;
    data[2] = ip;
    data[3] = Math.floor(ip / 2 ** 32);
    for (let i = 0; i < ARGUMENTS.length; i++) {
      data[4 + i * 2] = regs.getLo(ARGUMENTS[i]);
      data[5 + i * 2] = regs.getHi(ARGUMENTS[i]);
    }
    return this.#act(task, this.#verdict(), nr, ip, isShown);
  }

  #checkStrict(task: Task, nr: number): number | null {
    if (STRICT_CALLS.includes(nr)) return null;
    kill(task, SIGKILL, false);
    return ENOSYS;
  }

  /** seccomp_is_const_allow, for every filter. */
  #isAlwaysAllowed(): boolean {
    for (let at: SeccompFilters | null = this; at !== null; at = at.#older) {
      if (at.#program !== null && at.#program.run(data, true) !== SECCOMP_RET_ALLOW) return false;
    }
    return true;
  }

  /** The strictest verdict; of equal ones the newest filter's. */
  #verdict(): number {
    let strictest = SECCOMP_RET_ALLOW;
    decider = null;
    for (let at: SeccompFilters | null = this; at !== null; at = at.#older) {
      if (at.#program === null) continue;
      const verdict = at.#program.run(data);
      // As signed numbers: KILL_PROCESS is the smallest.
      if ((verdict & SECCOMP_RET_ACTION_FULL) >= (strictest & SECCOMP_RET_ACTION_FULL)) continue;
      strictest = verdict;
      decider = at;
    }
    return strictest;
  }

  #act(task: Task, verdict: number, nr: number, ip: number, isShown: boolean): number | null {
    const value = verdict & SECCOMP_RET_DATA;
    switch ((verdict & SECCOMP_RET_ACTION_FULL) >>> 0) {
      case SECCOMP_RET_ALLOW:
      case SECCOMP_RET_LOG:
        return null;
      case SECCOMP_RET_ERRNO:
        return value === 0 ? 0 : -Math.min(value, MAX_ERRNO);
      case SECCOMP_RET_TRAP:
        // The handler sees rax as it was: the call has not happened.
        forceSignal(task, { signal: SIGSYS, code: SYS_SECCOMP, errno: value, addr: ip, syscall: nr, arch: AUDIT_ARCH_X86_64 });
        return nr;
      case SECCOMP_RET_TRACE:
        if (isShown) return null;
        return stopForSeccomp(task, value) ? BLOCKED : ENOSYS;
      case SECCOMP_RET_USER_NOTIF:
        return decider === null ? ENOSYS : decider.#ask(task);
      case SECCOMP_RET_KILL_THREAD:
        kill(task, SIGSYS, false);
        return ENOSYS;
      default:
        kill(task, SIGSYS, true);
        return ENOSYS;
    }
  }
}
