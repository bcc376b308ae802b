/** The few file operations that cgroups need; tests have a tree in memory in their place. */
import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, statSync, writeSync } from "node:fs";
import { CgroupError } from "./resources.ts";

export interface CgroupFiles {
  /** Throws what Node throws. */
  read(path: string): string;
  /** One write(2) to a file that exists. Throws what Node throws. */
  write(path: string, text: string): void;
  exists(path: string): boolean;
  /** With its parents; no error when it exists. */
  makeDirectory(path: string): void;
  removeDirectory(path: string): void;
  directories(path: string): string[];
  names(path: string): string[];
}

const list = (path: string, onlyDirectories: boolean): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (!onlyDirectories || entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
};

export const hostFiles: CgroupFiles = {
  read: (path) => readFileSync(path, "latin1"),
  write: (path, text) => {
    // Neither created nor truncated: the files are the kernel's.
    const fd = openSync(path, constants.O_WRONLY);
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
  },
  exists: (path) => statSync(path, { throwIfNoEntry: false }) !== undefined,
  makeDirectory: (path) => {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  },
  removeDirectory: (path) => rmdirSync(path),
  directories: (path) => list(path, true),
  names: (path) => list(path, false),
};

export const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "device or resource busy",
  EINVAL: "invalid argument",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTSUP: "operation not supported",
  EPERM: "operation not permitted",
  ERANGE: "numerical result out of range",
  EROFS: "read-only file system",
  ESRCH: "no such process",
};

/** A refusal in runc's words. */
export const refusedWrite = (path: string, text: string, error: unknown): CgroupError =>
  Object.assign(
    new CgroupError(`failed to write ${JSON.stringify(text)}: write ${path}: ${REASONS[errorCode(error)] ?? (error as Error).message}`),
    {
      code: errorCode(error),
    },
  );

/** What the caller may not do, and what a read-only or absent tree refuses. */
export const isPermissionError = (error: unknown): boolean => ["EPERM", "EACCES", "EROFS"].includes(errorCode(error));

export const writeValue = (files: CgroupFiles, path: string, value: string | number): void => {
  try {
    files.write(path, String(value));
  } catch (error) {
    throw refusedWrite(path, String(value), error);
  }
};

/** "" when there is no such file. */
export const readText = (files: CgroupFiles, path: string): string => {
  try {
    return files.read(path).trim();
  } catch {
    return "";
  }
};
