import type { Implementation } from "../implement.ts";
import { sys_kill, sys_tgkill, sys_tkill } from "./kill.ts";
import { sys_restart_syscall } from "./restart_syscall.ts";
import { sys_rt_sigaction } from "./rt_sigaction.ts";
import { sys_rt_sigpending, sys_rt_sigprocmask } from "./rt_sigprocmask.ts";
import { sys_rt_sigqueueinfo, sys_rt_tgsigqueueinfo } from "./rt_sigqueueinfo.ts";
import { sys_rt_sigreturn } from "./rt_sigreturn.ts";
import { sys_pause, sys_rt_sigsuspend } from "./rt_sigsuspend.ts";
import { sys_rt_sigtimedwait } from "./rt_sigtimedwait.ts";
import { sys_sigaltstack } from "./sigaltstack.ts";

export const signalSyscalls: Implementation[] = [
  sys_kill,
  sys_pause,
  sys_restart_syscall,
  sys_rt_sigaction,
  sys_rt_sigpending,
  sys_rt_sigprocmask,
  sys_rt_sigqueueinfo,
  sys_rt_sigreturn,
  sys_rt_sigsuspend,
  sys_rt_sigtimedwait,
  sys_rt_tgsigqueueinfo,
  sys_sigaltstack,
  sys_tgkill,
  sys_tkill,
];
