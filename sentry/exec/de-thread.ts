/** The end of de_thread(): the thread that calls execve(2) becomes its process's leader and takes its id. */
import { unlink } from "../ptrace/link.ts";
import type { Task } from "../task/task.ts";

/** All other threads have exited; the leader's id is still taken, for the parent to know the process by. */
export const becomeLeader = (task: Task): void => {
  const { process } = task;
  const { leader } = process;
  if (leader === task) return;
  const ownPid = task.pid;
  process.tasks.delete(task.tid);
  // The old leader's tracer never hears of it again: its id goes on.
  unlink(leader);
  task.pid = leader.pid;
  task.pid.task = task;
  leader.pid = ownPid;
  ownPid.task = null;
  ownPid.releaseIfUnused();
  process.leader = task;
  process.tasks.set(task.tid, task);
};
