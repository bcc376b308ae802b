import { ENOSYS } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

/**
 * rseq(2) needs help of the scheduler that a user-space kernel cannot give, and the host's own belongs to a host thread, which runs
 * any guest thread of the process (ADR 12): its CPU number and its aborts would go to the wrong one. glibc goes on without.
 */
export const sys_rseq = implement("rseq", { level: "partial", note: "ENOSYS, as on kernels before 4.18" }, () => ENOSYS);

/** set_thread_area(2), get_thread_area(2): 32-bit programs only. */
export const sys_set_thread_area = implement("set_thread_area", { level: "full" }, () => ENOSYS);
export const sys_get_thread_area = implement("get_thread_area", { level: "full" }, () => ENOSYS);
