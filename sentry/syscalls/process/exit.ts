import { exitStatus } from "../../abi/wait.ts";
import { exitGroup, exitTask } from "../../task/exit-request.ts";
import { implement } from "../implement.ts";

/** exit(2): ends this thread; it happens on the way back. */
export const sys_exit = implement("exit", { level: "full" }, (task, code) => {
  exitTask(task, exitStatus(code));
  return 0;
});

/** exit_group(2) */
export const sys_exit_group = implement("exit_group", { level: "full" }, (task, code) => {
  exitGroup(task.process, exitStatus(code));
  return 0;
});
