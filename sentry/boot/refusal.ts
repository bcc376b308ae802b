/** Why a program could not be started, in the words that the caller's programs look for. */
import type { ProcessConfig } from "../../runtime/sandbox/process-config.ts";
import { EACCES, EISDIR, ENOENT, ENOEXEC, ENOTDIR } from "../abi/errno.ts";

const EXIT_NOT_FOUND = 127;
const EXIT_NOT_EXECUTABLE = 126;

export interface Refusal {
  readonly exitStatus: 126 | 127;
  readonly text: string;
}

const reasons: Record<number, string> = {
  [ENOENT]: "No such file or directory",
  [EACCES]: "Permission denied",
  [ENOTDIR]: "Not a directory",
};

/** `moat do`: as a shell says it. */
export const refusal = (name: string, error: number): Refusal => {
  const isMissing = error === ENOENT || error === ENOTDIR;
  const reason = reasons[error] ?? `cannot be run (errno ${-error})`;
  return { exitStatus: isMissing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE, text: `${name}: ${reason}` };
};

/** Docker tells 126 from 127 by these texts, which are those of Go's os/exec. */
export const containerRefusal = (config: ProcessConfig, error: number): Refusal => {
  const name = JSON.stringify(config.argv[0]);
  if (error === ENOENT || error === ENOTDIR) {
    if (!config.argv[0].includes("/")) return { exitStatus: EXIT_NOT_FOUND, text: `exec: ${name}: executable file not found in $PATH` };
    const reason = error === ENOENT ? "no such file or directory" : "not a directory";
    return { exitStatus: EXIT_NOT_FOUND, text: `exec: ${name}: stat ${config.argv[0]}: ${reason}` };
  }
  if (error === EACCES) return { exitStatus: EXIT_NOT_EXECUTABLE, text: `exec: ${name}: permission denied` };
  if (error === EISDIR) return { exitStatus: EXIT_NOT_EXECUTABLE, text: `exec: ${name}: is a directory` };
  const reason = error === ENOEXEC ? "exec format error" : `errno ${-error}`;
  return { exitStatus: EXIT_NOT_EXECUTABLE, text: `exec ${config.argv[0]}: ${reason}` };
};
