/**
 * A fatal signal that leaves a core file (fs/coredump.c: do_coredump).
 *
 *   signal taken ──▶ every thread stops ──▶ the dying one's host side settles ──▶ file written ──▶ exit_group
 *                    (as for SIGSTOP)       (results and original code are in      (or not)         with WCOREFLAG
 *                                            memory, its FPU state is read)                         (or without)
 *
 * From the first step on the process counts as exiting: it takes no more signals. A process that is traced leaves none.
 */
import { AT_FDCWD, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from "../../syscall-tables/flags/open.ts";
import { RLIMIT_CORE } from "../../syscall-tables/flags/process.ts";
import { isErrno } from "../abi/errno.ts";
import { PAGE_SIZE } from "../abi/mman.ts";
import { signalStatus, WCOREFLAG } from "../abi/wait.ts";
import { showResult } from "../ptrace/stop.ts";
import { exitGroup } from "../task/exit-request.ts";
import type { PendingCore } from "../task/process.ts";
import type { SignalInfo } from "../task/signal-info.ts";
import type { Task } from "../task/task.ts";
import { openAt } from "../vfs/open.ts";
import { unlink } from "../vfs/removal.ts";
import { writeCore } from "./core-file.ts";

/** kernel.core_pattern, which nothing here changes. */
const NAME = "core";

class CoreDump implements PendingCore {
  readonly #task: Task;
  readonly #info: SignalInfo;

  constructor(task: Task, info: SignalInfo) {
    this.#task = task;
    this.#info = info;
  }

  allStopped(): void {
    const task = this.#task;
    if (task.isDead) {
      this.#end(false);
      return;
    }
    const { thread } = task;
    showResult(task, task.parkedResult, task.parkedCause);
    thread.settle(() => thread.readFpu((state) => this.#end(this.#write(isErrno(state) ? null : state))));
  }

  #write(fpu: Uint8Array | null): boolean {
    const task = this.#task;
    if (task.isDead) return false;
    unlink(task, AT_FDCWD, NAME);
    const file = openAt(task, AT_FDCWD, NAME, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600, 0);
    if (isErrno(file)) return false;
    // One that the limit cuts short counts, too (elf_core_dump: has_dumped).
    writeCore(task, this.#info, fpu, file, task.process.limits.get(RLIMIT_CORE).soft, task.process.coreFilter);
    file.put();
    return true;
  }

  #end(isDumped: boolean): void {
    const { process } = this.#task;
    process.pendingCore = null;
    exitGroup(process, signalStatus(this.#info.signal) | (isDumped ? WCOREFLAG : 0));
  }
}

/** False: no file is wanted, the process may end at once. */
export const beginCoreDump = (task: Task, info: SignalInfo): boolean => {
  const { process } = task;
  const threads = [...process.tasks.values()];
  if (process.isExiting || process.dumpable !== 1 || threads.some((thread) => thread.trace !== null)) return false;
  if (process.limits.get(RLIMIT_CORE).soft < PAGE_SIZE) return false;
  process.pendingCore = new CoreDump(task, info);
  process.isStopped = false;
  process.stopsAwaited = 0;
  for (const thread of threads) {
    // Who sleeps in a call is as good as stopped.
    const isStill = thread !== task && (thread.isKilled || thread.isParked || thread.op !== null);
    thread.isStopPending = !isStill;
    if (isStill) continue;
    process.stopsAwaited++;
    if (thread !== task) thread.poke();
  }
  return true;
};
