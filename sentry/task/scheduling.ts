/** Scheduling attributes (sched(7)). They are kept and shown; the host schedules guest threads by its own, on the CPUs of their affinity. */
import { SCHED_NORMAL } from "../../syscall-tables/flags/process.ts";

export class Scheduling {
  policy = SCHED_NORMAL;
  /** 1..99 for SCHED_FIFO and SCHED_RR. */
  priority = 0;
  nice = 0;
  isResetOnFork = false;
  /** Bit per CPU, in words of 32. Null: every CPU. */
  affinity: Uint32Array | null = null;
  /** ioprio_set(2); 0: not set. */
  ioPriority = 0;
  /** SCHED_DEADLINE's runtime, deadline and period in ns. */
  runtimeNs = 0;
  deadlineNs = 0;
  periodNs = 0;

  /** A child's attributes (sched_fork). */
  inherit(parent: Scheduling): void {
    this.policy = parent.policy;
    this.priority = parent.priority;
    this.nice = parent.nice;
    this.affinity = parent.affinity;
    this.ioPriority = parent.ioPriority;
    this.runtimeNs = parent.runtimeNs;
    this.deadlineNs = parent.deadlineNs;
    this.periodNs = parent.periodNs;
    if (!parent.isResetOnFork) return;
    if (parent.policy !== SCHED_NORMAL) {
      this.policy = SCHED_NORMAL;
      this.priority = 0;
    }
    if (parent.nice < 0) this.nice = 0;
  }
}
