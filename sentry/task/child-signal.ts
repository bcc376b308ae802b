/** The siginfo of SIGCHLD (do_notify_parent). */
import { TICK_NS } from "../../syscall-tables/limits.ts";
import type { Process } from "./process.ts";
import type { SignalInfo } from "./signal-info.ts";
import type { Task } from "./task.ts";
import { usageOf, usageOfTask } from "./usage.ts";

/** `task`: a child's leader, or a thread that `receiver` traces. */
export const childSignal = (task: Task, receiver: Process, signal: number, code: number, status: number): SignalInfo => {
  const usage = task.isLeader ? usageOf(task.process) : usageOfTask(task);
  return {
    signal,
    code,
    pid: task.pid.in(receiver.pidNamespace),
    uid: receiver.leader.creds.userNamespace.showUid(task.creds.uid),
    status,
    utime: Math.floor(usage.userNs / TICK_NS),
    stime: Math.floor(usage.systemNs / TICK_NS),
    force: true,
  };
};
