/** What the kernel does when a guest thread stops: the platform's questions go to the dispatcher and the task layer. */
import type { Errno } from "../abi/errno.ts";
import { SIGSEGV } from "../abi/signal.ts";
import { VM_SHARED } from "../mm/vma.ts";
import type { TrapHandler } from "../platform/systrap/systrap.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import type { Dispatcher } from "../syscalls/dispatch.ts";
import { exitGroup } from "../task/exit-request.ts";
import { handleFault, handleInterrupt } from "../task/run.ts";

export class GuestTraps implements TrapHandler {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  syscall(thread: SystrapThread): void {
    this.#dispatcher.run(thread);
  }

  fault(thread: SystrapThread, signal: number, code: number, addr: number, trapNumber: number, error: number): void {
    if (thread.task) handleFault(thread.task, { kind: "fault", signal, code, addr, trapNumber, error });
  }

  interrupt(thread: SystrapThread): void {
    if (thread.task) handleInterrupt(thread.task);
  }

  patchableProtection(thread: SystrapThread, addr: number): number {
    const vma = thread.task?.mm.find(addr);
    return vma && vma.start <= addr && (vma.flags & VM_SHARED) === 0 ? vma.prot : -1;
  }

  broken(thread: SystrapThread, _error: Errno): void {
    const task = thread.task;
    // A signal frame or a program's first stack that could not be written: Linux ends the process by SIGSEGV.
    if (task) {
      exitGroup(task.process, SIGSEGV);
      handleInterrupt(task);
    } else thread.process.kill();
  }
}
