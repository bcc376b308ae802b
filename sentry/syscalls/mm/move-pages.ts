import { CAP_SYS_NICE } from "../../../syscall-tables/flags/system.ts";
import { EFAULT, EINVAL, ENODEV, ENOENT, EPERM, type Errno, ESRCH, isErrno } from "../../abi/errno.ts";
import { MPOL_MF_MOVE, MPOL_MF_MOVE_ALL } from "../../abi/mman.ts";
import { readNodes } from "../../mm/memory-policy.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const targetOf = (task: Task, pid: number): Task | Errno => {
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null || target.isDead) return ESRCH;
  return mayInspect(task, target) ? target : EPERM;
};

/** move_pages(2): every page is on node 0 and stays there. */
export const sys_move_pages = implement(
  "move_pages",
  { level: "partial", note: "pages of a mapping that were never touched are reported on node 0, too" },
  (task, pid, count, pagesAddr, nodesAddr, statusAddr, flags) => {
    if ((flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0) return EINVAL;
    if (flags & MPOL_MF_MOVE_ALL && !task.creds.has(CAP_SYS_NICE)) return EPERM;
    const target = targetOf(task, pid);
    if (isErrno(target)) return target;
    for (let i = 0; i < count; i++) {
      const page = task.memory.loadU64(pagesAddr + i * 8);
      if (page < 0) return EFAULT;
      if (nodesAddr !== 0) {
        const node = task.memory.loadU32(nodesAddr + i * 4);
        if (node < 0) return EFAULT;
        if (node !== 0) return ENODEV;
      }
      const vma = target.mm.find(page);
      const status = vma === null ? (nodesAddr === 0 ? ENOENT : EFAULT) : 0;
      if (task.memory.storeU32(statusAddr + i * 4, status) < 0) return EFAULT;
    }
    return 0;
  },
);

/** migrate_pages(2): there is nowhere to migrate to. */
export const sys_migrate_pages = implement("migrate_pages", { level: "full" }, (task, pid, maxNode, oldAddr, newAddr) => {
  const from = readNodes(task.memory, oldAddr, maxNode);
  if (isErrno(from)) return from;
  const to = readNodes(task.memory, newAddr, maxNode);
  if (isErrno(to)) return to;
  const target = targetOf(task, pid);
  if (isErrno(target)) return target;
  if (to.hasOthers && !task.creds.has(CAP_SYS_NICE)) return EPERM;
  return to.hasNode0 ? 0 : EINVAL;
});
