/** The first program of a sandbox, and those the runtime adds (exec into a container). */
import { AT_FDCWD } from "../../syscall-tables/flags/open.ts";
import { EACCES, ENOENT, ENOTDIR, type Errno, isErrno } from "../abi/errno.ts";
import { exitStatus } from "../abi/wait.ts";
import type { Kernel } from "../kernel.ts";
import { AddressSpace } from "../mm/address-space.ts";
import type { GuestThread } from "../platform/platform.ts";
import type { Credentials } from "../task/credentials.ts";
import { exitGroup } from "../task/exit-request.ts";
import { createFirstTask } from "../task/first-process.ts";
import type { Limits } from "../task/limits.ts";
import type { SeccompFilters } from "../task/seccomp.ts";
import type { Task } from "../task/task.ts";
import { firstTimeNamespace, type TimeNamespace } from "../task/time-namespace.ts";
import { FdTable } from "../vfs/fd-table.ts";
import type { FsContext } from "../vfs/fs-context.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { commitProgram } from "./commit.ts";
import { loadProgram, putLoaded } from "./load.ts";

export interface Program {
  readonly argv: string[];
  readonly env: string[];
  /** What to try in order, as execvp(3) does; relative to `fs.cwd`. */
  readonly paths: readonly string[];
  readonly fs: FsContext;
  readonly creds: Credentials;
  readonly limits?: Limits;
  readonly noNewPrivileges?: boolean;
  readonly seccomp?: SeccompFilters | null;
  /** Null: the machine's time. */
  readonly timeNamespace?: TimeNamespace | null;
  /** personality(2) */
  readonly personality?: number;
  /** fds 0, 1, 2, …; null leaves one closed. The references are taken over. */
  readonly stdio: readonly (OpenFile | null)[];
  /** pid 1 ignores signals without a handler, as Linux's init does. */
  readonly isUnkillable?: boolean;
}

/**
 * Makes the process and its first task, ready for `finishSyscall(task, 0)`. EAGAIN: no
 * pristine host process yet, wait on `platform.pristineQueue` and call again.
 */
export const startProgram = (kernel: Kernel, program: Program): Task | Errno => {
  const thread = kernel.platform.takePristine();
  if (isErrno(thread)) return thread;
  const task = createFirstTask(kernel, {
    thread,
    mm: new AddressSpace(kernel),
    fs: program.fs,
    creds: program.creds,
    name: "moat",
    ...(program.limits === undefined ? {} : { limits: program.limits }),
    isUnkillable: program.isUnkillable ?? false,
    files: (limits) => new FdTable(limits),
  });
  if (isErrno(task)) {
    thread.process.kill();
    return task;
  }
  task.noNewPrivileges = program.noNewPrivileges ?? false;
  task.personality = program.personality ?? 0;
  task.seccomp = program.seccomp ?? null;
  // Entered by its execve(2).
  task.childTimeNamespace = program.timeNamespace ?? firstTimeNamespace;
  program.stdio.forEach((file, fd) => {
    if (file !== null) task.files.install(file, false, fd);
  });
  const error = load(task, thread, program);
  if (error === 0) return task;
  // The loop ends what has begun; the caller reports why.
  exitGroup(task.process, exitStatus(STATUS_NOT_STARTED));
  return error as Errno;
};

const SYS_execve = 59;
/** What a shell gives for a command that it could not start. */
const STATUS_NOT_STARTED = 127;

/** The filter judges the execve(2) that starts the program, as it does in runc's init. */
const judge = (task: Task): number => task.seccomp?.check(task, SYS_execve, 0) ?? 0;

const load = (task: Task, thread: GuestThread, program: Program): number => {
  const verdict = judge(task);
  if (verdict !== 0) return verdict;
  const { argv, env } = program;
  let error: Errno = ENOENT;
  for (const path of program.paths) {
    const loaded = loadProgram(task, { dirfd: AT_FDCWD, path, flags: 0, args: { argv: argv.length === 0 ? [""] : argv, env } });
    if (isErrno(loaded)) {
      // A name that is there but may not be run is worth telling, if nothing better comes.
      if (loaded === EACCES) error = EACCES;
      else if (loaded !== ENOENT && loaded !== ENOTDIR) return loaded;
      continue;
    }
    const result = commitProgram(task, thread, loaded);
    putLoaded(loaded);
    return result;
  }
  return error;
};
