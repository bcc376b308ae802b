/**
 * File system calls of the host with names as latin1 strings (one char per byte), results
 * or negative errnos. Every call names a directory fd: there is no current directory here.
 */
import { F_DUPFD_CLOEXEC } from "../../syscall-tables/flags/fd.ts";
import { AT_EMPTY_PATH } from "../../syscall-tables/flags/open.ts";
import { RLIMIT_NOFILE } from "../../syscall-tables/flags/process.ts";
import { atStart } from "../start/at-start.ts";
import { allocateMemory, hostCall3, hostCall6, hostClose, memoryOnUse } from "./syscall-unsafe.ts";

const SYS_lseek = 8;
const SYS_fcntl = 72;
const SYS_fsync = 74;
const SYS_fdatasync = 75;
const SYS_ftruncate = 77;
const SYS_fstatfs = 138;
const SYS_fsetxattr = 190;
const SYS_fgetxattr = 193;
const SYS_flistxattr = 196;
const SYS_fremovexattr = 199;
const SYS_getdents64 = 217;
const SYS_openat = 257;
const SYS_mkdirat = 258;
const SYS_mknodat = 259;
const SYS_fchownat = 260;
const SYS_unlinkat = 263;
const SYS_linkat = 265;
const SYS_symlinkat = 266;
const SYS_readlinkat = 267;
const SYS_fchmodat = 268;
const SYS_utimensat = 280;
const SYS_fallocate = 285;
const SYS_prlimit64 = 302;
const SYS_renameat2 = 316;
const SYS_statx = 332;
const SYS_fstat = 5;
const SYS_cachestat = 451;
const STATX_BASIC_AND_BTIME = 0xfff;
const ENAMETOOLONG = -36;

const allocateCounts = memoryOnUse(4096);

/** PATH_MAX: longer names are refused before they reach the host. */
const NAME_ROOM = 4096;
const NAME = 0;
const OTHER_NAME = NAME_ROOM;
const STAT = NAME_ROOM * 2;
const TIMES = STAT + 512;
const DATA = NAME_ROOM * 3;
/** The length of `data`: what one getdents64 or one xattr value may fill. */
export const DATA_LENGTH = 65536;

let bytes!: Buffer;
let at = 0;
let view!: DataView;
atStart(() => {
  const memory = allocateMemory(DATA + DATA_LENGTH);
  bytes = Buffer.from(memory.u8.buffer as ArrayBuffer);
  at = memory.address;
  view = memory.view;
  data = bytes.subarray(DATA, DATA + DATA_LENGTH);
  dataView = new DataView(data.buffer, data.byteOffset, data.length);
  listedTarget = bytes.subarray(OTHER_NAME, OTHER_NAME + NAME_ROOM);
});

/** Where readlinkat, getdents64 and the xattr calls leave their bytes; valid until the next such call. */
export let data!: Buffer;
export let dataView!: DataView;

/** Writes `name` with its NUL; its address, or ENAMETOOLONG. */
const place = (name: string, where: number): number => {
  if (name.length >= NAME_ROOM) return ENAMETOOLONG;
  bytes.write(name, where, "latin1");
  bytes[where + name.length] = 0;
  return at + where;
};

/** The lowest free number from `least` on. */
export const dupFd = (fd: number, least = 0): number => hostCall3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least);

export const closeFd = (fd: number): number => hostClose(fd);

export const openAt = (dirFd: number, name: string, flags: number, mode = 0): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall6(SYS_openat, dirFd, address, flags, mode);
};

/** statx(2) into `stat`. */
export const statAt = (dirFd: number, name: string, flags: number): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall6(SYS_statx, dirFd, address, flags, STATX_BASIC_AND_BTIME, at + STAT);
};

/** The same for a name that stands in `data`, NUL behind it (an entry of getdents64(2)). */
export const statAtListed = (dirFd: number, offset: number, flags: number): number =>
  hostCall6(SYS_statx, dirFd, at + DATA + offset, flags, STATX_BASIC_AND_BTIME, at + STAT);

const word64 = (offset: number): number => view.getInt32(STAT + offset + 4, true) * 2 ** 32 + view.getUint32(STAT + offset, true);

/** The struct statx that the last `statAt` filled. */
export const stat = {
  blockSize: (): number => view.getUint32(STAT + 4, true),
  nlink: (): number => view.getUint32(STAT + 16, true),
  uid: (): number => view.getUint32(STAT + 20, true),
  gid: (): number => view.getUint32(STAT + 24, true),
  mode: (): number => view.getUint16(STAT + 28, true),
  inoLow: (): number => view.getUint32(STAT + 32, true),
  inoHigh: (): number => view.getUint32(STAT + 36, true),
  size: (): number => word64(40),
  blocks: (): number => word64(48),
  atimeSec: (): number => word64(64),
  atimeNsec: (): number => view.getUint32(STAT + 72, true),
  btimeSec: (): number => word64(80),
  btimeNsec: (): number => view.getUint32(STAT + 88, true),
  ctimeSec: (): number => word64(96),
  ctimeNsec: (): number => view.getUint32(STAT + 104, true),
  mtimeSec: (): number => word64(112),
  mtimeNsec: (): number => view.getUint32(STAT + 120, true),
  rdevMajor: (): number => view.getUint32(STAT + 128, true),
  rdevMinor: (): number => view.getUint32(STAT + 132, true),
  devMajor: (): number => view.getUint32(STAT + 136, true),
  devMinor: (): number => view.getUint32(STAT + 140, true),
};

/** fstat(2) into `fdStat`. */
export const statFd = (fd: number): number => hostCall3(SYS_fstat, fd, at + STAT);

/** The struct stat (x86-64) that the last `statFd` filled. */
export const fdStat = {
  nlink: (): number => word64(16),
  mode: (): number => view.getUint32(STAT + 24, true),
  uid: (): number => view.getUint32(STAT + 28, true),
  gid: (): number => view.getUint32(STAT + 32, true),
  size: (): number => word64(48),
  blocks: (): number => word64(64),
  atimeSec: (): number => word64(72),
  atimeNsec: (): number => view.getUint32(STAT + 80, true),
  mtimeSec: (): number => word64(88),
  mtimeNsec: (): number => view.getUint32(STAT + 96, true),
  ctimeSec: (): number => word64(104),
  ctimeNsec: (): number => view.getUint32(STAT + 112, true),
};

/** readlinkat(2): the bytes of the target are in `data`. */
export const readlinkAt = (dirFd: number, name: string): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall6(SYS_readlinkat, dirFd, address, at + DATA, DATA_LENGTH);
};

/** readlinkat(2) of a name that stands in `data`; the bytes of the target are in `listedTarget`. */
export const readlinkAtListed = (dirFd: number, offset: number): number =>
  hostCall6(SYS_readlinkat, dirFd, at + DATA + offset, at + OTHER_NAME, NAME_ROOM);
export let listedTarget!: Buffer;

/** getdents64(2) of at most `room` bytes into `data`. */
export const readDirectoryFd = (fd: number, room: number): number => hostCall3(SYS_getdents64, fd, at + DATA, room);

export const mkdirAt = (dirFd: number, name: string, mode: number): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall3(SYS_mkdirat, dirFd, address, mode);
};

export const mknodAt = (dirFd: number, name: string, mode: number): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall6(SYS_mknodat, dirFd, address, mode, 0);
};

export const symlinkAt = (target: string, dirFd: number, name: string): number => {
  const targetAddress = place(target, OTHER_NAME);
  if (targetAddress < 0) return targetAddress;
  const address = place(name, NAME);
  return address < 0 ? address : hostCall3(SYS_symlinkat, targetAddress, dirFd, address);
};

export const unlinkAt = (dirFd: number, name: string, flags: number): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall3(SYS_unlinkat, dirFd, address, flags);
};

export const linkAt = (fromFd: number, from: string, toFd: number, to: string, flags: number): number => {
  const fromAddress = place(from, OTHER_NAME);
  if (fromAddress < 0) return fromAddress;
  const address = place(to, NAME);
  return address < 0 ? address : hostCall6(SYS_linkat, fromFd, fromAddress, toFd, address, flags);
};

export const renameAt = (fromFd: number, from: string, toFd: number, to: string, flags: number): number => {
  const fromAddress = place(from, OTHER_NAME);
  if (fromAddress < 0) return fromAddress;
  const address = place(to, NAME);
  return address < 0 ? address : hostCall6(SYS_renameat2, fromFd, fromAddress, toFd, address, flags);
};

export const chmodAt = (dirFd: number, name: string, mode: number): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall3(SYS_fchmodat, dirFd, address, mode);
};

/** Changes the owner of what `fd` (O_PATH will do) refers to; -1 leaves an id. */
export const chownFd = (fd: number, uid: number, gid: number): number =>
  hostCall6(SYS_fchownat, fd, place("", NAME), uid, gid, AT_EMPTY_PATH);

/** utimensat(2) on what `fd` (O_PATH will do) refers to. */
export const setTimesFd = (fd: number, atimeSec: number, atimeNsec: number, mtimeSec: number, mtimeNsec: number): number => {
  store64(TIMES, atimeSec);
  store64(TIMES + 8, atimeNsec);
  store64(TIMES + 16, mtimeSec);
  store64(TIMES + 24, mtimeNsec);
  return hostCall6(SYS_utimensat, fd, place("", NAME), at + TIMES, AT_EMPTY_PATH);
};

const store64 = (where: number, value: number): void => {
  view.setUint32(where, value >>> 0, true);
  view.setInt32(where + 4, Math.floor(value / 2 ** 32), true);
};

export const truncateFd = (fd: number, length: number): number => hostCall3(SYS_ftruncate, fd, length);
export const allocateFd = (fd: number, mode: number, offset: number, length: number): number =>
  hostCall6(SYS_fallocate, fd, mode, offset, length);
export const syncFd = (fd: number): number => hostCall3(SYS_fsync, fd);
export const syncDataFd = (fd: number): number => hostCall3(SYS_fdatasync, fd);
export const seekFd = (fd: number, offset: number, whence: number): number => hostCall3(SYS_lseek, fd, offset, whence);

/** cachestat(2) of the pages from `first` to `end`: its five counts; null: the host cannot tell. */
export const cachedPagesOf = (fd: number, first: number, end: number): number[] | null => {
  const { u32, address } = allocateCounts();
  const length = Number.isFinite(end) ? Math.max(0, end - first) * 4096 : 0;
  for (const [i, value] of [first * 4096, length].entries()) {
    u32[i * 2] = value >>> 0;
    u32[i * 2 + 1] = Math.floor(value / 2 ** 32);
  }
  if (hostCall6(SYS_cachestat, fd, address, address + 16, 0) < 0) return null;
  return [4, 6, 8, 10, 12].map((i) => u32[i] + u32[i + 1] * 2 ** 32);
};

/** fstatfs(2): eight figures in the order of FilesystemStatistics, or a negative errno. */
export const statfsFd = (fd: number): number[] | number => {
  const result = hostCall3(SYS_fstatfs, fd, at + STAT);
  if (result < 0) return result;
  // f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree; f_fsid is 8 bytes; f_namelen.
  return [word64(0), word64(8), word64(16), word64(24), word64(32), word64(40), word64(48), word64(64)];
};

/** fgetxattr(2) into `data`. */
export const getXattrFd = (fd: number, name: string): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall6(SYS_fgetxattr, fd, address, at + DATA, DATA_LENGTH);
};

export const setXattrFd = (fd: number, name: string, value: Uint8Array, flags: number): number => {
  const address = place(name, NAME);
  if (address < 0) return address;
  data.set(value);
  return hostCall6(SYS_fsetxattr, fd, address, at + DATA, value.length, flags);
};

export const removeXattrFd = (fd: number, name: string): number => {
  const address = place(name, NAME);
  return address < 0 ? address : hostCall3(SYS_fremovexattr, fd, address);
};

/** flistxattr(2) into `data`. */
export const listXattrFd = (fd: number): number => hostCall3(SYS_flistxattr, fd, at + DATA, DATA_LENGTH);

/** Raises the soft RLIMIT_NOFILE to the hard one; the limit, or a negative errno. */
export const raiseFdLimit = (): number => {
  const result = hostCall6(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, at + TIMES);
  if (result < 0) return result;
  view.setUint32(TIMES, view.getUint32(TIMES + 8, true), true);
  view.setUint32(TIMES + 4, view.getUint32(TIMES + 12, true), true);
  const raised = hostCall6(SYS_prlimit64, 0, RLIMIT_NOFILE, at + TIMES, 0);
  return raised < 0 ? raised : view.getUint32(TIMES, true);
};
