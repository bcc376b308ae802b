import { ARCH_GET_CPUID, ARCH_GET_FS, ARCH_GET_GS, ARCH_SET_CPUID, ARCH_SET_FS, ARCH_SET_GS } from "../../../syscall-tables/flags/prctl.ts";
import { EINVAL, ENODEV, EPERM } from "../../abi/errno.ts";
import { USER_ADDR_LIMIT } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** do_arch_prctl_64 for `target`, whom `task` is or traces: values go to `task`'s memory. */
export const archPrctl = (task: Task, target: Task, option: number, addr: number): number => {
  const { regs } = target.thread;
  switch (option) {
    case ARCH_SET_FS:
      if (addr >= USER_ADDR_LIMIT) return EPERM;
      regs.fsBase = addr;
      return 0;
    case ARCH_SET_GS:
      if (addr >= USER_ADDR_LIMIT) return EPERM;
      regs.gsBase = addr;
      return 0;
    case ARCH_GET_FS:
      return task.memory.storeU64(addr, regs.fsBase);
    case ARCH_GET_GS:
      return task.memory.storeU64(addr, regs.gsBase);
    case ARCH_GET_CPUID:
      return 1;
    case ARCH_SET_CPUID:
      return ENODEV;
    default:
      return EINVAL;
  }
};

/** arch_prctl(2) */
export const sys_arch_prctl = implement(
  "arch_prctl",
  { level: "partial", note: "no ARCH_GET_XCOMP_* and no shadow stacks" },
  (task, option, addr) => archPrctl(task, task, option, addr),
);
