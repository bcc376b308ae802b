/**
 * gVisor's own statement of its support on x86-64 (pkg/sentry/syscalls/linux/linux64.go at commit 3c5eee17),
 * for the comparison column of docs/syscalls.md. A call that only ever fails, or fails for whoever
 * holds the capability, counts as "no".
 */
export type GvisorLevel = "full" | "partial" | "no";

const partial: ReadonlySet<string> = new Set(
  `
  msync mincore madvise shmget shmat shmctl clone semop getrusage sysinfo ptrace syslog personality getpriority setpriority sched_getparam
  sched_setscheduler sched_getscheduler sched_get_priority_max sched_get_priority_min mlock munlock mlockall munlockall prctl arch_prctl
  setrlimit afs_syscall futex sched_setaffinity sched_getaffinity io_setup io_destroy io_getevents io_submit io_cancel fadvise64 mbind
  set_mempolicy get_mempolicy keyctl ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch unshare fallocate inotify_init1
  sched_setattr sched_getattr bpf membarrier mlock2 preadv2 pwritev2 rseq io_uring_setup io_uring_enter move_mount fsopen fsconfig fsmount
  clone3
  `.split(/\s+/),
);

const no: ReadonlySet<string> = new Set(
  `
  setfsuid setfsgid uselib ustat sysfs sched_setparam sched_rr_get_interval vhangup modify_ldt _sysctl adjtimex acct settimeofday swapon
  swapoff reboot iopl ioperm create_module init_module delete_module get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg
  tuxcall security set_thread_area get_thread_area lookup_dcookie epoll_ctl_old epoll_wait_old remap_file_pages vserver mq_timedsend
  mq_timedreceive mq_notify mq_getsetattr kexec_load add_key request_key migrate_pages vmsplice move_pages perf_event_open fanotify_init
  fanotify_mark name_to_handle_at open_by_handle_at clock_adjtime kcmp finit_module kexec_file_load userfaultfd copy_file_range
  pkey_mprotect pkey_alloc pkey_free io_pgetevents uretprobe uprobe io_uring_register fspick openat2 process_madvise mount_setattr
  quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv
  set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr
  lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr file_setattr
  `.split(/\s+/),
);

export const gvisorLevel = (name: string): GvisorLevel => (no.has(name) ? "no" : partial.has(name) ? "partial" : "full");
