import { EINTR } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

/** restart_syscall(2): only the kernel's own restarts lead here. */
export const sys_restart_syscall = implement("restart_syscall", { level: "full" }, (task) => {
  const block = task.restartBlock;
  task.restartBlock = null;
  return block === null ? EINTR : block.restart(task);
});
