/** struct mnt_id_req of statmount(2) and listmount(2), and the mounts that it may name. */
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { E2BIG, EFAULT, EINVAL, ENOENT, type Errno, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { FIRST_UNIQUE_ID, type Mount } from "../../vfs/mount.ts";
import { isReachable } from "../../vfs/tree.ts";

const REQUEST_LEAST = 24;
const REQUEST_SIZE = 32;
const PAGE_SIZE = 4096;

export interface Request {
  readonly mountId: number;
  readonly parameter: number;
  readonly namespaceId: number;
}

/** copy_mnt_id_req() */
export const readRequest = (task: Task, addr: number): Request | Errno => {
  const size = task.memory.loadU32(addr);
  if (size < 0) return EFAULT;
  if (size > PAGE_SIZE) return E2BIG;
  if (size < REQUEST_LEAST) return EINVAL;
  const bytes = task.memory.copyIn(addr, size);
  if (isErrno(bytes)) return EFAULT;
  if (bytes.subarray(REQUEST_SIZE).some((byte) => byte !== 0)) return E2BIG;
  const whole = new Uint8Array(REQUEST_SIZE);
  whole.set(bytes.subarray(0, REQUEST_SIZE));
  const view = new DataView(whole.buffer);
  const u64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  // The descriptor of a namespace in its place is not taken, as before Linux 6.18.
  if (view.getUint32(4, true) !== 0) return EINVAL;
  const mountId = u64(8);
  return mountId < FIRST_UNIQUE_ID ? EINVAL : { mountId, parameter: u64(16), namespaceId: u64(24) };
};

/** The mounts that may be asked about: those of the caller's namespace. */
export const mountsOf = (task: Task, { namespaceId }: Request): readonly Mount[] | Errno => {
  const { namespace } = task.fs;
  if (namespaceId !== 0 && namespaceId !== namespace.id) return ENOENT;
  return [...namespace.mounts].sort((a, b) => a.id - b.id);
};

export const isHidden = (task: Task, mount: Mount): boolean =>
  !isReachable({ mount, dentry: mount.root }, task.fs.root) && !task.creds.hasIn(task.fs.namespace.owner, CAP_SYS_ADMIN);
