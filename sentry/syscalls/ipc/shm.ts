import { IPC_CREAT, SHM_EXEC, SHM_HUGETLB, SHM_RDONLY, SHM_REMAP, SHM_RND } from "../../../syscall-tables/flags/ipc.ts";
import { RLIMIT_MEMLOCK } from "../../../syscall-tables/flags/process.ts";
import { CAP_IPC_LOCK } from "../../../syscall-tables/flags/system.ts";

import { EINVAL, ENOMEM, EPERM, isErrno } from "../../abi/errno.ts";
import { MAP_FIXED, MAP_SHARED, PAGE_SIZE, PROT_EXEC, PROT_READ, PROT_WRITE, pageAlign } from "../../abi/mman.ts";

import { MemfdInode } from "../../fs/memfd/memfd.ts";
import { memfdFilesystem } from "../../fs/memfd/memfd-filesystem.ts";
import { ipcNamespaceOf, ipcTime } from "../../ipc/ipc-namespace.ts";
import { IpcPermission } from "../../ipc/ipc-permission.ts";
import { SegmentMapping, SharedSegment } from "../../ipc/shared-segment.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** log2 of the huge page sizes of x86-64, in the flags from SHM_HUGE_SHIFT on; 0 is the default size. */
const HUGE_PAGE_SHIFTS = [0, 21, 30];
const SHM_HUGE_SHIFT = 26;

/** hugetlb_file_setup() where no huge page is reserved. */
const hugePages = (task: Task, size: number, flags: number) => {
  if (!HUGE_PAGE_SHIFTS.includes(flags >>> SHM_HUGE_SHIFT)) return EINVAL;
  const { creds } = task;
  const isAllowed = creds.has(CAP_IPC_LOCK) || creds.fsgid === 0 || creds.groups.includes(0);
  return isAllowed || size <= task.process.limits.get(RLIMIT_MEMLOCK).soft ? ENOMEM : EPERM;
};

/** newseg() */
const createSegment = (task: Task, key: number, size: number, flags: number) => {
  // shmem_kernel_file_setup(): nor may it be larger than a file.
  if (size < 1 || size > ipcNamespaceOf(task).limits.shmmax || size >= 2 ** 63) return EINVAL;
  if ((flags & SHM_HUGETLB) !== 0) return hugePages(task, size, flags);
  const fs = memfdFilesystem(task.kernel);
  const inode = new MemfdInode(fs, flags & 0o777, task.creds.fsuid, task.creds.fsgid, 0);
  const error = inode.setAttributes({ size: pageAlign(size) }, null);
  if (error < 0) return ENOMEM;
  const path = fs.unnamedPath(`SYSV${(key >>> 0).toString(16).padStart(8, "0")}`, inode);
  const { segments } = ipcNamespaceOf(task);
  return new SharedSegment(new IpcPermission(task, key, flags), segments, size, path, task.process.pid, ipcTime(task));
};

/** shmget(2) */
export const sys_shmget = implement("shmget", { level: "full" }, (task, key, size, flags) =>
  ipcNamespaceOf(task).segments.obtain(
    task,
    key,
    flags,
    (segment) => (size > segment.size ? EINVAL : 0),
    () => createSegment(task, key, size, flags | IPC_CREAT),
  ),
);

/** shmat(2) */
export const sys_shmat = implement("shmat", { level: "full" }, (task, id, addr, flags) => {
  if (id < 0) return EINVAL;
  let place = addr;
  if (addr !== 0 && addr % PAGE_SIZE !== 0) {
    if ((flags & SHM_RND) === 0) return EINVAL;
    place = addr - (addr % PAGE_SIZE);
  }
  if (place === 0 && (flags & SHM_REMAP) !== 0) return EINVAL;
  const isReadOnly = (flags & SHM_RDONLY) !== 0;
  const isExecutable = (flags & SHM_EXEC) !== 0;
  const segment = ipcNamespaceOf(task).segments.get(id);
  if (isErrno(segment)) return segment;
  const wanted = (isReadOnly ? 0o444 : 0o666) | (isExecutable ? 0o111 : 0);
  const error = segment.permission.check(task, wanted);
  if (error < 0) return error;
  const length = pageAlign(segment.size);
  if (place !== 0 && (flags & SHM_REMAP) === 0 && !task.mm.map.isFree(place, place + length)) return EINVAL;
  const prot = PROT_READ | (isReadOnly ? 0 : PROT_WRITE) | (isExecutable ? PROT_EXEC : 0);
  const result = task.mm.mapObject(task, place, length, prot, MAP_SHARED | (place === 0 ? 0 : MAP_FIXED), segment.mapping());
  if (result >= 0) segment.lastUser = task.process.pid;
  return result;
});

/** shmdt(2): the areas of the attachment that begins at `addr`, in as many pieces as mprotect(2) made of it. */
export const sys_shmdt = implement("shmdt", { level: "full" }, (task, addr) => {
  if (addr % PAGE_SIZE !== 0) return EINVAL;
  let mapping: SegmentMapping | null = null;
  for (const vma of [...task.mm.map.list]) {
    if (!(vma.file instanceof SegmentMapping) || vma.start - addr !== vma.offset) continue;
    if (mapping !== null && vma.file.segment !== mapping.segment) continue;
    mapping = vma.file;
    const error = task.mm.munmap(task, vma.start, vma.end - vma.start);
    if (error < 0) return error;
  }
  if (mapping === null) return EINVAL;
  mapping.segment.lastUser = task.process.pid;
  return 0;
});
