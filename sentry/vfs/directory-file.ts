/** What every open directory does alike (libfs dcache_dir_*). */
import { SEEK_CUR, SEEK_SET } from "../../syscall-tables/flags/fd.ts";
import { EINVAL, EISDIR } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import type { Io } from "./io.ts";
import { OpenFile } from "./open-file.ts";

export abstract class DirectoryFile extends OpenFile {
  override get isSeekable(): boolean {
    return true;
  }

  override read(_io: Io, _task: Task): number {
    return EISDIR;
  }
  override pread(_io: Io, _offset: number, _task: Task): number {
    return EISDIR;
  }

  override seek(offset: number, whence: number): number {
    if (whence !== SEEK_SET && whence !== SEEK_CUR) return EINVAL;
    const position = whence === SEEK_CUR ? this.position + offset : offset;
    if (position < 0) return EINVAL;
    this.position = position;
    return position;
  }

  override sync(_task: Task): number {
    return 0;
  }
}
