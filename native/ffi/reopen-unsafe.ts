/**
 * One fd of this process opened anew, for reading only. The way is the process's own directory of fds
 * (proc(5), /proc/self/fd), which must be open before the root directory is emptied.
 */
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../syscall-tables/flags/open.ts";
import { closeFd, dupFd, openAt } from "./file-calls-unsafe.ts";

/** The number of the directory's fd, unless it is taken: the filter names it, and so is the same in each start. */
export const OWN_FDS = 200;
/** The flags of every open that happens here, O_RDONLY: the filter lets no others through. */
export const REOPEN_FLAGS = O_CLOEXEC;

let ownFds = -1;

/** The directory's fd; opens it when it is not. Throws where there is no /proc: a start-up failure. */
export const openOwnFds = (): number => {
  if (ownFds >= 0) return ownFds;
  const opened = openAt(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
  ownFds = opened < 0 ? opened : dupFd(opened, OWN_FDS);
  if (opened >= 0) closeFd(opened);
  if (ownFds < 0) throw new Error(`/proc/self/fd: errno ${-ownFds}`);
  return ownFds;
};

/** A new fd, or a negative errno. */
export const reopenReadOnly = (fd: number): number => openAt(openOwnFds(), String(fd), REOPEN_FLAGS);
