/** V8's own threads in this process: they collect garbage and optimise. */
import { readdirSync, readFileSync } from "node:fs";
import { allocateMemory, hostCall3, hostCall6 } from "./syscall-unsafe.ts";

const SYS_sched_setattr = 314;
const SYS_sched_getattr = 315;
/** struct sched_attr of sched_setattr(2): its size, and its members as words. */
const ATTR_BYTES = 48;
const POLICY = 1;
const RUNTIME = 6;
const SCHED_OTHER = 0;
const SCHED_BATCH = 3;

/**
 * Sentry and gofer take short turns (native/launcher/programs.c), for which they are woken in the place of whoever runs. Their helpers inherit
 * that, but nobody waits for those: they take long turns and interrupt no one. To be called while /proc is there.
 */
export const calmHelperThreads = (): void => {
  const { u32, address } = allocateMemory(4096);
  if (hostCall6(SYS_sched_getattr, 0, address, ATTR_BYTES, 0) < 0 || u32[POLICY] !== SCHED_OTHER) return;
  u32[POLICY] = SCHED_BATCH;
  u32.fill(0, RUNTIME, RUNTIME + 2);
  for (const name of readdirSync("/proc/self/task")) {
    // /proc may be of an outer pid namespace; the last number is this one's.
    const status = readFileSync(`/proc/self/task/${name}/status`, "latin1");
    const tid = Number(/^NSpid:.*\s(\d+)$/m.exec(status)?.[1]);
    if (tid !== process.pid) hostCall3(SYS_sched_setattr, tid, address, 0);
  }
};
