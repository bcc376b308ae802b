import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, S_IFDIR, S_IFMT, S_IFREG } from "../../../syscall-tables/flags/open.ts";
import { CAP_FOWNER } from "../../../syscall-tables/flags/system.ts";
import { E2BIG, EFAULT, EINVAL, EOPNOTSUPP, EPERM, EROFS, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { fromXflags, setFileFlags, toXflags } from "../../vfs/file-flags.ts";
import type { Path } from "../../vfs/path.ts";
import { implement } from "../implement.ts";
import { atPath } from "./at-path.ts";
import { readExtensible } from "./openat2.ts";

const FILE_ATTR_SIZE = 24;
const PAGE_SIZE = 4096;

/** Files that could have attributes (fileattr_get): not those of /proc, pipes and devices. */
const hasAttributes = (place: Path): boolean => {
  const { inode } = place.dentry;
  const type = inode.mode & S_IFMT;
  return (type === S_IFREG || type === S_IFDIR) && inode.fs.keepsAttributes;
};

const find = (task: Task, dirfd: number, path: string | null, flags: number): Path | Errno => {
  const place = atPath(task, dirfd, path, flags);
  return isErrno(place) || hasAttributes(place) ? place : EOPNOTSUPP;
};

const KNOWN_FLAGS = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;

/** file_getattr(2) */
export const sys_file_getattr = implement(
  "file_getattr",
  { level: "partial", note: "attributes of files in the sandbox's memory; no project and extent sizes" },
  (task, dirfd, path, attrAddr, size, flags) => {
    if ((flags & ~KNOWN_FLAGS) !== 0) return EINVAL;
    if (size > PAGE_SIZE) return E2BIG;
    if (size < FILE_ATTR_SIZE) return EINVAL;
    const place = find(task, dirfd, path, flags);
    if (isErrno(place)) return place;
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setUint32(0, toXflags(place.dentry.inode.fileFlags), true);
    return task.memory.copyOut(attrAddr, bytes) < 0 ? EFAULT : 0;
  },
);

/** file_setattr(2) */
export const sys_file_setattr = implement(
  "file_setattr",
  { level: "partial", note: "as file_getattr; on the host's files all but none are refused with EOPNOTSUPP" },
  (task, dirfd, path, attrAddr, size, flags) => {
    if ((flags & ~KNOWN_FLAGS) !== 0) return EINVAL;
    const attr = readExtensible(task, attrAddr, size, FILE_ATTR_SIZE);
    if (typeof attr === "number") return attr;
    const place = find(task, dirfd, path, flags);
    if (isErrno(place)) return place;
    if (place.mount.isReadOnly) return EROFS;
    const { uid } = place.dentry.inode;
    if (task.creds.fsuid !== uid && !task.creds.has(CAP_FOWNER)) return EPERM;
    const flags32 = fromXflags(attr.getUint32(0, true));
    for (let at = 4; at < FILE_ATTR_SIZE; at++) if (attr.getUint8(at) !== 0) return EOPNOTSUPP;
    if (flags32 === null) return EOPNOTSUPP;
    if (!place.dentry.inode.keepsFlags) return flags32 === 0 ? 0 : EOPNOTSUPP;
    return setFileFlags(task, place, flags32);
  },
);
