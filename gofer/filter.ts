/** The gofer's system calls, once it is confined: files below the trees it was given, by fd, and its channel. */
import { attackRules, runtimeRules } from "../native/seccomp/host-filter.ts";
import { allow, allowValues, type FilterRule, type FilterSpec, type SyscallName } from "../native/seccomp/rules.ts";

const EPERM = 1;
const AT_FDCWD_LOW = 0xffff_ff9c;
const FICLONE = 0x4004_9409;
const FICLONERANGE = 0x4020_940d;

/** Path calls, only relative to an fd: the argument is a real descriptor, never AT_FDCWD (an int, so its low half counts). */
const beneathFd = (syscall: SyscallName, ...fdArguments: number[]): FilterRule => ({
  syscall,
  args: fdArguments.map((index) => ({ index, op: "<", value: AT_FDCWD_LOW })),
});

export const goferFilter: FilterSpec = {
  default: { errno: EPERM },
  rules: [
    ...attackRules,
    ...runtimeRules,
    ...(
      [
        "openat",
        "openat2",
        "newfstatat",
        "statx",
        "readlinkat",
        "mkdirat",
        "mknodat",
        "unlinkat",
        "fchmodat",
        "fchownat",
        "faccessat2",
      ] as const
    ).map((syscall) => beneathFd(syscall, 0)),
    beneathFd("symlinkat", 1),
    beneathFd("utimensat", 0),
    beneathFd("linkat", 0, 2),
    beneathFd("renameat2", 0, 2),
    ...allow(
      "fchmod",
      "fchown",
      "fstatfs",
      "getdents64",
      "fgetxattr",
      "fsetxattr",
      "flistxattr",
      "fremovexattr",
      "copy_file_range",
      "umask",
    ),
    ...allowValues("ioctl", 1, [FICLONE, FICLONERANGE]),
    // RLIMIT_NOFILE is raised at the start; from here on it is only asked.
    { syscall: "prlimit64", args: [{ index: 2, op: "==", value: 0 }] },
  ],
};
