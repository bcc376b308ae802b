/** --strace: the printer is told of every entry, sleep and return. */
import { AT_FDCWD } from "../../syscall-tables/flags/open.ts";
import { AnswerMemory } from "../audit/answer-memory.ts";
import { SyscallPrinter } from "../audit/printer.ts";
import type { SystrapThread } from "../platform/systrap/thread.ts";
import type { CallTracer } from "../syscalls/dispatch.ts";
import type { Task } from "../task/task.ts";

/** rdi, rsi, rdx, r10, r8, r9 in the register file. */
const ARGUMENT_REGISTERS = [8, 9, 12, 2, 0, 1];

const describeFd = (task: Task, fd: number): string | null => {
  const { vfs } = task.kernel;
  if (fd === AT_FDCWD) return vfs.pathName(task.fs.cwd, task.fs.root);
  const file = task.files.get(fd);
  if (file === null) return null;
  return file.path === null ? file.anonymousName : vfs.pathName(file.path, task.fs.root);
};

export class Strace implements CallTracer {
  readonly #printer: SyscallPrinter<Task>;
  readonly #words = new Uint32Array(12);
  readonly #inCall = new Map<SystrapThread, number>();

  constructor(sink: (line: string) => void, names: ReadonlySet<string> | null) {
    this.#printer = new SyscallPrinter(sink, names, describeFd);
  }

  entry(thread: SystrapThread, nr: number): void {
    if (thread.task === null || !this.#printer.wants(nr)) return;
    ARGUMENT_REGISTERS.forEach((register, index) => {
      this.#words[index * 2] = thread.regs.getLo(register);
      this.#words[index * 2 + 1] = thread.regs.getHi(register);
    });
    this.#inCall.set(thread, nr);
    this.#printer.entry(thread.task, nr, this.#words);
  }

  blocked(thread: SystrapThread): void {
    if (thread.task !== null && this.#inCall.has(thread)) this.#printer.unfinished(thread.task);
  }

  exit(thread: SystrapThread, result: number): void {
    const nr = this.#inCall.get(thread);
    if (nr === undefined || thread.task === null) return;
    this.#inCall.delete(thread);
    this.#printer.exit(thread.task, nr, result, new AnswerMemory(thread.process.memory, thread.memory.pendingWrites()));
  }
}
