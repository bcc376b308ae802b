/** flock(2), which Node does not have. */
import { hostCall3 } from "./syscall-unsafe.ts";

const SYS_flock = 73;
const LOCK_EX = 2;
const EINTR = -4;

/** Waits for the exclusive lock of the fd's open file description; it ends with the fd. */
export const lockFile = (fd: number): void => {
  let error = EINTR;
  while (error === EINTR) error = hostCall3(SYS_flock, fd, LOCK_EX);
  if (error < 0) throw new Error(`flock: errno ${-error}`);
};
