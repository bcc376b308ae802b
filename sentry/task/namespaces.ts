/** New namespaces (clone(2), unshare(2), setns(2)). */
import { CapabilitySet } from "../abi/capability.ts";
import { ENOSPC, EPERM, type Errno } from "../abi/errno.ts";
import type { Credentials } from "./credentials.ts";
import type { Task } from "./task.ts";
import { INVALID_ID, MAX_USER_NAMESPACE_LEVEL, UserNamespace } from "./user-namespace.ts";

/** create_user_ns: the caller's credentials as they are inside a new user namespace, with every capability there. */
export const newUserNamespace = (task: Task): Credentials | Errno => {
  const { creds } = task;
  const parent = creds.userNamespace;
  if (parent.level + 1 > MAX_USER_NAMESPACE_LEVEL) return ENOSPC;
  // A chrooted process could otherwise leave its root by way of a mount namespace.
  if (isChrooted(task)) return EPERM;
  if (parent.fromKuid(creds.euid) === INVALID_ID || parent.fromKgid(creds.egid) === INVALID_ID) return EPERM;
  return enterUserNamespace(creds, new UserNamespace(parent, creds.euid, creds.egid));
};

/** current_chrooted: the root is not the topmost mount on the namespace's root. */
const isChrooted = (task: Task): boolean => {
  const { root, namespace } = task.fs;
  let mount = namespace.root;
  for (let over = mount.children.get(mount.root); over !== undefined; over = mount.children.get(mount.root)) mount = over;
  return root.mount !== mount || root.dentry !== mount.root;
};

/** set_cred_user_ns */
export const enterUserNamespace = (creds: Credentials, userNamespace: UserNamespace): Credentials =>
  creds.with({
    userNamespace,
    securebits: 0,
    capInheritable: CapabilitySet.EMPTY,
    capPermitted: CapabilitySet.FULL,
    capEffective: CapabilitySet.FULL,
    capBounding: CapabilitySet.FULL,
    capAmbient: CapabilitySet.EMPTY,
  });
