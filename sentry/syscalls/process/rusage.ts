import { RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD } from "../../../syscall-tables/flags/process.ts";
import { TICK_NS } from "../../../syscall-tables/limits.ts";
import { EFAULT, EINVAL } from "../../abi/errno.ts";

import { packUsage } from "../../task/rusage.ts";
import { usageOf, usageOfTask } from "../../task/usage.ts";
import { implement } from "../implement.ts";

/** getrusage(2) */
export const sys_getrusage = implement("getrusage", { level: "full" }, (task, who, addr) => {
  const { process } = task;
  switch (who) {
    case RUSAGE_SELF:
      return task.memory.copyOut(addr, packUsage(usageOf(process)));
    case RUSAGE_CHILDREN:
      return task.memory.copyOut(addr, packUsage(process.childrenUsage));
    case RUSAGE_THREAD:
      return task.memory.copyOut(addr, packUsage(usageOfTask(task)));
    default:
      return EINVAL;
  }
});

/** times(2): returns ticks since a point in the past. */
export const sys_times = implement("times", { level: "full" }, (task, addr) => {
  const ticks = Math.floor(task.kernel.clock.monotonicNs() / TICK_NS);
  if (addr === 0) return ticks;
  const own = usageOf(task.process);
  const children = task.process.childrenUsage;
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  [own.userNs, own.systemNs, children.userNs, children.systemNs].forEach((ns, index) => {
    view.setUint32(index * 8, Math.floor(ns / TICK_NS), true);
  });
  return task.memory.copyOut(addr, bytes) < 0 ? EFAULT : ticks;
});
