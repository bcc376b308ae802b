import { EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";
import { writeTimespec } from "./timespec.ts";

/** gettimeofday(2). The kernel's time zone is that of Linux after boot: none. */
export const sys_gettimeofday = implement("gettimeofday", { level: "full" }, (task, timeAddr, zoneAddr) => {
  const { clock } = task.kernel;
  clock.readRealtime();
  if (timeAddr !== 0 && writeTimespec(task, timeAddr, clock.sec, Math.floor(clock.nsec / 1000)) < 0) return EFAULT;
  return zoneAddr === 0 ? 0 : task.memory.storeU64(zoneAddr, 0);
});

/** settimeofday(2) */
export const sys_settimeofday = implement(
  "settimeofday",
  { level: "full", note: "EPERM even with CAP_SYS_TIME" },
  (task, timeAddr, zoneAddr) => {
    if (timeAddr !== 0) {
      const view = task.memory.viewIn(timeAddr, 16);
      if (isErrno(view)) return EFAULT;
      const microseconds = view.getUint32(8, true) + view.getInt32(12, true) * 2 ** 32;
      if (microseconds < 0 || microseconds >= 1_000_000 || view.getInt32(4, true) < 0) return EINVAL;
    }
    if (zoneAddr !== 0 && isErrno(task.memory.viewIn(zoneAddr, 8))) return EFAULT;
    return EPERM;
  },
);
