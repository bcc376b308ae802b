/** The rights that Landlock knows (landlock(7), include/uapi/linux/landlock.h). */
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK } from "../../syscall-tables/flags/open.ts";

export const LANDLOCK_ABI = 7;

export const FS_EXECUTE = 0x1;
export const FS_WRITE_FILE = 0x2;
export const FS_READ_FILE = 0x4;
export const FS_READ_DIR = 0x8;
export const FS_REMOVE_DIR = 0x10;
export const FS_REMOVE_FILE = 0x20;
const FS_MAKE_CHAR = 0x40;
const FS_MAKE_DIR = 0x80;
const FS_MAKE_REG = 0x100;
const FS_MAKE_SOCK = 0x200;
const FS_MAKE_FIFO = 0x400;
const FS_MAKE_BLOCK = 0x800;
export const FS_MAKE_SYM = 0x1000;
export const FS_REFER = 0x2000;
export const FS_TRUNCATE = 0x4000;
export const FS_IOCTL_DEV = 0x8000;
export const FS_ALL = 0xffff;
/** What can be said of a file that is no directory. */
export const FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV;

export const NET_BIND_TCP = 0x1;
export const NET_CONNECT_TCP = 0x2;
export const NET_ALL = 0x3;

export const SCOPE_ABSTRACT_UNIX_SOCKET = 0x1;
export const SCOPE_SIGNAL = 0x2;
export const SCOPE_ALL = 0x3;

/** get_mode_access(): what makes a file of this type needs. */
export const makingAccess = (mode: number): number => {
  switch (mode & S_IFMT) {
    case S_IFLNK:
      return FS_MAKE_SYM;
    case S_IFDIR:
      return FS_MAKE_DIR;
    case S_IFCHR:
      return FS_MAKE_CHAR;
    case S_IFBLK:
      return FS_MAKE_BLOCK;
    case S_IFIFO:
      return FS_MAKE_FIFO;
    case S_IFSOCK:
      return FS_MAKE_SOCK;
    default:
      return FS_MAKE_REG;
  }
};
