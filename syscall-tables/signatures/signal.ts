/** Signals. */
import { choice, fd, flags, inStruct, outStruct, pid, sig, signal, sigReturning, size } from "../kinds.ts";

export const signals = {
  rt_sigaction: sig(signal("sig"), inStruct("act", "sigaction", 32), outStruct("oact", "sigaction", 32), size("sigsetsize")),
  rt_sigprocmask: sig(choice("how", "sigprocmask"), inStruct("nset", "sigset", 8), outStruct("oset", "sigset", 8), size("sigsetsize")),
  rt_sigreturn: sigReturning("off"),
  rt_sigpending: sig(outStruct("uset", "sigset", 8), size("sigsetsize")),
  rt_sigtimedwait: sig(
    inStruct("uthese", "sigset", 8),
    outStruct("uinfo", "siginfo", 128),
    inStruct("uts", "timespec", 16),
    size("sigsetsize"),
  ),
  rt_sigqueueinfo: sig(pid("pid"), signal("sig"), inStruct("uinfo", "siginfo", 128)),
  rt_tgsigqueueinfo: sig(pid("tgid"), pid("pid"), signal("sig"), inStruct("uinfo", "siginfo", 128)),
  rt_sigsuspend: sig(inStruct("unewset", "sigset", 8), size("sigsetsize")),
  sigaltstack: sig(inStruct("uss", "stack_t", 24), outStruct("uoss", "stack_t", 24)),
  kill: sig(pid("pid"), signal("sig")),
  tkill: sig(pid("pid"), signal("sig")),
  tgkill: sig(pid("tgid"), pid("pid"), signal("sig")),
  pause: sig(),
  signalfd: sigReturning("fd", fd("ufd"), inStruct("user_mask", "sigset", 8), size("sizemask")),
  signalfd4: sigReturning("fd", fd("ufd"), inStruct("user_mask", "sigset", 8), size("sizemask"), flags("flags", "signalfd")),
  restart_syscall: sigReturning("off"),
} as const;
