import { implement } from "../implement.ts";

/** getpid(2): the thread group's id in its own pid namespace. */
export const sys_getpid = implement("getpid", { level: "full" }, (task) => task.process.leader.pid.in(task.pidNamespace));

/** gettid(2) */
export const sys_gettid = implement("gettid", { level: "full" }, (task) => task.pid.in(task.pidNamespace));

/** getppid(2): 0 when the parent is outside the pid namespace. */
export const sys_getppid = implement("getppid", { level: "full" }, (task) => {
  const { parent } = task.process;
  return parent === null ? 0 : parent.leader.pid.in(task.pidNamespace);
});

/** set_tid_address(2) */
export const sys_set_tid_address = implement("set_tid_address", { level: "full" }, (task, addr) => {
  task.clearChildTidAddr = addr;
  return task.pid.in(task.pidNamespace);
});
