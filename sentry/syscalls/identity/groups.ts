import { CAP_SETGID } from "../../../syscall-tables/flags/system.ts";
import { EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import { INVALID_ID } from "../../task/user-namespace.ts";
import { implement } from "../implement.ts";

const NGROUPS_MAX = 65536;

/** getgroups(2) */
export const sys_getgroups = implement("getgroups", { level: "full" }, ({ creds, memory }, size, listAddr) => {
  if (size < 0) return EINVAL;
  const { groups, userNamespace } = creds;
  if (size === 0) return groups.length;
  if (groups.length > size) return EINVAL;
  const bytes = new Uint8Array(groups.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < groups.length; i++) view.setUint32(i * 4, userNamespace.showGid(groups[i]), true);
  return memory.copyOut(listAddr, bytes) < 0 ? EFAULT : groups.length;
});

/** setgroups(2) */
export const sys_setgroups = implement("setgroups", { level: "full" }, (task, size, listAddr) => {
  const { creds } = task;
  const { userNamespace } = creds;
  const isAllowed = userNamespace.isSetgroupsAllowed && userNamespace.gidMap.length > 0;
  if (!isAllowed || !creds.hasIn(userNamespace, CAP_SETGID)) return EPERM;
  if (size < 0 || size > NGROUPS_MAX) return EINVAL;
  const view = task.memory.viewIn(listAddr, size * 4);
  if (size > 0 && isErrno(view)) return EFAULT;
  const groups: number[] = [];
  for (let i = 0; i < size; i++) {
    const kgid = userNamespace.toKgid((view as DataView).getUint32(i * 4, true));
    if (kgid === INVALID_ID) return EINVAL;
    groups.push(kgid);
  }
  groups.sort((a, b) => a - b);
  task.creds = creds.with({ groups });
  return 0;
});
