/** What uname(2) and /proc/version say: the Linux whose behaviour is offered. */
export const KERNEL_RELEASE = "6.8.0-moat";
export const KERNEL_VERSION = "#1 SMP PREEMPT_DYNAMIC Moat";
