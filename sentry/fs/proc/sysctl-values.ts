/** The knobs that /proc/sys shows by itself; other parts add or replace some through `sysctls`. */

import { CAP_LAST_CAP } from "../../abi/capability.ts";
import { EINVAL } from "../../abi/errno.ts";
import { KERNEL_RELEASE, KERNEL_VERSION } from "../../task/kernel-version.ts";
import { PID_MAX } from "../../task/pid-namespace.ts";
import type { Procfs } from "./procfs.ts";
import type { Sysctl } from "./registries.ts";
import { switches } from "./sysctl-switches.ts";

/** Directories that may be empty; a slash at the end. */
export const sysctlDirectories: readonly string[] = ["debug/", "dev/", "fs/binfmt_misc/", "abi/"];

/** __NEW_UTS_LEN */
const UTS_LENGTH = 64;
const FILE_MAX = "9223372036854775807";

/** Values that nothing here changes, by path; as on a machine of a few GiB. */
const CONSTANTS: Readonly<Record<string, string | number>> = {
  "abi/vsyscall32": 1,
  "debug/exception-trace": 1,
  "fs/aio-max-nr": 65_536,
  "fs/aio-nr": 0,
  "fs/dentry-state": "0\t0\t45\t0\t0\t0",
  "fs/dir-notify-enable": 1,
  "fs/epoll/max_user_watches": 1_048_576,
  "fs/fanotify/max_queued_events": 16_384,
  "fs/fanotify/max_user_groups": 128,
  "fs/fanotify/max_user_marks": 1_048_576,
  "fs/file-max": FILE_MAX,
  "fs/inode-nr": "0\t0",
  "fs/inode-state": "0\t0\t0\t0\t0\t0\t0",
  "fs/inotify/max_queued_events": 16_384,
  "fs/inotify/max_user_instances": 128,
  "fs/inotify/max_user_watches": 1_048_576,
  "fs/mount-max": 100_000,
  "fs/nr_open": 1_048_576,
  "fs/overflowgid": 65_534,
  "fs/overflowuid": 65_534,
  "fs/pipe-max-size": 1_048_576,
  "fs/pipe-user-pages-hard": 0,
  "fs/pipe-user-pages-soft": 16_384,
  "fs/suid_dumpable": 0,
  "kernel/arch": "x86_64",
  "kernel/cap_last_cap": CAP_LAST_CAP,
  "kernel/core_pattern": "core",
  "kernel/core_pipe_limit": 0,
  "kernel/core_uses_pid": 0,
  "kernel/ctrl-alt-del": 0,
  "kernel/dmesg_restrict": 1,
  "kernel/keys/gc_delay": 300,
  "kernel/keys/maxkeys": 200,
  "kernel/keys/maxbytes": 20_000,
  "kernel/kptr_restrict": 1,
  "kernel/ngroups_max": 65_536,
  "kernel/osrelease": "",
  "kernel/ostype": "Linux",
  "kernel/overflowgid": 65_534,
  "kernel/overflowuid": 65_534,
  "kernel/panic": 0,
  "kernel/panic_on_oops": 0,
  "kernel/perf_event_paranoid": 4,
  "kernel/pid_max": PID_MAX,
  "kernel/print-fatal-signals": 0,
  "kernel/printk": "4\t4\t1\t7",
  "kernel/pty/max": 4096,
  "kernel/pty/nr": 0,
  "kernel/pty/reserve": 1024,
  "kernel/random/entropy_avail": 256,
  "kernel/random/poolsize": 256,
  "kernel/random/urandom_min_reseed_secs": 60,
  "kernel/random/write_wakeup_threshold": 256,
  "kernel/randomize_va_space": 2,
  "kernel/sched_rr_timeslice_ms": 100,
  "kernel/sched_rt_period_us": 1_000_000,
  "kernel/sched_rt_runtime_us": 950_000,
  "kernel/seccomp/actions_avail": "kill_process kill_thread trap errno user_notif trace log allow",
  "kernel/seccomp/actions_logged": "kill_process kill_thread trap errno user_notif trace log",
  "kernel/sysctl_writes_strict": 1,
  "kernel/tainted": 0,
  "kernel/threads-max": 192_730,
  "kernel/unprivileged_bpf_disabled": 2,
  "kernel/version": "",
  "user/max_cgroup_namespaces": 96_365,
  "user/max_ipc_namespaces": 96_365,
  "user/max_mnt_namespaces": 96_365,
  "user/max_net_namespaces": 96_365,
  "user/max_pid_namespaces": 96_365,
  "user/max_time_namespaces": 96_365,
  "user/max_user_namespaces": 96_365,
  "user/max_uts_namespaces": 96_365,
  "vm/dirty_background_ratio": 10,
  "vm/dirty_ratio": 20,
  "vm/legacy_va_layout": 0,
  "vm/max_map_count": 65_530,
  "vm/memfd_noexec": 0,
  "vm/min_free_kbytes": 67_584,
  "vm/mmap_min_addr": 65_536,
  "vm/mmap_rnd_bits": 28,
  "vm/nr_hugepages": 0,
  "vm/oom_kill_allocating_task": 0,
  "vm/overcommit_kbytes": 0,
  "vm/overcommit_memory": 0,
  "vm/overcommit_ratio": 50,
  "vm/page-cluster": 3,
  "vm/panic_on_oom": 0,
  "vm/swappiness": 60,
  "vm/unprivileged_userfaultfd": 0,
  "vm/vfs_cache_pressure": 100,
};

const constant = (value: string | number): Sysctl => ({ read: () => `${value}\n` });

/** RFC 4122, version 4, from the kernel's random bytes. */
const randomUuid = (fs: Procfs): string => {
  const bytes = new Uint8Array(16);
  fs.kernel.random(bytes, 0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Buffer.from(bytes).toString("hex");
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join("-");
};

const tables = new WeakMap<Procfs["kernel"], Map<string, Sysctl>>();

/** The knobs of one kernel, by path. */
export const defaultSysctls = (fs: Procfs): ReadonlyMap<string, Sysctl> => {
  let table = tables.get(fs.kernel);
  if (table !== undefined) return table;
  table = new Map(Object.entries(CONSTANTS).map(([path, value]) => [path, constant(value)]));
  for (const [path, knob] of switches) table.set(path, knob);
  const { facts, kernel } = fs;
  const bootId = randomUuid(fs);
  table.set("kernel/osrelease", constant(KERNEL_RELEASE));
  table.set("kernel/version", constant(KERNEL_VERSION));
  table.set("kernel/random/boot_id", constant(bootId));
  table.set("kernel/random/uuid", { read: () => `${randomUuid(fs)}\n` });
  table.set("kernel/ns_last_pid", { read: (task) => `${task.pidNamespace.lastPid}\n` });
  table.set("kernel/threads-max", constant(Math.max(20, Math.floor(facts.memTotalBytes / 131_072))));
  table.set("fs/file-nr", { read: () => `${openFiles(fs)}\t0\t${FILE_MAX}\n` });
  table.set("kernel/hostname", {
    read: (task) => `${task.uts.hostname}\n`,
    write: (value, task) => {
      if (value.length > UTS_LENGTH) return EINVAL;
      task.uts.hostname = value;
      return 0;
    },
  });
  table.set("kernel/domainname", {
    read: (task) => `${task.uts.domainname}\n`,
    write: (value, task) => {
      if (value.length > UTS_LENGTH) return EINVAL;
      task.uts.domainname = value;
      return 0;
    },
  });
  tables.set(kernel, table);
  return table;
};

const openFiles = (fs: Procfs): number => {
  let count = 0;
  for (const process of fs.kernel.pids.processes()) for (const _fd of process.leader.files.fds()) count++;
  return count;
};
