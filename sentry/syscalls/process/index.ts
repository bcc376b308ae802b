import type { Implementation } from "../implement.ts";
import { sys_get_thread_area, sys_rseq, sys_set_thread_area } from "./absent.ts";
import { sys_getcpu, sys_sched_getaffinity, sys_sched_setaffinity } from "./affinity.ts";
import { sys_arch_prctl } from "./arch_prctl.ts";
import { sys_clone, sys_fork, sys_vfork } from "./clone.ts";
import { sys_clone3 } from "./clone3.ts";
import { sys_exit, sys_exit_group } from "./exit.ts";
import { sys_getpid, sys_getppid, sys_gettid, sys_set_tid_address } from "./getpid.ts";
import { sys_kcmp } from "./kcmp.ts";
import { sys_personality } from "./personality.ts";
import { sys_getpgid, sys_getpgrp, sys_setpgid } from "./pgid.ts";
import { sys_prctl } from "./prctl.ts";
import { sys_getpriority, sys_ioprio_get, sys_ioprio_set, sys_setpriority } from "./priority.ts";
import { sys_ptrace } from "./ptrace.ts";
import { sys_getrlimit, sys_prlimit64, sys_setrlimit } from "./rlimit.ts";
import { sys_getrusage, sys_times } from "./rusage.ts";
import {
  sys_sched_get_priority_max,
  sys_sched_get_priority_min,
  sys_sched_getparam,
  sys_sched_getscheduler,
  sys_sched_rr_get_interval,
  sys_sched_setparam,
  sys_sched_setscheduler,
  sys_sched_yield,
} from "./sched.ts";
import { sys_sched_getattr, sys_sched_setattr } from "./sched_attr.ts";
import { sys_seccomp } from "./seccomp.ts";
import { sys_setns } from "./setns.ts";
import { sys_getsid, sys_setsid } from "./setsid.ts";
import { sys_unshare } from "./unshare.ts";
import { sys_wait4 } from "./wait4.ts";
import { sys_waitid } from "./waitid.ts";

export const processSyscalls: Implementation[] = [
  sys_arch_prctl,
  sys_clone,
  sys_clone3,
  sys_exit,
  sys_exit_group,
  sys_fork,
  sys_get_thread_area,
  sys_getcpu,
  sys_getpgid,
  sys_getpgrp,
  sys_getpid,
  sys_getppid,
  sys_getpriority,
  sys_getrlimit,
  sys_getrusage,
  sys_getsid,
  sys_gettid,
  sys_ioprio_get,
  sys_ioprio_set,
  sys_kcmp,
  sys_personality,
  sys_prctl,
  sys_prlimit64,
  sys_ptrace,
  sys_rseq,
  sys_sched_get_priority_max,
  sys_sched_get_priority_min,
  sys_sched_getaffinity,
  sys_sched_getattr,
  sys_sched_getparam,
  sys_sched_getscheduler,
  sys_sched_rr_get_interval,
  sys_sched_setaffinity,
  sys_sched_setattr,
  sys_sched_setparam,
  sys_sched_setscheduler,
  sys_sched_yield,
  sys_seccomp,
  sys_set_thread_area,
  sys_set_tid_address,
  sys_setns,
  sys_setpgid,
  sys_setpriority,
  sys_setrlimit,
  sys_setsid,
  sys_times,
  sys_unshare,
  sys_vfork,
  sys_wait4,
  sys_waitid,
];
