/** name_to_handle_at(2), open_by_handle_at(2) (fs/fhandle.c). */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_HANDLE_CONNECTABLE,
  AT_HANDLE_FID,
  AT_HANDLE_MNT_ID_UNIQUE,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
} from "../../../syscall-tables/flags/open.ts";
import { CAP_DAC_READ_SEARCH } from "../../../syscall-tables/flags/system.ts";
import { EBADF, EFAULT, EINVAL, ENOTDIR, EOPNOTSUPP, EOVERFLOW, EPERM, isErrno } from "../../abi/errno.ts";
import { dentryOf, handleOf, kindOf } from "../../vfs/file-handle.ts";
import { uniqueIdOf } from "../../vfs/mount.ts";
import { implement } from "../implement.ts";
import { atPath } from "./at-path.ts";
import { OpenOp, waitsForPeer } from "./open-op.ts";

const MAX_HANDLE_SZ = 128;
const HEADER = 8;
const FLAGS = AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE | AT_HANDLE_CONNECTABLE;
/** In handle_type, above the filesystem's own number (FILEID_IS_CONNECTABLE, FILEID_IS_DIR). */
const IS_CONNECTABLE = 0x10000;
const IS_DIRECTORY = 0x20000;

/** name_to_handle_at(2) */
export const sys_name_to_handle_at = implement(
  "name_to_handle_at",
  { level: "full" },
  (task, dirfd, path, handleAddr, mountIdAddr, flags) => {
    if ((flags & ~FLAGS) !== 0) return EINVAL;
    const isConnectable = (flags & AT_HANDLE_CONNECTABLE) !== 0;
    if (isConnectable && (flags & (AT_HANDLE_FID | AT_EMPTY_PATH)) !== 0) return EINVAL;
    const follow = (flags & AT_SYMLINK_FOLLOW) !== 0 ? 0 : AT_SYMLINK_NOFOLLOW;
    const place = atPath(task, dirfd, path, follow | (flags & AT_EMPTY_PATH));
    if (isErrno(place)) return place;
    const { dentry, mount } = place;
    if (kindOf(dentry.inode.fs) === "none" && (flags & AT_HANDLE_FID) === 0) return EOPNOTSUPP;
    const header = task.memory.viewIn(handleAddr, HEADER);
    if (isErrno(header)) return EFAULT;
    const room = header.getUint32(0, true);
    if (room > MAX_HANDLE_SZ) return EINVAL;
    const handle = handleOf(dentry);
    const fits = handle.bytes.length <= (room & ~3);
    const answer = new Uint8Array(HEADER + (fits ? handle.bytes.length : 0));
    const view = new DataView(answer.buffer);
    view.setUint32(0, handle.bytes.length, true);
    // What does not fit has no type either (FILEID_INVALID).
    const marks = isConnectable ? IS_CONNECTABLE | (dentry.inode.isDirectory ? IS_DIRECTORY : 0) : 0;
    view.setUint32(4, fits ? handle.type | marks : 0xff, true);
    if (fits) answer.set(handle.bytes, HEADER);
    const isUnique = (flags & AT_HANDLE_MNT_ID_UNIQUE) !== 0;
    const id = new DataView(new ArrayBuffer(isUnique ? 8 : 4));
    id.setUint32(0, mount.id, true);
    if (isUnique) id.setUint32(4, Math.floor(uniqueIdOf(mount) / 2 ** 32), true);
    if (task.memory.copyOut(mountIdAddr, new Uint8Array(id.buffer)) < 0 || task.memory.copyOut(handleAddr, answer) < 0) return EFAULT;
    return fits ? 0 : EOVERFLOW;
  },
);

/** open_by_handle_at(2) */
export const sys_open_by_handle_at = implement(
  "open_by_handle_at",
  { level: "partial", note: "not of namespaces' and processes' files; disks forget what 65536 later handles were made after" },
  (task, mountFd, handleAddr, flags) => {
    const anchor = mountFd === AT_FDCWD ? task.fs.cwd : task.files.get(mountFd)?.path;
    if (anchor === undefined || anchor === null) return EBADF;
    if (!task.creds.has(CAP_DAC_READ_SEARCH)) return EPERM;
    const header = task.memory.viewIn(handleAddr, HEADER);
    if (isErrno(header)) return EFAULT;
    const length = header.getUint32(0, true);
    const type = header.getUint32(4, true);
    if (length > MAX_HANDLE_SZ || length === 0) return EINVAL;
    if (type >= 2 ** 31 || (type & 0xffff_0000 & ~(IS_CONNECTABLE | IS_DIRECTORY)) !== 0) return EINVAL;
    const bytes = task.memory.copyIn(handleAddr + HEADER, length);
    if (isErrno(bytes)) return EFAULT;
    const dentry = dentryOf(anchor.mount.fs, { type: type & 0xffff, bytes });
    if (isErrno(dentry)) return dentry;
    if ((flags & O_DIRECTORY) !== 0 && !dentry.inode.isDirectory) return ENOTDIR;
    const full = task.files.canInstall();
    if (full < 0) return full;
    const file = task.kernel.vfs.openPath(task, { mount: anchor.mount, dentry }, flags & ~(O_CLOEXEC | O_CREAT | O_EXCL));
    if (isErrno(file)) return file;
    const isCloexec = (flags & O_CLOEXEC) !== 0;
    if (waitsForPeer(task, file)) return task.block(new OpenOp(file, isCloexec));
    return task.files.install(file, isCloexec);
  },
);
