import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EFAULT, EINVAL, ENODEV, EPERM, isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

const MAX_TYPE = 4096;

/** sysfs(2): the filesystem types by number, as /proc/filesystems lists them. */
export const sys_sysfs = implement("sysfs", { level: "full" }, (task, option, first, second) => {
  const types = task.kernel.vfs.filesystems().map(({ type }) => type);
  switch (option) {
    case 1: {
      const name = task.memory.readCString(first, MAX_TYPE);
      if (isErrno(name)) return name;
      const index = types.indexOf(name);
      return index < 0 ? EINVAL : index;
    }
    case 2:
      if (first >= types.length) return EINVAL;
      return task.memory.copyOut(second, Buffer.from(`${types[first]}\0`, "latin1")) < 0 ? EFAULT : 0;
    case 3:
      return types.length;
    default:
      return EINVAL;
  }
});

/** swapon(2), swapoff(2): there is no device to swap to. */
export const sys_swapon = implement("swapon", { level: "full" }, (task) => (task.creds.has(CAP_SYS_ADMIN) ? EINVAL : EPERM));
export const sys_swapoff = implement("swapoff", { level: "full" }, (task) => (task.creds.has(CAP_SYS_ADMIN) ? EINVAL : EPERM));

/** quotactl(2): no filesystem here keeps quotas. */
export const sys_quotactl = implement("quotactl", { level: "full" }, () => ENODEV);
