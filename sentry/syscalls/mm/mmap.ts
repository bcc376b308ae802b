import { MS_NOEXEC } from "../../../syscall-tables/flags/mount.ts";
import { READ_IMPLIES_EXEC } from "../../../syscall-tables/flags/prctl.ts";
import { EBADF, EINVAL, ENOMEM, isErrno } from "../../abi/errno.ts";
import { MAP_ANONYMOUS, MAP_HUGE_MASK, MAP_HUGE_SHIFT, MAP_HUGETLB, PAGE_SIZE, PROT_EXEC, PROT_READ } from "../../abi/mman.ts";
import type { Task } from "../../task/task.ts";

import { implement } from "../implement.ts";

/** log2 of the huge page sizes of x86-64; 0 is the default size. */
const HUGE_PAGE_SHIFTS = [0, 21, 30];

/** mmap(2) */
export const sys_mmap = implement("mmap", { level: "full" }, (task, addr, length, prot, flags, fd, offset) => {
  if (offset % PAGE_SIZE !== 0) return EINVAL;
  if (flags & MAP_ANONYMOUS) {
    if (flags & MAP_HUGETLB) return hugePages(flags, length);
    return task.mm.mmap(task, addr, length, effectiveProt(task, prot, false), flags, null, 0);
  }
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  if (flags & MAP_HUGETLB) return EINVAL;
  const isNoexec = file.path !== null && (file.path.mount.flags & MS_NOEXEC) !== 0;
  return task.mm.mmap(task, addr, length, effectiveProt(task, prot, isNoexec), flags, file, offset);
});

/** There are no huge pages in the pool of this kernel. */
const hugePages = (flags: number, length: number): number => {
  const shift = (flags >>> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
  return HUGE_PAGE_SHIFTS.includes(shift) && length > 0 ? ENOMEM : EINVAL;
};

/** personality(READ_IMPLIES_EXEC) */
export const effectiveProt = (task: Task, prot: number, isNoexec: boolean): number =>
  (prot & PROT_READ) !== 0 && (task.personality & READ_IMPLIES_EXEC) !== 0 && !isNoexec ? prot | PROT_EXEC : prot;
