import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from "../../../syscall-tables/flags/process.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EBADF, EINVAL, EPERM, type Errno, ESRCH, EUSERS, isErrno } from "../../abi/errno.ts";

import { pidfdProcess } from "../../fs/pidfd/pidfd.ts";
import { NAMESPACE_FLAGS, NamespaceFile } from "../../fs/proc/task-links.ts";
import { enterIpcNamespace, IpcNamespace, ipcNamespaceOf } from "../../ipc/ipc-namespace.ts";
import { enterNetwork, NetworkNamespace, networkOf } from "../../net/network-namespace.ts";
import { CgroupNamespace } from "../../task/cgroup-namespace.ts";
import { enterTimeNamespace } from "../../task/enter-time.ts";
import { enterUserNamespace } from "../../task/namespaces.ts";
import { PidNamespace } from "../../task/pid-namespace.ts";
import type { Task } from "../../task/task.ts";
import { TimeNamespace } from "../../task/time-namespace.ts";
import { UserNamespace } from "../../task/user-namespace.ts";
import { UtsNamespace } from "../../task/uts-namespace.ts";
import { MountNamespace } from "../../vfs/mount-namespace.ts";
import { implement } from "../implement.ts";

const ALL_FLAGS = Object.values(NAMESPACE_FLAGS).reduce((all, flag) => (all | flag) >>> 0, 0);

const mayEnter = (task: Task, owner: UserNamespace): boolean => {
  const { creds } = task;
  return creds.hasIn(owner, CAP_SYS_ADMIN) && creds.hasIn(creds.userNamespace, CAP_SYS_ADMIN);
};

/** Enters one namespace. */
const enter = (task: Task, namespace: object): 0 | Errno => {
  const { creds } = task;
  if (namespace instanceof UserNamespace) {
    // Nobody re-enters his own namespace to get its capabilities back.
    if (namespace === creds.userNamespace || task.process.tasks.size > 1 || task.fs.references > 1) return EINVAL;
    if (!creds.hasIn(namespace, CAP_SYS_ADMIN)) return EPERM;
    task.creds = enterUserNamespace(creds, namespace);
    return 0;
  }
  if (namespace instanceof UtsNamespace) {
    if (!mayEnter(task, namespace.userNamespace)) return EPERM;
    task.uts = namespace;
    return 0;
  }
  if (namespace instanceof PidNamespace) {
    if (!mayEnter(task, namespace.userNamespace)) return EPERM;
    // Only to descendants: a process never leaves its own namespace.
    if (!namespace.isWithin(task.pidNamespace)) return EINVAL;
    task.childPidNamespace = namespace;
    return 0;
  }
  if (namespace instanceof MountNamespace) {
    if (!mayEnter(task, namespace.owner)) return EPERM;
    if (task.fs.references > 1) return EINVAL;
    task.fs.enter(namespace);
    return 0;
  }
  if (namespace instanceof NetworkNamespace) {
    if (!mayEnter(task, namespace.userNamespace)) return EPERM;
    enterNetwork(task, namespace);
    return 0;
  }
  if (namespace instanceof IpcNamespace) {
    if (!mayEnter(task, namespace.userNamespace)) return EPERM;
    enterIpcNamespace(task, namespace);
    return 0;
  }
  if (namespace instanceof CgroupNamespace) {
    if (!mayEnter(task, namespace.userNamespace)) return EPERM;
    task.cgroupNamespace = namespace;
    return 0;
  }
  if (namespace instanceof TimeNamespace) {
    if (task.process.tasks.size > 1 || task.mm.users > 1) return EUSERS;
    if (!mayEnter(task, namespace.userNamespace)) return EPERM;
    enterTimeNamespace(task, namespace);
    // Also where it was here already: its children follow again.
    task.childTimeNamespace = namespace;
    return 0;
  }
  return EINVAL;
};

/** The namespaces of a process that `flags` name, the user namespace first: it gives the right to enter the others. */
const enterAll = (task: Task, source: Task, flags: number): 0 | Errno => {
  const wanted: [number, object][] = [
    [CLONE_NEWUSER, source.creds.userNamespace],
    [CLONE_NEWUTS, source.uts],
    [CLONE_NEWPID, source.pidNamespace],
    [CLONE_NEWIPC, ipcNamespaceOf(source)],
    [CLONE_NEWCGROUP, source.cgroupNamespace],
    [CLONE_NEWTIME, source.timeNamespace],
    [CLONE_NEWNET, networkOf(source)],
    [CLONE_NEWNS, source.fs.namespace],
  ];
  for (const [flag, namespace] of wanted) {
    if ((flags & flag) === 0) continue;
    const refused = enter(task, namespace);
    if (refused !== 0) return refused;
  }
  return 0;
};

/** setns(2) */
export const sys_setns = implement("setns", { level: "full" }, (task, fd, flags) => {
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  if (file instanceof NamespaceFile) {
    const { kind, object } = file.reference;
    return flags !== 0 && flags !== NAMESPACE_FLAGS[kind] ? EINVAL : enter(task, object);
  }
  const process = pidfdProcess(file);
  if (process === null || flags === 0 || (flags & ~ALL_FLAGS) !== 0) return EINVAL;
  return process.isZombie ? ESRCH : enterAll(task, process.anyTask, flags);
});
