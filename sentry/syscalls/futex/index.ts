import type { Implementation } from "../implement.ts";
import { sys_futex } from "./futex.ts";
import { sys_futex_requeue, sys_futex_wait, sys_futex_waitv, sys_futex_wake } from "./futex2.ts";
import { sys_get_robust_list, sys_set_robust_list } from "./robust_list.ts";

export const futexSyscalls: Implementation[] = [
  sys_futex,
  sys_futex_requeue,
  sys_futex_wait,
  sys_futex_waitv,
  sys_futex_wake,
  sys_get_robust_list,
  sys_set_robust_list,
];
