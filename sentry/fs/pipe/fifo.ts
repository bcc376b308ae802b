/** open(2) of a FIFO (fifo(7), fifo_open() in fs/pipe.c). */
import { O_ACCMODE, O_NONBLOCK, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, ENXIO, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { special } from "../../vfs/special.ts";
import { Pipe, PipeFile } from "./pipe.ts";

/** The file counts as an end of the pipe at once; open(2) then waits while `opening` is EAGAIN. The pipe lives as long as an end is open. */
const openFifo = (inode: Inode, path: Path, flags: number, _task: Task): OpenFile | Errno => {
  if ((flags & O_ACCMODE) === O_ACCMODE) return EINVAL;
  let pipe = inode.pipe instanceof Pipe ? inode.pipe : null;
  const isWriteOnly = (flags & O_ACCMODE) === O_WRONLY;
  if (isWriteOnly && (flags & O_NONBLOCK) !== 0 && (pipe === null || (!pipe.isAnonymous && pipe.readers === 0))) return ENXIO;
  if (pipe === null) {
    pipe = new Pipe();
    inode.pipe = pipe;
  }
  return new PipeFile(pipe, inode, path, flags);
};

/** Serves S_IFIFO inodes of every filesystem. */
export const registerFifo = (): void => {
  special.openFifo = openFifo;
};
