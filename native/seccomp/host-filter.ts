/** What sentry and gofer have in common: the calls that Node, V8 and the C library make once all is loaded. */
import { MAP_ANONYMOUS, PROT_EXEC } from "../../syscall-tables/flags/mm.ts";
import { allow, allowValues, type FilterRule } from "./rules.ts";

/** Calls that never happen by mistake: whoever makes one has taken over the process. */
export const attackRules: readonly FilterRule[] = (
  [
    "execve",
    "execveat",
    "ptrace",
    "mount",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "bpf",
    "init_module",
    "finit_module",
    "kexec_load",
  ] as const
).map((syscall) => ({ syscall, action: "kill-process" }));

export const runtimeRules: readonly FilterRule[] = [
  ...allow(
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "lseek",
    "close",
    "fstat",
  ),
  ...allow("poll", "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "timerfd_settime"),
  ...allow("sendmsg", "recvmsg", "memfd_create", "ftruncate", "fallocate", "fsync", "fdatasync", "sync_file_range"),
  // V8 compiles: it maps and protects executable memory, but never a file's.
  { syscall: "mmap", args: [{ index: 2, op: "masked", mask: PROT_EXEC, value: 0 }] },
  { syscall: "mmap", args: [{ index: 3, op: "masked", mask: MAP_ANONYMOUS, value: MAP_ANONYMOUS }] },
  ...allow("munmap", "mprotect", "mremap", "madvise", "brk", "membarrier", "rseq", "pkey_mprotect", "pkey_alloc", "pkey_free"),
  ...allow("futex", "sched_yield", "sched_getaffinity", "getcpu", "set_robust_list", "get_robust_list", "restart_syscall", "pause"),
  // Locks of newer V8s ask how their thread is scheduled (pthread_getschedparam), and complain on standard error when refused.
  ...allow("sched_getscheduler", "sched_getparam"),
  ...allow("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "getrandom"),
  ...allow("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "exit", "exit_group"),
  ...allow("getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getrusage"),
  ...allow("dup", "dup2", "dup3"),
  // F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS: no owner, no lease.
  ...allowValues("fcntl", 1, [0, 1, 2, 3, 4, 1030, 1031, 1032, 1033, 1034]),
];
