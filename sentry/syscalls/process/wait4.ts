import { WCONTINUED, WEXITED, WNOHANG, WUNTRACED } from "../../../syscall-tables/flags/process.ts";
import { INT_MIN } from "../../../syscall-tables/limits.ts";
import { EINVAL, ESRCH } from "../../abi/errno.ts";
import { __WALL, __WCLONE, __WNOTHREAD } from "../../abi/wait.ts";
import { type WaitTarget, waitForChild } from "../../task/wait.ts";
import { implement } from "../implement.ts";

const OPTIONS = WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;

/** wait4(2) */
export const sys_wait4 = implement("wait4", { level: "full" }, (task, pid, statusAddr, options, usageAddr) => {
  if ((options & ~OPTIONS) !== 0) return EINVAL;
  if (pid === INT_MIN) return ESRCH;
  const namespace = task.pidNamespace;
  let target: WaitTarget;
  if (pid === -1) target = "all";
  else if (pid < 0) target = namespace.group(-pid);
  else if (pid === 0) target = task.process.group;
  else target = namespace.process(pid) ?? namespace.task(pid);
  return waitForChild(task, {
    target,
    options: options | WEXITED,
    statusAddr,
    infoAddr: 0,
    usageAddr,
    isWaitid: false,
    isNonblocking: false,
  });
});
