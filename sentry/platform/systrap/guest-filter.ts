/**
 * The filter on guest threads. Outside the stub's text every system call traps. Guest code may
 * jump into the stub with any registers, so each call that is allowed there must be harmless
 * with whatever arguments pass: they change the caller's own address space, threads and fds,
 * ring the doorbell, or sleep.
 */

import { compileFilter } from "../../../native/ffi/libseccomp-unsafe.ts";
import { prependIpCheck } from "../../../native/seccomp/ip-check.ts";
import { allow, allowValues, type FilterSpec } from "../../../native/seccomp/rules.ts";
import { MAP_FIXED } from "../../../syscall-tables/flags/mm.ts";
import { PR_SET_MM, PR_SET_NAME } from "../../../syscall-tables/flags/prctl.ts";
import { FUTEX_WAIT } from "../../../syscall-tables/flags/time.ts";
import { DOORBELL_FD, FORK_FLAGS, STUB_BASE, STUB_TEXT_SIZE, THREAD_FLAGS } from "./layout.generated.ts";

/** madvise(2): what changes only the caller's own pages or hints. */
const ADVICE = [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 102, 103];

export const insideStub: FilterSpec = {
  default: "kill-process",
  rules: [
    ...allow("rt_sigreturn", "rt_sigprocmask", "sigaltstack", "munmap", "mprotect", "mremap", "exit", "exit_group", "close", "recvmsg"),
    { syscall: "mmap", args: [{ index: 3, op: "masked", mask: MAP_FIXED, value: MAP_FIXED }] },
    // Its fds are sockets, events, and files that it may map for reading.
    ...allow("pread64"),
    ...allowValues("futex", 1, [FUTEX_WAIT]),
    // What /proc shows of the caller; all of PR_SET_MM but PR_SET_MM_MAP needs a capability.
    ...allowValues("prctl", 0, [PR_SET_NAME, PR_SET_MM]),
    ...allowValues("madvise", 2, ADVICE),
    { syscall: "clone", args: [{ index: 0, op: "==", value: FORK_FLAGS }] },
    { syscall: "clone", args: [{ index: 0, op: "==", value: THREAD_FLAGS }] },
    { syscall: "write", args: [{ index: 0, op: "==", value: DOORBELL_FD }] },
  ],
};

export const compileGuestFilter = (): Uint8Array =>
  prependIpCheck(compileFilter(insideStub), STUB_BASE, STUB_BASE + STUB_TEXT_SIZE, "trap");
