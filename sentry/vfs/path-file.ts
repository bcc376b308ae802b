/** An O_PATH descriptor: a place, not an open file (open(2)). */
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../syscall-tables/flags/open.ts";
import { EBADF } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import type { Io } from "./io.ts";
import { OpenFile } from "./open-file.ts";
import type { Path } from "./path.ts";

export class PathFile extends OpenFile {
  constructor(path: Path, flags: number) {
    super(path.dentry.inode, path, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));
  }

  override read(_io: Io, _task: Task): number {
    return EBADF;
  }
  override write(_io: Io, _task: Task): number {
    return EBADF;
  }
  override pread(_io: Io, _offset: number, _task: Task): number {
    return EBADF;
  }
  override pwrite(_io: Io, _offset: number, _task: Task): number {
    return EBADF;
  }
  override seek(_offset: number, _whence: number): number {
    return EBADF;
  }
  override readiness(): number {
    return 0;
  }
}
