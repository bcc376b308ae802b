/** null(4), zero(4), full(4), random(4), and kmsg. */

import { RNDADDTOENTCNT, RNDGETENTCNT } from "../../../syscall-tables/flags/ioctl.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EINVAL, ENOSPC, EPERM, type Errno } from "../../abi/errno.ts";
import type { FileMapping } from "../../mm/file-mapping.ts";
import type { Task } from "../../task/task.ts";
import { registerCharDevice } from "../../vfs/devices.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { openKmsg } from "./kmsg.ts";

const MEM_MAJOR = 1;
const NULL_MINOR = 3;
const ZERO_MINOR = 5;
const FULL_MINOR = 7;
const RANDOM_MINOR = 8;
const URANDOM_MINOR = 9;
const KMSG_MINOR = 11;

abstract class MemoryDevice extends OpenFile {
  override get isSeekable(): boolean {
    return true;
  }

  override pread(io: Io, _offset: number, task: Task): number {
    return this.read(io, task);
  }

  override pwrite(io: Io, _offset: number, task: Task): number {
    return this.write(io, task);
  }

  /** null_lseek(): any position will do and none matters. */
  override seek(_offset: number, _whence: number): number {
    return 0;
  }

  /** Everything written vanishes, unread. */
  override write(io: Io, _task: Task): number {
    return io.remaining;
  }
}

export class NullFile extends MemoryDevice {
  override get splicesOut(): boolean {
    return false;
  }

  override read(_io: Io, _task: Task): number {
    return 0;
  }
}

class ZeroFile extends MemoryDevice {
  override read(io: Io, _task: Task): number {
    return io.putZeros(io.remaining);
  }

  /** Anonymous memory, shared or private. */
  override mapping(_task: Task): FileMapping | Errno {
    return new ZeroMapping(this.inode);
  }
}

class ZeroMapping implements FileMapping {
  readonly inode: Inode;
  readonly name = "/dev/zero";

  constructor(inode: Inode) {
    this.inode = inode;
  }

  hostFd(): null {
    return null;
  }
  takeMapping(): void {}
  putMapping(): void {}
}

class FullFile extends MemoryDevice {
  override read(io: Io, _task: Task): number {
    return io.putZeros(io.remaining);
  }

  override get splicesIn(): boolean {
    return false;
  }

  override write(_io: Io, _task: Task): number {
    return ENOSPC;
  }
}
const RNDADDENTROPY = 0x40085203;
const RNDZAPENTCNT = 0x5204;
const RNDCLEARPOOL = 0x5206;
const RNDRESEEDCRNG = 0x5207;
/** Bits; /proc/sys/kernel/random/{entropy_avail,poolsize}. */
export const ENTROPY_BITS = 256;
const RANDOM_CHUNK = 4096;
const chunk = new Uint8Array(RANDOM_CHUNK);

class RandomFile extends MemoryDevice {
  override read(io: Io, task: Task): number {
    let done = 0;
    while (io.remaining > 0) {
      const length = Math.min(RANDOM_CHUNK, io.remaining);
      task.kernel.random(chunk, 0, length);
      const n = io.put(chunk, 0, length);
      if (n < 0) return done > 0 ? done : n;
      done += n;
      if (n < length || task.hasSignal) break;
    }
    return done;
  }

  /** noop_llseek() */
  override seek(_offset: number, _whence: number): number {
    return this.position;
  }

  override ioctl(task: Task, command: number, argument: number): number {
    switch (command) {
      case RNDGETENTCNT:
        return task.memory.storeU32(argument, ENTROPY_BITS);
      case RNDADDTOENTCNT:
      case RNDADDENTROPY:
      case RNDZAPENTCNT:
      case RNDCLEARPOOL:
      case RNDRESEEDCRNG:
        return task.creds.has(CAP_SYS_ADMIN) ? 0 : EPERM;
      default:
        return EINVAL;
    }
  }
}

type DeviceClass = new (inode: Inode, path: Path | null, flags: number) => OpenFile;

const serve = (minor: number, Device: DeviceClass): void => {
  registerCharDevice(MEM_MAJOR, minor, (inode, path, flags) => new Device(inode, path, flags));
};

export const registerMemoryDevices = (): void => {
  serve(NULL_MINOR, NullFile);
  serve(ZERO_MINOR, ZeroFile);
  serve(FULL_MINOR, FullFile);
  serve(RANDOM_MINOR, RandomFile);
  serve(URANDOM_MINOR, RandomFile);
  registerCharDevice(MEM_MAJOR, KMSG_MINOR, openKmsg);
};
