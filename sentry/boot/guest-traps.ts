/** What the kernel does when a guest thread stops: the platform's questions go to the dispatcher and the task layer. */
import { SIGKILL, SIGSEGV } from "../../syscall-tables/flags/signal.ts";
import type { Errno } from "../abi/errno.ts";
import { isSignalReturn } from "../exec/signal-return.ts";
import type { Log } from "../host/log.ts";
import { VM_SHARED } from "../mm/vma.ts";
import { R_RIP } from "../platform/registers.ts";
import type { TrapHandler } from "../platform/systrap/systrap.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import type { Dispatcher } from "../syscalls/dispatch.ts";
import { exitGroup } from "../task/exit-request.ts";
import { handleFault, handleInterrupt } from "../task/run.ts";

export class GuestTraps implements TrapHandler {
  readonly #dispatcher: Dispatcher;
  readonly #log: Log;

  constructor(dispatcher: Dispatcher, log: Log) {
    this.#dispatcher = dispatcher;
    this.#log = log;
  }

  syscall(thread: SystrapThread): void {
    this.#dispatcher.run(thread);
  }

  fault(thread: SystrapThread, signal: number, code: number, addr: number, trapNumber: number, error: number): void {
    if (thread.task && this.#log.isDebug) {
      const rip = thread.regs.get(R_RIP).toString(16);
      this.#log.debug("fault", { tid: thread.task.tid, name: thread.task.name, signal, code, addr: addr.toString(16), rip, error });
    }
    if (thread.task) handleFault(thread.task, { kind: "fault", signal, code, addr, trapNumber, error });
  }

  interrupt(thread: SystrapThread): void {
    if (thread.task) handleInterrupt(thread.task);
  }

  patchableProtection(thread: SystrapThread, addr: number): number {
    const vma = thread.task?.mm.find(addr);
    return vma && vma.start <= addr && (vma.flags & VM_SHARED) === 0 ? vma.prot : -1;
  }

  isSignalReturn(thread: SystrapThread, addr: number): boolean {
    return thread.task !== null && isSignalReturn(thread.task.mm, thread.process.memory, addr);
  }

  trampolineArea(thread: SystrapThread): number {
    return thread.task?.mm.trampolineArea ?? 0;
  }

  broken(thread: SystrapThread, error: Errno): void {
    const task = thread.task;
    this.#log.debug("an answer could not be carried out", { tid: task?.tid ?? 0, errno: -error });
    // A signal frame or a program's first stack that could not be written: Linux ends the process by SIGSEGV.
    if (task) {
      exitGroup(task.process, SIGSEGV);
      handleInterrupt(task);
    } else thread.process.kill();
  }

  killed(thread: SystrapThread): void {
    if (thread.task) exitGroup(thread.task.process, SIGKILL);
  }
}
