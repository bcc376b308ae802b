/** ioctl(2) of an open namespace (ioctl_ns(2), fs/nsfs.c). */
import {
  NS_GET_MNTNS_ID,
  NS_GET_NSTYPE,
  NS_GET_OWNER_UID,
  NS_GET_PARENT,
  NS_GET_PID_FROM_PIDNS,
  NS_GET_PID_IN_PIDNS,
  NS_GET_TGID_FROM_PIDNS,
  NS_GET_TGID_IN_PIDNS,
  NS_GET_USERNS,
} from "../../../syscall-tables/flags/ioctl.ts";
import { EINVAL, ENOTTY, EPERM, ESRCH } from "../../abi/errno.ts";
import { IpcNamespace } from "../../ipc/ipc-namespace.ts";
import { NetworkNamespace } from "../../net/network-namespace.ts";
import { CgroupNamespace } from "../../task/cgroup-namespace.ts";
import { PidNamespace } from "../../task/pid-namespace.ts";
import type { Task } from "../../task/task.ts";
import { TimeNamespace } from "../../task/time-namespace.ts";
import { initialUserNamespace, UserNamespace } from "../../task/user-namespace.ts";
import { UtsNamespace } from "../../task/uts-namespace.ts";
import { MountNamespace } from "../../vfs/mount-namespace.ts";

const ownerOf = (namespace: object): UserNamespace | null => {
  if (namespace instanceof UserNamespace) return namespace.parent;
  if (namespace instanceof MountNamespace) return namespace.owner;
  if (
    namespace instanceof PidNamespace ||
    namespace instanceof UtsNamespace ||
    namespace instanceof IpcNamespace ||
    namespace instanceof NetworkNamespace ||
    namespace instanceof CgroupNamespace ||
    namespace instanceof TimeNamespace
  )
    return namespace.userNamespace;
  return initialUserNamespace();
};

/** Opens a namespace for the caller: a descriptor or an errno. */
type Opener = (kind: "user" | "pid", namespace: object) => number;

/** ns_get_owner(): nobody looks out of his own user namespace. */
const openOwner = ({ creds }: Task, namespace: object, open: Opener): number => {
  const owner = ownerOf(namespace);
  return owner !== null && creds.userNamespace.isAncestorOf(owner) ? open("user", owner) : EPERM;
};

const openParent = (task: Task, namespace: object, open: Opener): number => {
  if (namespace instanceof UserNamespace) return openOwner(task, namespace, open);
  if (!(namespace instanceof PidNamespace)) return EINVAL;
  const { parent } = namespace;
  return parent?.isWithin(task.pidNamespace) ? open("pid", parent) : EPERM;
};

const translatePid = (task: Task, namespace: object, command: number, number: number): number => {
  if (!(namespace instanceof PidNamespace)) return EINVAL;
  const isInward = command === NS_GET_PID_IN_PIDNS || command === NS_GET_TGID_IN_PIDNS;
  const found = (isInward ? task.pidNamespace : namespace).task(number);
  if (found === null) return ESRCH;
  const isGroup = command === NS_GET_TGID_FROM_PIDNS || command === NS_GET_TGID_IN_PIDNS;
  const { pid } = isGroup ? found.process.leader : found;
  return pid.in(isInward ? namespace : task.pidNamespace) || ESRCH;
};

export const namespaceIoctl = (task: Task, namespace: object, type: number, command: number, argument: number, open: Opener): number => {
  switch (command) {
    case NS_GET_USERNS:
      return openOwner(task, namespace, open);
    case NS_GET_PARENT:
      return openParent(task, namespace, open);
    case NS_GET_NSTYPE:
      return type;
    case NS_GET_OWNER_UID:
      if (!(namespace instanceof UserNamespace)) return EINVAL;
      return task.memory.storeU32(argument, task.creds.userNamespace.showUid(namespace.ownerUid));
    case NS_GET_MNTNS_ID:
      return namespace instanceof MountNamespace ? task.memory.storeU64(argument, namespace.id) : EINVAL;
    case NS_GET_PID_FROM_PIDNS:
    case NS_GET_TGID_FROM_PIDNS:
    case NS_GET_PID_IN_PIDNS:
    case NS_GET_TGID_IN_PIDNS:
      return translatePid(task, namespace, command, argument | 0);
    default:
      return ENOTTY;
  }
};
