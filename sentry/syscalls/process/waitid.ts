import { P_ALL, P_PGID, P_PID, P_PIDFD, WCONTINUED, WEXITED, WNOHANG, WNOWAIT } from "../../../syscall-tables/flags/process.ts";
import { EBADF, EINVAL, isErrno } from "../../abi/errno.ts";
import { __WALL, __WCLONE, __WNOTHREAD, WSTOPPED } from "../../abi/wait.ts";
import { pidfdProcess } from "../../fs/pidfd/pidfd.ts";
import { type WaitTarget, waitForChild } from "../../task/wait.ts";
import { implement } from "../implement.ts";

const OPTIONS = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;

/** waitid(2) */
export const sys_waitid = implement("waitid", { level: "full" }, (task, which, id, infoAddr, options, usageAddr) => {
  if ((options & ~OPTIONS) !== 0 || (options & (WEXITED | WSTOPPED | WCONTINUED)) === 0) return EINVAL;
  let target: WaitTarget;
  let isNonblocking = false;
  switch (which) {
    case P_ALL:
      target = "all";
      break;
    case P_PID:
      if (id <= 0) return EINVAL;
      target = task.pidNamespace.process(id) ?? task.pidNamespace.task(id);
      break;
    case P_PGID:
      if (id < 0) return EINVAL;
      target = id === 0 ? task.process.group : task.pidNamespace.group(id);
      break;
    case P_PIDFD: {
      if (id < 0) return EINVAL;
      const file = task.file(id);
      if (isErrno(file)) return EBADF;
      target = pidfdProcess(file);
      if (target === null) return EBADF;
      isNonblocking = file.isNonblocking;
      break;
    }
    default:
      return EINVAL;
  }
  return waitForChild(task, { target, options, statusAddr: 0, infoAddr, usageAddr, isWaitid: true, isNonblocking });
});
