import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
} from "../../../syscall-tables/flags/process.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EINVAL, EPERM, type Errno, isErrno } from "../../abi/errno.ts";

import { enterIpcNamespace, IpcNamespace } from "../../ipc/ipc-namespace.ts";
import { enterNetwork, NetworkNamespace } from "../../net/network-namespace.ts";
import { CgroupNamespace } from "../../task/cgroup-namespace.ts";
import type { Credentials } from "../../task/credentials.ts";
import { newUserNamespace } from "../../task/namespaces.ts";
import { PidNamespace } from "../../task/pid-namespace.ts";
import type { Task } from "../../task/task.ts";
import { TimeNamespace } from "../../task/time-namespace.ts";
import { implement } from "../implement.ts";

const NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWTIME;
const VALID = NAMESPACES | CLONE_NEWUSER | CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM;

const has = (flags: number, flag: number): boolean => (flags & flag) !== 0;

/** What must be unshared along with what was asked for, and what a thread with siblings may not ask for. */
const check = (task: Task, flags: number): 0 | Errno => {
  if ((flags & ~VALID) !== 0) return EINVAL;
  const { process } = task;
  if (has(flags, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWUSER) && process.tasks.size > 1) return EINVAL;
  if (has(flags, CLONE_SIGHAND | CLONE_VM) && process.actions.users > 1) return EINVAL;
  return has(flags, CLONE_VM) && task.mm.users > 1 ? EINVAL : 0;
};

/** unshare(2) */
export const sys_unshare = implement("unshare", { level: "full" }, (task, flags) => {
  const refused = check(task, flags);
  if (refused !== 0) return refused;
  let creds: Credentials = task.creds;
  if (has(flags, CLONE_NEWUSER)) {
    const fresh = newUserNamespace(task);
    if (isErrno(fresh)) return fresh;
    creds = fresh;
  }
  if (has(flags, NAMESPACES) && !creds.hasIn(creds.userNamespace, CAP_SYS_ADMIN)) return EPERM;
  if (has(flags, CLONE_FILES) && task.files.references > 1) {
    const files = task.files.fork(task.process.limits);
    task.files.put(task);
    task.files = files;
  }
  if (has(flags, CLONE_FS | CLONE_NEWNS | CLONE_NEWUSER) && task.fs.references > 1) {
    const fs = task.fs.fork();
    task.fs.put();
    task.fs = fs;
  }
  task.creds = creds;
  if (has(flags, CLONE_NEWNS)) {
    task.fs.unshareMounts(creds.userNamespace);
  }
  if (has(flags, CLONE_NEWUTS)) task.uts = task.uts.fork(creds.userNamespace);
  if (has(flags, CLONE_NEWNET)) enterNetwork(task, new NetworkNamespace(task.kernel, creds.userNamespace));
  if (has(flags, CLONE_NEWIPC)) enterIpcNamespace(task, new IpcNamespace(task.kernel, creds.userNamespace));
  if (has(flags, CLONE_NEWCGROUP)) task.cgroupNamespace = new CgroupNamespace(creds.userNamespace);
  if (has(flags, CLONE_NEWTIME)) task.childTimeNamespace = new TimeNamespace(creds.userNamespace, task.childTimeNamespace);
  if (has(flags, CLONE_NEWPID)) {
    if (task.childPidNamespace !== task.pidNamespace) return EINVAL;
    task.childPidNamespace = new PidNamespace(task.pidNamespace, creds.userNamespace);
  }
  return 0;
});
