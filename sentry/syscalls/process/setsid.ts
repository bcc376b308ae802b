import { EPERM, ESRCH } from "../../abi/errno.ts";
import { ProcessGroup, Session } from "../../task/process-group.ts";
import { implement } from "../implement.ts";

/** setsid(2): a new session without a controlling terminal. */
export const sys_setsid = implement("setsid", { level: "full" }, (task) => {
  const { process } = task;
  const { pid } = process.leader;
  // A group of that id may still hold others, who would then be in two sessions.
  if (process.session.leader === process || pid.group !== null) return EPERM;
  process.moveToGroup(new ProcessGroup(pid, new Session(pid, process)));
  return pid.in(task.pidNamespace);
});

/** getsid(2) */
export const sys_getsid = implement("getsid", { level: "full" }, (task, pid) => {
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  return target === null ? ESRCH : target.process.session.pid.in(task.pidNamespace);
});
