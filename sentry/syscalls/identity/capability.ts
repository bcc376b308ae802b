import { CAP_SETPCAP } from "../../../syscall-tables/flags/system.ts";
import { CapabilitySet } from "../../abi/capability.ts";
import { EFAULT, EINVAL, EPERM, ESRCH, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { commitCreds } from "../../task/commit-creds.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const _LINUX_CAPABILITY_VERSION_1 = 0x19980330;
const _LINUX_CAPABILITY_VERSION_2 = 0x20071026;
const _LINUX_CAPABILITY_VERSION_3 = 0x20080522;

/** cap_validate_magic: the words per set (1 or 2), EFAULT, or EINVAL after telling the preferred version. */
const wordsOf = (task: Task, headerAddr: UserAddr): number => {
  const version = task.memory.loadU32(headerAddr);
  if (version < 0) return EFAULT;
  if (version === _LINUX_CAPABILITY_VERSION_1) return 1;
  if (version === _LINUX_CAPABILITY_VERSION_2 || version === _LINUX_CAPABILITY_VERSION_3) return 2;
  return task.memory.storeU32(headerAddr, _LINUX_CAPABILITY_VERSION_3) < 0 ? EFAULT : EINVAL;
};

/** capget(2) */
export const sys_capget = implement("capget", { level: "full" }, (task, headerAddr, dataAddr) => {
  const words = wordsOf(task, headerAddr);
  // Without data the call only asks for the version.
  if (dataAddr === 0 || words < 0) return dataAddr === 0 && words === EINVAL ? 0 : Math.min(words, 0);
  const word = task.memory.loadU32(headerAddr + 4);
  if (word < 0) return EFAULT;
  const pid = word | 0;
  if (pid < 0) return EINVAL;
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  const { capEffective, capPermitted, capInheritable } = target.creds;
  const data = new Uint8Array(words * 12);
  const view = new DataView(data.buffer);
  [capEffective, capPermitted, capInheritable].forEach((set, index) => {
    view.setUint32(index * 4, set.lo, true);
    if (words === 2) view.setUint32(12 + index * 4, set.hi, true);
  });
  return task.memory.copyOut(dataAddr, data);
});

/** capset(2) */
export const sys_capset = implement("capset", { level: "full" }, (task, headerAddr, dataAddr) => {
  const words = wordsOf(task, headerAddr);
  if (words < 0) return words;
  const word = task.memory.loadU32(headerAddr + 4);
  if (word < 0) return EFAULT;
  const pid = word | 0;
  if (pid !== 0 && pid !== task.pid.in(task.pidNamespace)) return EPERM;
  const view = task.memory.viewIn(dataAddr, words * 12);
  if (isErrno(view)) return EFAULT;
  const read = (index: number): CapabilitySet =>
    new CapabilitySet(view.getUint32(index * 4, true), words === 2 ? view.getUint32(12 + index * 4, true) : 0).intersect(
      CapabilitySet.FULL,
    );
  const capEffective = read(0);
  const capPermitted = read(1);
  const capInheritable = read(2);
  const old = task.creds;
  const mayInheritMore = old.hasIn(old.userNamespace, CAP_SETPCAP);
  if (!mayInheritMore && !capInheritable.isSubsetOf(old.capInheritable.union(old.capPermitted))) return EPERM;
  if (!capInheritable.isSubsetOf(old.capInheritable.union(old.capBounding))) return EPERM;
  if (!capPermitted.isSubsetOf(old.capPermitted) || !capEffective.isSubsetOf(capPermitted)) return EPERM;
  const capAmbient = old.capAmbient.intersect(capPermitted).intersect(capInheritable);
  commitCreds(task, old.with({ capEffective, capPermitted, capInheritable, capAmbient }));
  return 0;
});
