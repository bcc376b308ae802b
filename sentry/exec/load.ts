/** From a path to a program that can be started: scripts resolved, ELF files read, credentials worked out. */

import { AT_FDCWD } from "../../syscall-tables/flags/open.ts";
import { RLIMIT_STACK } from "../../syscall-tables/flags/process.ts";
import { E2BIG, EACCES, ELOOP, ENOENT, type Errno, isErrno } from "../abi/errno.ts";

import type { UserAddr } from "../mm/user-memory.ts";
import type { Task } from "../task/task.ts";
import { type Arguments, argumentLimit, readArguments } from "./arguments.ts";
import { credentialsFor, type ExecCredentials } from "./credentials.ts";
import { isElf } from "./elf.ts";
import { type ElfFile, type Executable, openExecutable, openInterpreter, readElf } from "./open.ts";
import { BINPRM_BUF_SIZE, parseScriptLine } from "./script.ts";

/** Interpreters of interpreters that execve(2) follows. */
const MAX_SCRIPT_DEPTH = 5;

export interface ExecRequest {
  readonly dirfd: number;
  readonly path: string;
  /** AT_*. */
  readonly flags: number;
  readonly args: GuestArguments | Arguments;
}

/** Arguments that are still in guest memory. */
export interface GuestArguments {
  readonly argvAddr: UserAddr;
  readonly envAddr: UserAddr;
}

export interface Loaded {
  readonly program: ElfFile;
  readonly interpreter: ElfFile | null;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** AT_EXECFN: what was asked for, "/dev/fd/N…" for a file known by its fd. */
  readonly name: string;
  /** comm. */
  readonly taskName: string;
  readonly credentials: ExecCredentials;
}

export const putLoaded = (loaded: Loaded): void => {
  loaded.program.file.put();
  loaded.interpreter?.file.put();
};

/** All that can fail before the point of no return, in Linux's order. */
export const loadProgram = (task: Task, request: ExecRequest): Loaded | Errno => {
  const { dirfd, path, flags } = request;
  const opened = openExecutable(task, dirfd, path, flags);
  if (isErrno(opened)) return opened;
  const isByFd = dirfd !== AT_FDCWD && !path.startsWith("/");
  const name = isByFd ? (path === "" ? `/dev/fd/${dirfd}` : `/dev/fd/${dirfd}/${path}`) : path;
  const stackLimit = task.process.limits.get(RLIMIT_STACK).soft;
  const args = "argv" in request.args ? request.args : readGuestArguments(task, request.args, stackLimit, name);
  if (isErrno(args)) {
    opened.file.put();
    return args;
  }
  // A script named through a close-on-exec fd could not be opened by its interpreter.
  const isNameLost = isByFd && task.files.isCloexec(dirfd);
  const ownName = opened.file.path?.dentry.name ?? "";
  const found = followScripts(task, opened, name, args, stackLimit, isNameLost);
  if (isErrno(found)) return found;
  const shownName = isByFd && path === "" ? ownName : name;
  return readProgram(task, found.executable, found.args, name, shownName.slice(shownName.lastIndexOf("/") + 1));
};

const readGuestArguments = (task: Task, args: GuestArguments, stackLimit: number, name: string): Arguments | Errno =>
  readArguments(task.memory, args.argvAddr, args.envAddr, stackLimit, name.length);

/** Replaces a script by its interpreter, again and again. Takes over the reference of `first`. */
const followScripts = (
  task: Task,
  first: Executable,
  name: string,
  args: Arguments,
  stackLimit: number,
  isNameLost: boolean,
): { executable: Executable; args: Arguments } | Errno => {
  let executable = first;
  let scriptName = name;
  let { argv } = args;
  for (let depth = 0; ; depth++) {
    const result = depth > MAX_SCRIPT_DEPTH ? ELOOP : scriptLine(executable);
    if (result === null) return { executable, args: { argv, env: args.env } };
    executable.file.put();
    if (isErrno(result)) return result;
    if (isNameLost && depth === 0) return ENOENT;
    const { interpreter, argument } = result;
    argv = [interpreter, ...(argument === null ? [] : [argument]), scriptName, ...argv.slice(1)];
    if (!fits(argv, args.env, name, stackLimit)) return E2BIG;
    // An empty name means the working directory to the kernel itself.
    const next = interpreter === "" ? EACCES : openExecutable(task, AT_FDCWD, interpreter, 0);
    if (isErrno(next)) return next;
    executable = next;
    scriptName = interpreter;
  }
};

/** Null for what is no script. */
const scriptLine = ({ head }: Executable): ReturnType<typeof parseScriptLine> | null => {
  if (isElf(head)) return null;
  const padded = Buffer.alloc(BINPRM_BUF_SIZE);
  padded.set(head.subarray(0, BINPRM_BUF_SIZE));
  return parseScriptLine(padded);
};

const fits = (argv: readonly string[], env: readonly string[], name: string, stackLimit: number): boolean => {
  let bytes = name.length + 1 + (argv.length + env.length) * 8;
  for (const string of argv) bytes += string.length + 1;
  for (const string of env) bytes += string.length + 1;
  return bytes <= argumentLimit(stackLimit);
};

/** Takes over the reference of `executable`. */
const readProgram = (task: Task, executable: Executable, args: Arguments, name: string, taskName: string): Loaded | Errno => {
  const program = readElf(task, executable);
  if (isErrno(program)) {
    executable.file.put();
    return program;
  }
  const interpreter = openInterpreter(task, executable, program);
  if (interpreter !== null && isErrno(interpreter)) {
    executable.file.put();
    return interpreter;
  }
  const loaded = { program, interpreter, ...args, name, taskName: taskName.slice(0, 15) };
  const credentials = credentialsFor(task, program.file);
  if (!isErrno(credentials)) return { ...loaded, credentials };
  executable.file.put();
  interpreter?.file.put();
  return credentials;
};
