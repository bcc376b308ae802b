/** Filesystem contexts: fsopen(2), fsconfig(2), fsmount(2), fspick(2). */
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_CMD_CREATE_EXCL,
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_BINARY,
  FSCONFIG_SET_FD,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_PATH,
  FSCONFIG_SET_PATH_EMPTY,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  FSPICK_CLOEXEC,
  FSPICK_EMPTY_PATH,
  FSPICK_NO_AUTOMOUNT,
  FSPICK_SYMLINK_NOFOLLOW,
  MS_RDONLY,
} from "../../../syscall-tables/flags/mount.ts";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_RDWR } from "../../../syscall-tables/flags/open.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EBUSY, EINVAL, ENODATA, ENODEV, EOPNOTSUPP, EPERM, type Errno, isErrno } from "../../abi/errno.ts";
import { parseTmpfsOptions } from "../../fs/tmpfs/options.ts";
import type { Task } from "../../task/task.ts";
import { anonInode } from "../../vfs/anon.ts";
import type { Filesystem } from "../../vfs/filesystem.ts";
import type { Io } from "../../vfs/io.ts";

import { isTooRevealing } from "../../vfs/locked-mounts.ts";
import { mayMount, mountFlags } from "../../vfs/mounting.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import { TreeFile } from "../../vfs/tree-file.ts";
import { atPath } from "../file/at-path.ts";
import { implement } from "../implement.ts";
import { attributeFlags, MOUNT_ATTRIBUTES } from "./mount-attributes.ts";

const MAX_STRING = 256;
/** common_set_sb_flag[], common_clear_sb_flag[] but for ro and rw: taken without effect, as from mount(2). */
const SUPERBLOCK_FLAGS = new Set(["dirsync", "lazytime", "mand", "sync", "async", "nolazytime", "nomand"]);

/** What fsopen returns: options are collected, then a filesystem is made (or changed, after fspick). */
class ContextFile extends OpenFile {
  readonly type: string;
  source = "";
  options: string[] = [];
  isReadOnly = false;
  made: Filesystem | null = null;
  picked: Filesystem | null = null;

  constructor(task: Task, type: string) {
    super(anonInode(task.kernel, 0o600), null, O_RDWR);
    this.type = type;
  }

  // The log of messages for the caller is always empty.
  override read(_io: Io, _task: Task): number {
    return ENODATA;
  }
  override get anonymousName(): string {
    return "anon_inode:[fscontext]";
  }
}

const install = (task: Task, file: OpenFile, isCloexec: boolean): number => {
  const fd = task.files.install(file, isCloexec);
  if (fd < 0) file.put();
  return fd;
};

/** fsopen(2) */
export const sys_fsopen = implement("fsopen", { level: "full" }, (task, type, flags) => {
  if (!mayMount(task)) return EPERM;
  if ((flags & ~FSOPEN_CLOEXEC) !== 0) return EINVAL;
  if (task.kernel.vfs.filesystemType(type) === null) return ENODEV;
  // sysfs_init_fs_context() asks for the right at once.
  if (type === "sysfs" && !task.kernel.vfs.mayMakeFilesystem(task, type)) return EPERM;
  return install(task, new ContextFile(task, type), (flags & FSOPEN_CLOEXEC) !== 0);
});

/** fspick(2) */
export const sys_fspick = implement("fspick", { level: "full" }, (task, dirfd, path, flags) => {
  if (!mayMount(task)) return EPERM;
  if ((flags & ~(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH)) !== 0) return EINVAL;
  const at = ((flags & FSPICK_SYMLINK_NOFOLLOW) !== 0 ? AT_SYMLINK_NOFOLLOW : 0) | ((flags & FSPICK_EMPTY_PATH) !== 0 ? AT_EMPTY_PATH : 0);
  const place = atPath(task, dirfd, path, at);
  if (isErrno(place)) return place;
  if (place.dentry !== place.mount.root) return EINVAL;
  const file = new ContextFile(task, place.mount.fs.type);
  file.picked = place.mount.fs;
  file.isReadOnly = file.picked.isReadOnly;
  return install(task, file, (flags & FSPICK_CLOEXEC) !== 0);
});

const addOption = (file: ContextFile, key: string, value: string | null): number => {
  if (file.made !== null) return EBUSY;
  const pair = value === null ? key : `${key}=${value}`;
  if (key === "source" && value !== null) {
    // vfs_parse_fs_param_source(): there is one.
    if (file.source !== "") return EINVAL;
    file.source = value;
  } else if (value === null && SUPERBLOCK_FLAGS.has(key)) return 0;
  else if (key !== "ro" && key !== "rw" && file.type === "tmpfs" && typeof parseTmpfsOptions(pair) === "number") return EINVAL;
  else if (key === "ro" || key === "rw") file.isReadOnly = key === "ro";
  else file.options.push(pair);
  return 0;
};

const create = (task: Task, file: ContextFile): number => {
  if (file.picked !== null || file.made !== null) return EBUSY;
  const fs = task.kernel.vfs.makeFilesystem(task, file.type, file.source, file.options.join(","));
  if (isErrno(fs)) return fs;
  if (file.isReadOnly && fs.mounts === 0) fs.isReadOnly = true;
  file.made = fs;
  return 0;
};

const reconfigure = (task: Task, file: ContextFile): number => {
  const fs = file.picked ?? file.made;
  // Nothing awaits it (FS_CONTEXT_AWAITING_RECONF).
  if (fs === null) return EBUSY;
  if (!task.creds.hasIn(fs.owner, CAP_SYS_ADMIN)) return EPERM;
  if (file.isReadOnly && !fs.isReadOnly && fs.writers > 0) return EBUSY;
  const error = fs.remount(file.options.join(","));
  if (error >= 0) fs.isReadOnly = file.isReadOnly;
  file.options = [];
  return error;
};

const contextOf = (task: Task, fd: number): ContextFile | Errno => {
  const file = task.file(fd);
  if (isErrno(file)) return file;
  return file instanceof ContextFile ? file : EINVAL;
};

/** fsconfig(2) */
export const sys_fsconfig = implement(
  "fsconfig",
  { level: "partial", note: "options are flags and strings: no blobs, paths or descriptors" },
  (task, fd, command, key, valueAddr, aux) => {
    if (fd < 0) return EINVAL;
    const file = contextOf(task, fd);
    if (isErrno(file)) return file;
    switch (command) {
      case FSCONFIG_SET_FLAG:
        return key === null || valueAddr !== 0 || aux !== 0 ? EINVAL : addOption(file, key, null);
      case FSCONFIG_SET_STRING: {
        if (key === null || valueAddr === 0 || aux !== 0) return EINVAL;
        const value = task.memory.readCString(valueAddr, MAX_STRING);
        return isErrno(value) ? value : addOption(file, key, value);
      }
      case FSCONFIG_CMD_CREATE:
      case FSCONFIG_CMD_CREATE_EXCL:
      case FSCONFIG_CMD_RECONFIGURE:
        if (key !== null || valueAddr !== 0 || aux !== 0) return EINVAL;
        if (!mayMount(task)) return EPERM;
        return command === FSCONFIG_CMD_RECONFIGURE ? reconfigure(task, file) : create(task, file);
      case FSCONFIG_SET_BINARY:
      case FSCONFIG_SET_PATH:
      case FSCONFIG_SET_PATH_EMPTY:
      case FSCONFIG_SET_FD:
        return EINVAL;
      default:
        return EOPNOTSUPP;
    }
  },
);

/** fsmount(2): a mount that is in no tree yet, as an O_PATH descriptor of its root. */
export const sys_fsmount = implement("fsmount", { level: "full" }, (task, fd, flags, attributes) => {
  if (!mayMount(task)) return EPERM;
  if ((flags & ~FSMOUNT_CLOEXEC) !== 0 || (attributes & ~MOUNT_ATTRIBUTES) !== 0) return EINVAL;
  const wanted = attributeFlags(attributes);
  if (wanted < 0) return EINVAL;
  const file = contextOf(task, fd);
  if (isErrno(file)) return file;
  // A context of fspick(2), or one that has been mounted, awaits its reconfiguration.
  if (file.made === null) return file.picked !== null ? EBUSY : EINVAL;
  const mountedAs = mountFlags(wanted) | (file.isReadOnly ? MS_RDONLY : 0);
  if (isTooRevealing(task.fs.namespace, file.made, mountedAs)) return EPERM;
  const mount = task.kernel.vfs.newMount(file.made, file.source === "" ? "none" : file.source, mountedAs);
  const root = new TreeFile(mount);
  const made = install(task, root, (flags & FSMOUNT_CLOEXEC) !== 0);
  // One mount of a context; from then on it is as fspick(2)'s.
  if (made >= 0) {
    file.picked = file.made;
    file.made = null;
  }
  return made;
});
