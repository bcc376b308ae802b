/** Where this thread runs. */
import { atStart } from "../start/at-start.ts";
import { allocateMemory, type HostMemory, hostCall3, libcFunction } from "./syscall-unsafe.ts";

const SYS_sched_setaffinity = 203;
const SYS_sched_getaffinity = 204;
/** sizeof(cpu_set_t). */
const SET_BYTES = 128;
export const MAX_CPU = SET_BYTES * 8 - 1;
export const ANY_CPU = -1;

type Call = (...args: unknown[]) => unknown;
let getcpu!: Call;
let oneCpu!: HostMemory;
let anyCpu!: HostMemory;
let chosen = ANY_CPU;
let home = ANY_CPU;
let withoutOne!: HostMemory;
let masked!: HostMemory;
let without = ANY_CPU;

/** The CPU that this thread is on just now (through the vDSO: no system call). */
export const currentCpu = (): number => getcpu() as number;

/** This thread runs on `cpu` only, until `goHome`. 0 or a negative errno. */
export const stayOn = (cpu: number): number => {
  if (cpu !== chosen) {
    oneCpu.u8.fill(0, 0, SET_BYTES);
    oneCpu.u8[cpu >> 3] = 1 << (cpu & 7);
    chosen = cpu;
  }
  return hostCall3(SYS_sched_setaffinity, 0, SET_BYTES, oneCpu.address);
};

/** Remembers where this thread may run. How many CPUs that are, or a negative errno. */
export const saveCpus = (): number => {
  const bytes = hostCall3(SYS_sched_getaffinity, 0, SET_BYTES, anyCpu.address);
  let count = 0;
  for (let i = 0; i < bytes; i++) for (let bits = anyCpu.u8[i]; bits !== 0; bits &= bits - 1) count++;
  return bytes < 0 ? bytes : count;
};

/** In place of `saveCpus`, where these are known to be the ones. */
export const setCpus = (cpus: readonly number[]): void => {
  anyCpu.u8.fill(0, 0, SET_BYTES);
  for (const cpu of cpus) if (cpu <= MAX_CPU) anyCpu.u8[cpu >> 3] |= 1 << (cpu & 7);
  without = ANY_CPU;
};

/** Where `goHome` leads: one CPU, or ANY_CPU of those that `saveCpus` saw. Goes there. 0 or a negative errno. */
export const setHome = (cpu: number): number => {
  home = cpu;
  return goHome();
};

/** Whether this thread is bound to `cpu` anyway. */
export const isHome = (cpu: number): boolean => cpu === home;

/** Back to where this thread belongs after `stayOn`. 0 or a negative errno. */
export const goHome = (): number => (home === ANY_CPU ? hostCall3(SYS_sched_setaffinity, 0, SET_BYTES, anyCpu.address) : stayOn(home));

/**
 * Thread `tid` may run where this process could at `saveCpus`, but for `cpu` (ANY_CPU: everywhere). With `mask` on those of its
 * CPUs alone, `cpu` among them if there is no other. 0 or a negative errno.
 */
export const placeThread = (tid: number, cpu: number, mask: Uint32Array | null): number => {
  if (mask !== null) {
    const { u32 } = masked;
    const word = cpu >> 5;
    let others = 0;
    for (let i = 0; i < SET_BYTES / 4; i++) {
      u32[i] = (mask[i] ?? 0) & anyCpu.u32[i];
      others |= i === word ? u32[i] & ~(1 << (cpu & 31)) : u32[i];
    }
    if (cpu !== ANY_CPU && others !== 0) u32[word] &= ~(1 << (cpu & 31));
    return hostCall3(SYS_sched_setaffinity, tid, SET_BYTES, masked.address);
  }
  if (cpu === ANY_CPU) return hostCall3(SYS_sched_setaffinity, tid, SET_BYTES, anyCpu.address);
  if (cpu !== without) {
    withoutOne.u8.set(anyCpu.u8.subarray(0, SET_BYTES));
    withoutOne.u8[cpu >> 3] &= ~(1 << (cpu & 7));
    without = cpu;
  }
  return hostCall3(SYS_sched_setaffinity, tid, SET_BYTES, withoutOne.address);
};

/** A CPU that `saveCpus` saw, other than `cpu` if there is one. */
export const anotherCpu = (cpu: number): number => {
  for (let i = 0; i <= MAX_CPU; i++) if (i !== cpu && (anyCpu.u8[i >> 3] & (1 << (i & 7))) !== 0) return i;
  return cpu;
};

const CLOCK_THREAD_CPUTIME_ID = 3;
let clockGettime!: Call;
let time!: HostMemory;
atStart(() => {
  getcpu = libcFunction("int sched_getcpu()");
  oneCpu = allocateMemory(SET_BYTES);
  anyCpu = allocateMemory(SET_BYTES);
  withoutOne = allocateMemory(SET_BYTES);
  masked = allocateMemory(SET_BYTES);
  clockGettime = libcFunction("int clock_gettime(int, uintptr_t)");
  time = allocateMemory(16);
});

/** CPU time of the calling thread, ns. */
export const ownCpuNs = (): number => {
  clockGettime(CLOCK_THREAD_CPUTIME_ID, time.address);
  return (time.u32[0] + time.u32[1] * 2 ** 32) * 1e9 + time.u32[2];
};

/** CPU time of all threads of process `pid`, ns; 0 when it is gone (its CLOCK_PROCESS_CPUTIME_ID, clock_getcpuclockid(3)). */
export const processCpuNs = (pid: number): number =>
  clockGettime((~pid << 3) | 2, time.address) === 0 ? (time.u32[0] + time.u32[1] * 2 ** 32) * 1e9 + time.u32[2] : 0;
