/** A cgroup namespace (cgroup_namespaces(7)). All show the sandbox's one cgroup as their root, so they differ by identity alone. */
import { rootUserNamespace, type UserNamespace } from "./user-namespace.ts";

export class CgroupNamespace {
  readonly userNamespace: UserNamespace;

  constructor(userNamespace: UserNamespace) {
    this.userNamespace = userNamespace;
  }
}

export const firstCgroupNamespace = new CgroupNamespace(rootUserNamespace);
