/** Opening, walking and describing files: open(2), openat2(2), fcntl(2), access(2), rename(2), statx(2). */
import { enumeration, flagSet } from "./flag-set.ts";

export const O_ACCMODE = 0o3;
export const O_RDONLY = 0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_SYNC = 0o4010000;
export const O_TMPFILE = 0o20200000;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o10000;
export const FASYNC = 0o20000;
export const O_DIRECT = 0o40000;
export const O_LARGEFILE = 0o100000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const __O_SYNC = 0o4000000;
export const O_PATH = 0o10000000;
export const __O_TMPFILE = 0o20000000;
export const openFlags = flagSet(
  "ignored",
  {
    O_SYNC,
    O_TMPFILE,
    O_CREAT,
    O_EXCL,
    O_NOCTTY,
    O_TRUNC,
    O_APPEND,
    O_NONBLOCK,
    O_DSYNC,
    FASYNC,
    O_DIRECT,
    O_LARGEFILE,
    O_DIRECTORY,
    O_NOFOLLOW,
    O_NOATIME,
    O_CLOEXEC,
    __O_SYNC,
    O_PATH,
    __O_TMPFILE,
  },
  { fields: [{ mask: O_ACCMODE, names: { O_RDONLY, O_WRONLY, O_RDWR } }] },
);

export const RESOLVE_NO_XDEV = 0x1;
export const RESOLVE_NO_MAGICLINKS = 0x2;
export const RESOLVE_NO_SYMLINKS = 0x4;
export const RESOLVE_BENEATH = 0x8;
export const RESOLVE_IN_ROOT = 0x10;
export const RESOLVE_CACHED = 0x20;
export const resolveFlags = flagSet("EINVAL", {
  RESOLVE_NO_XDEV,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_CACHED,
});

export const AT_FDCWD = -100;

export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_EMPTY_PATH = 0x1000;
export const AT_STATX_FORCE_SYNC = 0x2000;
export const AT_STATX_DONT_SYNC = 0x4000;
export const AT_RECURSIVE = 0x8000;
export const AT_EXECVE_CHECK = 0x10000;
export const atFlags = flagSet("EINVAL", {
  AT_SYMLINK_NOFOLLOW,
  AT_SYMLINK_FOLLOW,
  AT_NO_AUTOMOUNT,
  AT_EMPTY_PATH,
  AT_STATX_FORCE_SYNC,
  AT_STATX_DONT_SYNC,
  AT_RECURSIVE,
  AT_EXECVE_CHECK,
});

export const AT_HANDLE_MNT_ID_UNIQUE = 0x1;
export const AT_HANDLE_CONNECTABLE = 0x2;
export const AT_HANDLE_FID = 0x200;
export const nameToHandleFlags = flagSet("EINVAL", {
  AT_HANDLE_MNT_ID_UNIQUE,
  AT_HANDLE_CONNECTABLE,
  AT_HANDLE_FID,
  AT_SYMLINK_FOLLOW,
  AT_EMPTY_PATH,
});

export const AT_EACCESS = 0x200;
export const faccessatFlags = flagSet("EINVAL", { AT_EACCESS, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH });

export const AT_REMOVEDIR = 0x200;
export const unlinkatFlags = flagSet("EINVAL", { AT_REMOVEDIR });

export const F_OK = 0;
export const R_OK = 4;
export const W_OK = 2;
export const X_OK = 1;
export const accessFlags = flagSet("EINVAL", { R_OK, W_OK, X_OK }, { zero: "F_OK" });

export const RENAME_NOREPLACE = 0x1;
export const RENAME_EXCHANGE = 0x2;
export const RENAME_WHITEOUT = 0x4;
export const renameFlags = flagSet("EINVAL", { RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT });

export const STATX_TYPE = 0x1;
export const STATX_MODE = 0x2;
export const STATX_NLINK = 0x4;
export const STATX_UID = 0x8;
export const STATX_GID = 0x10;
export const STATX_ATIME = 0x20;
export const STATX_MTIME = 0x40;
export const STATX_CTIME = 0x80;
export const STATX_INO = 0x100;
export const STATX_SIZE = 0x200;
export const STATX_BLOCKS = 0x400;
export const STATX_BTIME = 0x800;
export const STATX_MNT_ID = 0x1000;
export const STATX_DIOALIGN = 0x2000;
export const STATX_MNT_ID_UNIQUE = 0x4000;
export const STATX_SUBVOL = 0x8000;
export const STATX_WRITE_ATOMIC = 0x10000;
export const STATX_DIO_READ_ALIGN = 0x20000;
export const statxFlags = flagSet("ignored", {
  STATX_TYPE,
  STATX_MODE,
  STATX_NLINK,
  STATX_UID,
  STATX_GID,
  STATX_ATIME,
  STATX_MTIME,
  STATX_CTIME,
  STATX_INO,
  STATX_SIZE,
  STATX_BLOCKS,
  STATX_BTIME,
  STATX_MNT_ID,
  STATX_DIOALIGN,
  STATX_MNT_ID_UNIQUE,
  STATX_SUBVOL,
  STATX_WRITE_ATOMIC,
  STATX_DIO_READ_ALIGN,
});

export const STATX_BASIC_STATS = 0x7ff;
export const STATX_ALL = 0xfff;
export const STATX__RESERVED = 0x80000000;

export const STATX_ATTR_COMPRESSED = 0x4;
export const STATX_ATTR_IMMUTABLE = 0x10;
export const STATX_ATTR_APPEND = 0x20;
export const STATX_ATTR_NODUMP = 0x40;
export const STATX_ATTR_ENCRYPTED = 0x800;
export const STATX_ATTR_AUTOMOUNT = 0x1000;
export const STATX_ATTR_MOUNT_ROOT = 0x2000;
export const STATX_ATTR_VERITY = 0x100000;
export const STATX_ATTR_DAX = 0x200000;
export const STATX_ATTR_WRITE_ATOMIC = 0x400000;
export const statxAttributesFlags = flagSet("ignored", {
  STATX_ATTR_COMPRESSED,
  STATX_ATTR_IMMUTABLE,
  STATX_ATTR_APPEND,
  STATX_ATTR_NODUMP,
  STATX_ATTR_ENCRYPTED,
  STATX_ATTR_AUTOMOUNT,
  STATX_ATTR_MOUNT_ROOT,
  STATX_ATTR_VERITY,
  STATX_ATTR_DAX,
  STATX_ATTR_WRITE_ATOMIC,
});

export const XATTR_CREATE = 0x1;
export const XATTR_REPLACE = 0x2;
export const xattrFlags = flagSet("EINVAL", { XATTR_CREATE, XATTR_REPLACE });

export const S_IFIFO = 0o10000;
export const S_IFCHR = 0o20000;
export const S_IFDIR = 0o40000;
export const S_IFBLK = 0o60000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFSOCK = 0o140000;
export const fileTypeNames = enumeration({ S_IFIFO, S_IFCHR, S_IFDIR, S_IFBLK, S_IFREG, S_IFLNK, S_IFSOCK });

export const S_IFMT = 0o170000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;

export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;
export const DT_WHT = 14;
export const direntTypeNames = enumeration({ DT_UNKNOWN, DT_FIFO, DT_CHR, DT_DIR, DT_BLK, DT_REG, DT_LNK, DT_SOCK, DT_WHT });

export const UTIME_NOW = 0x3fffffff;
export const UTIME_OMIT = 0x3ffffffe;

export const IN_NONBLOCK = 0o4000;
export const IN_CLOEXEC = 0o2000000;
export const inotifyInitFlags = flagSet("EINVAL", { IN_NONBLOCK, IN_CLOEXEC });

export const IN_ACCESS = 0x1;
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_CLOSE_WRITE = 0x8;
export const IN_CLOSE_NOWRITE = 0x10;
export const IN_OPEN = 0x20;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_UNMOUNT = 0x2000;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_ONLYDIR = 0x1000000;
export const IN_DONT_FOLLOW = 0x2000000;
export const IN_EXCL_UNLINK = 0x4000000;
export const IN_MASK_CREATE = 0x10000000;
export const IN_MASK_ADD = 0x20000000;
export const IN_ISDIR = 0x40000000;
export const IN_ONESHOT = 0x80000000;
export const inotifyFlags = flagSet("ignored", {
  IN_ACCESS,
  IN_MODIFY,
  IN_ATTRIB,
  IN_CLOSE_WRITE,
  IN_CLOSE_NOWRITE,
  IN_OPEN,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_MOVE_SELF,
  IN_UNMOUNT,
  IN_Q_OVERFLOW,
  IN_IGNORED,
  IN_ONLYDIR,
  IN_DONT_FOLLOW,
  IN_EXCL_UNLINK,
  IN_MASK_CREATE,
  IN_MASK_ADD,
  IN_ISDIR,
  IN_ONESHOT,
});

export const IN_ALL_EVENTS = 0xfff;

export const FAN_CLOEXEC = 0x1;
export const FAN_NONBLOCK = 0x2;
export const FAN_CLASS_CONTENT = 0x4;
export const FAN_CLASS_PRE_CONTENT = 0x8;
export const FAN_UNLIMITED_QUEUE = 0x10;
export const FAN_UNLIMITED_MARKS = 0x20;
export const FAN_ENABLE_AUDIT = 0x40;
export const FAN_REPORT_PIDFD = 0x80;
export const FAN_REPORT_TID = 0x100;
export const FAN_REPORT_FID = 0x200;
export const FAN_REPORT_DIR_FID = 0x400;
export const FAN_REPORT_NAME = 0x800;
export const FAN_REPORT_TARGET_FID = 0x1000;
export const FAN_REPORT_FD_ERROR = 0x2000;
export const FAN_REPORT_MNT = 0x4000;
export const fanotifyInitFlags = flagSet("EINVAL", {
  FAN_CLOEXEC,
  FAN_NONBLOCK,
  FAN_CLASS_CONTENT,
  FAN_CLASS_PRE_CONTENT,
  FAN_UNLIMITED_QUEUE,
  FAN_UNLIMITED_MARKS,
  FAN_ENABLE_AUDIT,
  FAN_REPORT_PIDFD,
  FAN_REPORT_TID,
  FAN_REPORT_FID,
  FAN_REPORT_DIR_FID,
  FAN_REPORT_NAME,
  FAN_REPORT_TARGET_FID,
  FAN_REPORT_FD_ERROR,
  FAN_REPORT_MNT,
});

export const FAN_MARK_ADD = 0x1;
export const FAN_MARK_REMOVE = 0x2;
export const FAN_MARK_DONT_FOLLOW = 0x4;
export const FAN_MARK_ONLYDIR = 0x8;
export const FAN_MARK_MOUNT = 0x10;
export const FAN_MARK_IGNORED_MASK = 0x20;
export const FAN_MARK_IGNORED_SURV_MODIFY = 0x40;
export const FAN_MARK_FLUSH = 0x80;
export const FAN_MARK_FILESYSTEM = 0x100;
export const FAN_MARK_EVICTABLE = 0x200;
export const FAN_MARK_IGNORE = 0x400;
export const fanotifyMarkFlags = flagSet("EINVAL", {
  FAN_MARK_ADD,
  FAN_MARK_REMOVE,
  FAN_MARK_DONT_FOLLOW,
  FAN_MARK_ONLYDIR,
  FAN_MARK_MOUNT,
  FAN_MARK_IGNORED_MASK,
  FAN_MARK_IGNORED_SURV_MODIFY,
  FAN_MARK_FLUSH,
  FAN_MARK_FILESYSTEM,
  FAN_MARK_EVICTABLE,
  FAN_MARK_IGNORE,
});

export const FAN_ACCESS = 0x1;
export const FAN_MODIFY = 0x2;
export const FAN_ATTRIB = 0x4;
export const FAN_CLOSE_WRITE = 0x8;
export const FAN_CLOSE_NOWRITE = 0x10;
export const FAN_OPEN = 0x20;
export const FAN_MOVED_FROM = 0x40;
export const FAN_MOVED_TO = 0x80;
export const FAN_CREATE = 0x100;
export const FAN_DELETE = 0x200;
export const FAN_DELETE_SELF = 0x400;
export const FAN_MOVE_SELF = 0x800;
export const FAN_OPEN_EXEC = 0x1000;
export const FAN_Q_OVERFLOW = 0x4000;
export const FAN_FS_ERROR = 0x8000;
export const FAN_OPEN_PERM = 0x10000;
export const FAN_ACCESS_PERM = 0x20000;
export const FAN_OPEN_EXEC_PERM = 0x40000;
export const FAN_PRE_ACCESS = 0x100000;
export const FAN_MNT_ATTACH = 0x1000000;
export const FAN_MNT_DETACH = 0x2000000;
export const FAN_EVENT_ON_CHILD = 0x8000000;
export const FAN_RENAME = 0x10000000;
export const FAN_ONDIR = 0x40000000;
export const fanotifyEventFlags = flagSet("EINVAL", {
  FAN_ACCESS,
  FAN_MODIFY,
  FAN_ATTRIB,
  FAN_CLOSE_WRITE,
  FAN_CLOSE_NOWRITE,
  FAN_OPEN,
  FAN_MOVED_FROM,
  FAN_MOVED_TO,
  FAN_CREATE,
  FAN_DELETE,
  FAN_DELETE_SELF,
  FAN_MOVE_SELF,
  FAN_OPEN_EXEC,
  FAN_Q_OVERFLOW,
  FAN_FS_ERROR,
  FAN_OPEN_PERM,
  FAN_ACCESS_PERM,
  FAN_OPEN_EXEC_PERM,
  FAN_PRE_ACCESS,
  FAN_MNT_ATTACH,
  FAN_MNT_DETACH,
  FAN_EVENT_ON_CHILD,
  FAN_RENAME,
  FAN_ONDIR,
});
