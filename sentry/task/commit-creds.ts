/** Credentials take effect (kernel/cred.c commit_creds). */
import type { Credentials } from "./credentials.ts";
import type { Task } from "./task.ts";

/** With other filesystem ids or more capabilities a process must not be inspected by its old peers any more. */
export const commitCreds = (task: Task, creds: Credentials): void => {
  const old = task.creds;
  if (
    creds.euid !== old.euid ||
    creds.egid !== old.egid ||
    creds.fsuid !== old.fsuid ||
    creds.fsgid !== old.fsgid ||
    !creds.capPermitted.isSubsetOf(old.capPermitted)
  ) {
    task.process.dumpable = 0;
    task.parentDeathSignal = 0;
  }
  if (creds.uid !== old.uid) {
    const { users } = task.kernel.pids;
    users.of(old.uid).tasks--;
    users.of(creds.uid).tasks++;
  }
  task.creds = creds;
};
