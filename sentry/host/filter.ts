/**
 * The sentry's own system calls, once it is confined. It opens nothing but its own fds anew and for reading,
 * executes nothing and makes no socket but a pair; what it holds are fds that others gave it.
 */

import { REOPEN_FLAGS } from "../../native/ffi/reopen-unsafe.ts";
import { attackRules, runtimeRules } from "../../native/seccomp/host-filter.ts";
import { type ArgumentCheck, allow, allowValues, type FilterRule, type FilterSpec } from "../../native/seccomp/rules.ts";
import { SIOCATMARK, SIOCGARP, SIOCGIFCONF } from "../../syscall-tables/flags/ioctl.ts";
import { AF_UNIX } from "../../syscall-tables/flags/socket.ts";
import { interfaceReads } from "../net/host/interface.ts";
import { hostOptions } from "../net/host/options.ts";

const EPERM = 1;

/** Open file description locks on donated fds. */
const OFD_LOCKS = [36, 37, 38];

/** The caller's terminal (ioctl_tty(2)): modes, size, queues, break, foreground group. */
const terminalRequests = [
  0x5401, 0x5402, 0x5403, 0x5404, 0x5405, 0x5406, 0x5407, 0x5408, 0x5409, 0x540a, 0x540b, 0x540f, 0x5411, 0x5413, 0x5414, 0x541b, 0x5421,
  0x5422, 0x5425, 0x5427, 0x5428, 0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d,
];

const baseFilter: FilterSpec = {
  default: { errno: EPERM },
  rules: [
    ...attackRules,
    ...runtimeRules,
    ...allowValues("fcntl", 1, OFD_LOCKS),
    ...allow("flock"),
    ...allowValues("ioctl", 1, terminalRequests),
    ...allowValues("socketpair", 0, [AF_UNIX]),
    // Guest processes: their memory, their threads.
    ...allow("process_vm_readv", "process_vm_writev", "tgkill", "kill", "sched_setaffinity", "sched_setscheduler"),
    ...allow(
      "pipe2",
      "timerfd_create",
      "timerfd_gettime",
      "copy_file_range",
      "fadvise64",
      "readahead",
      "cachestat",
      "fstatfs",
      "sync",
      "syncfs",
    ),
    ...allow("shutdown", "getsockopt", "recvfrom", "sendto"),
    // Limits are asked, not set.
    { syscall: "prlimit64", args: [{ index: 2, op: "==", value: 0 }] },
  ],
};

/** With sockets of the host's network: calls on them, options as listed, and no way to make one. */
const hostNetworkRules = (): FilterRule[] => [
  ...allow("connect", "bind", "listen", "accept4", "getsockname", "getpeername"),
  ...allowValues("ioctl", 1, [SIOCATMARK, SIOCGIFCONF, SIOCGARP, ...interfaceReads]),
  ...hostOptions.flatMap(([level, names]) =>
    names.map((name): FilterRule => ({ syscall: "setsockopt", args: [int(1, level), int(2, name)] })),
  ),
];

const int = (index: number, value: number): ArgumentCheck => ({ index, op: "masked", mask: 0xffff_ffff, value });

/** Its own fds anew, for reading; `ownFds` is the directory of them (native/ffi/reopen-unsafe.ts). */
const reopenRule = (ownFds: number): FilterRule => ({ syscall: "openat", args: [int(0, ownFds), int(2, REOPEN_FLAGS)] });

export const sentryFilter = (network: "none" | "host", ownFds: number): FilterSpec => {
  const rules = [...baseFilter.rules, reopenRule(ownFds)];
  return { ...baseFilter, rules: network === "host" ? [...rules, ...hostNetworkRules()] : rules };
};
