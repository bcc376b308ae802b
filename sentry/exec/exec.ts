/** execve(2): replaces the program of a process. */
import type { Errno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import { BlockingOp } from "../task/blocking.ts";
import type { Credentials } from "../task/credentials.ts";
import type { Task } from "../task/task.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { Path } from "../vfs/path.ts";

/** Where an execve(2) stands: the point of no return lies between "load" and "kill-siblings". */
export type ExecPhase = "load" | "kill-siblings" | "pristine" | "commit";

export declare class ExecOp extends BlockingOp {
  /** `path` is relative to `dirfd`; `flags` are AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW. Strings are latin1. */
  constructor(dirfd: number, path: string, argv: string[], env: string[], flags: number);
  phase: ExecPhase;
  subscribe(task: Task): void;
  step(task: Task): number;
  describe(): string;
}

/** The first program of a sandbox, or one that the runtime adds (exec into a container). */
export interface Program {
  argv: string[];
  env: string[];
  exe: Path;
  root: Path;
  cwd: Path;
  umask: number;
  creds: Credentials;
  /** fds 0, 1, 2, …; null leaves one closed. References are taken over. */
  stdio: (OpenFile | null)[];
}

/** Makes the process and its first task. EAGAIN: no pristine host process yet, wait on `platform.pristineQueue` and call again. */
export declare function startProgram(kernel: Kernel, program: Program): Task | Errno;
