/**
 * The gofer's own system calls, once it is confined: those of gofer/server and no others.
 * It reaches files through the descriptors of its trees only, for its root is empty; it makes
 * no socket, no process and no device.
 */

import { attackRules, runtimeRules } from "../native/seccomp/host-filter.ts";
import { allow, allowValues, type FilterSpec } from "../native/seccomp/rules.ts";
import { S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK } from "../syscall-tables/flags/open.ts";

const EPERM = 1;

export const goferFilter: FilterSpec = {
  default: { errno: EPERM },
  rules: [
    ...attackRules,
    ...runtimeRules,
    ...allow("openat", "statx", "getdents64", "readlinkat", "fstatfs"),
    ...allow("mkdirat", "symlinkat", "linkat", "unlinkat", "renameat2"),
    ...[S_IFIFO, S_IFSOCK].map((value) => ({
      syscall: "mknodat" as const,
      args: [{ index: 2, op: "masked" as const, mask: S_IFMT, value }],
    })),
    // A whiteout, the device 0:0, is anybody's to make.
    {
      syscall: "mknodat",
      args: [
        { index: 2, op: "masked", mask: S_IFMT, value: S_IFCHR },
        { index: 3, op: "==", value: 0 },
      ],
    },
    ...allow("fchownat", "fchmodat", "utimensat"),
    ...allow("fgetxattr", "flistxattr", "fsetxattr", "fremovexattr"),
    // Its working directory is its own directory of fds, for calls that take a path only.
    ...allow("inotify_init1", "inotify_add_watch", "inotify_rm_watch", "fchdir"),
    // Its own place among the CPUs.
    ...allowValues("sched_setaffinity", 0, [0]),
  ],
};
