/** What a container command fails with: one message, and the exit status where it is not runc's usual 1. */
export class ContainerError extends Error {
  readonly exitStatus: number;

  constructor(message: string, exitStatus = 1) {
    super(message);
    this.exitStatus = exitStatus;
  }
}

/** strerror(3)'s texts as Go has them. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  EROFS: "read-only file system",
  ENOEXEC: "exec format error",
};

export const reasonOf = (error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
};
