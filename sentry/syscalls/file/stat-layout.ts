/** struct stat of x86-64 (arch/x86/include/uapi/asm/stat.h), filled in a buffer that is used again and again. */
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EFAULT } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Inode, Timestamp } from "../../vfs/inode.ts";

const STAT_SIZE = 144;
const bytes = new Uint8Array(STAT_SIZE);
const words = new Uint32Array(bytes.buffer);

/** The word index where each 64-bit field starts. */
const DEV = 0;
const INO = 2;
const NLINK = 4;
const MODE = 6;
const UID = 7;
const GID = 8;
const RDEV = 10;
const SIZE = 12;
const BLKSIZE = 14;
const BLOCKS = 16;
const ATIME = 18;
const MTIME = 22;
const CTIME = 26;

const put = (at: number, value: number): void => {
  words[at] = value % TWO_32;
  words[at + 1] = Math.floor(value / TWO_32);
};

const putTime = (at: number, time: Timestamp): void => {
  put(at, time.sec);
  words[at + 2] = time.nsec;
};

export const writeStat = (task: Task, inode: Inode, addr: number): number => {
  const error = inode.refresh();
  if (error < 0) return error;
  const ns = task.creds.userNamespace;
  words[DEV] = inode.fs.device;
  put(INO, inode.ino);
  put(NLINK, inode.nlink);
  words[MODE] = inode.mode;
  words[UID] = ns.level === 0 ? inode.uid : ns.showUid(inode.uid);
  words[GID] = ns.level === 0 ? inode.gid : ns.showGid(inode.gid);
  words[RDEV] = inode.rdev;
  put(SIZE, inode.size);
  words[BLKSIZE] = inode.blockSize;
  put(BLOCKS, inode.blocks);
  putTime(ATIME, inode.atime);
  putTime(MTIME, inode.mtime);
  putTime(CTIME, inode.ctime);
  return task.memory.writeFrom(addr, bytes, 0, STAT_SIZE) === STAT_SIZE ? 0 : EFAULT;
};
