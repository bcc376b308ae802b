/** The family `file`: open files and what paths name. */
import type { Implementation } from "../implement.ts";
import { sys_access, sys_faccessat, sys_faccessat2 } from "./access.ts";
import { sys_cachestat } from "./cachestat.ts";
import { sys_chmod, sys_chown, sys_fchmod, sys_fchmodat, sys_fchmodat2, sys_fchown, sys_fchownat, sys_lchown } from "./chmod.ts";
import { sys_close, sys_close_range } from "./close.ts";
import { sys_copy_file_range } from "./copy-file-range.ts";
import { sys_chdir, sys_chroot, sys_fchdir, sys_getcwd, sys_umask } from "./cwd.ts";
import { sys_dup, sys_dup2, sys_dup3 } from "./dup.ts";
import { sys_fcntl } from "./fcntl.ts";
import { sys_file_getattr, sys_file_setattr } from "./file-attr.ts";
import { sys_flock } from "./flock.ts";
import { sys_getdents, sys_getdents64 } from "./getdents.ts";
import { sys_name_to_handle_at, sys_open_by_handle_at } from "./handle.ts";
import { sys_ioctl } from "./ioctl.ts";
import {
  sys_link,
  sys_linkat,
  sys_readlink,
  sys_readlinkat,
  sys_rename,
  sys_renameat,
  sys_renameat2,
  sys_symlink,
  sys_symlinkat,
} from "./link.ts";
import { sys_lseek } from "./lseek.ts";
import { sys_mkdir, sys_mkdirat, sys_mknod, sys_mknodat, sys_rmdir, sys_unlink, sys_unlinkat } from "./mkdir.ts";
import { sys_creat, sys_open, sys_openat } from "./open.ts";
import { sys_openat2 } from "./openat2.ts";
import { sys_pread64, sys_read } from "./read.ts";
import { sys_preadv, sys_preadv2, sys_pwritev, sys_pwritev2, sys_readv, sys_writev } from "./readv.ts";
import { sys_fstat, sys_lstat, sys_newfstatat, sys_stat } from "./stat.ts";
import { sys_statx } from "./statx.ts";
import { sys_fadvise64, sys_fdatasync, sys_fsync, sys_readahead, sys_sync, sys_sync_file_range, sys_syncfs } from "./sync.ts";
import { sys_fallocate, sys_ftruncate, sys_truncate } from "./truncate.ts";
import { sys_futimesat, sys_utime, sys_utimensat, sys_utimes } from "./utimes.ts";
import { sys_pwrite64, sys_write } from "./write.ts";
import {
  sys_fgetxattr,
  sys_flistxattr,
  sys_fremovexattr,
  sys_fsetxattr,
  sys_getxattr,
  sys_getxattrat,
  sys_lgetxattr,
  sys_listxattr,
  sys_listxattrat,
  sys_llistxattr,
  sys_lremovexattr,
  sys_lsetxattr,
  sys_removexattr,
  sys_removexattrat,
  sys_setxattr,
  sys_setxattrat,
} from "./xattr.ts";

export const fileSyscalls: Implementation[] = [
  sys_access,
  sys_faccessat,
  sys_faccessat2,
  sys_chmod,
  sys_fchmodat,
  sys_fchmodat2,
  sys_fchmod,
  sys_chown,
  sys_lchown,
  sys_fchownat,
  sys_fchown,
  sys_close,
  sys_close_range,
  sys_copy_file_range,
  sys_chdir,
  sys_fchdir,
  sys_chroot,
  sys_getcwd,
  sys_umask,
  sys_dup,
  sys_dup2,
  sys_dup3,
  sys_fcntl,
  sys_flock,
  sys_getdents,
  sys_getdents64,
  sys_name_to_handle_at,
  sys_open_by_handle_at,
  sys_ioctl,
  sys_link,
  sys_linkat,
  sys_symlink,
  sys_symlinkat,
  sys_rename,
  sys_renameat,
  sys_renameat2,
  sys_readlink,
  sys_readlinkat,
  sys_lseek,
  sys_mkdir,
  sys_mkdirat,
  sys_mknod,
  sys_mknodat,
  sys_rmdir,
  sys_unlink,
  sys_unlinkat,
  sys_open,
  sys_openat,
  sys_creat,
  sys_openat2,
  sys_read,
  sys_pread64,
  sys_readv,
  sys_writev,
  sys_preadv,
  sys_pwritev,
  sys_preadv2,
  sys_pwritev2,
  sys_stat,
  sys_lstat,
  sys_fstat,
  sys_newfstatat,
  sys_statx,
  sys_fsync,
  sys_fdatasync,
  sys_sync,
  sys_cachestat,
  sys_file_getattr,
  sys_file_setattr,
  sys_syncfs,
  sys_sync_file_range,
  sys_fadvise64,
  sys_readahead,
  sys_truncate,
  sys_ftruncate,
  sys_fallocate,
  sys_utimensat,
  sys_futimesat,
  sys_utimes,
  sys_utime,
  sys_write,
  sys_pwrite64,
  sys_setxattr,
  sys_lsetxattr,
  sys_fsetxattr,
  sys_getxattr,
  sys_lgetxattr,
  sys_fgetxattr,
  sys_listxattr,
  sys_llistxattr,
  sys_flistxattr,
  sys_removexattr,
  sys_lremovexattr,
  sys_fremovexattr,
  sys_setxattrat,
  sys_getxattrat,
  sys_listxattrat,
  sys_removexattrat,
];
