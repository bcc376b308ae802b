import { EFAULT, EINVAL, EPERM, ESRCH } from "../../abi/errno.ts";
import { mayInspect } from "../../task/permission.ts";
import { implement } from "../implement.ts";

/** sizeof(struct robust_list_head) */
const ROBUST_LIST_HEAD_SIZE = 24;

/** set_robust_list(2) */
export const sys_set_robust_list = implement("set_robust_list", { level: "full" }, (task, headAddr, length) => {
  if (length !== ROBUST_LIST_HEAD_SIZE) return EINVAL;
  task.robustListAddr = headAddr;
  return 0;
});

/** get_robust_list(2) */
export const sys_get_robust_list = implement("get_robust_list", { level: "full" }, (task, pid, headAddr, lengthAddr) => {
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  if (!mayInspect(task, target)) return EPERM;
  if (task.memory.storeU64(lengthAddr, ROBUST_LIST_HEAD_SIZE) < 0) return EFAULT;
  return task.memory.storeU64(headAddr, target.robustListAddr);
});
