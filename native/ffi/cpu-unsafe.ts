/** Where this thread runs. */
import { allocateMemory, hostCall3, libcFunction } from "./syscall-unsafe.ts";

const SYS_sched_setaffinity = 203;
const SYS_sched_getaffinity = 204;
/** sizeof(cpu_set_t). */
const SET_BYTES = 128;
export const MAX_CPU = SET_BYTES * 8 - 1;

const getcpu = libcFunction("int sched_getcpu()");
const oneCpu = allocateMemory(SET_BYTES);
const anyCpu = allocateMemory(SET_BYTES);
let chosen = -1;

/** The CPU that this thread is on just now (through the vDSO: no system call). */
export const currentCpu = (): number => getcpu() as number;

/** This thread runs on `cpu` only. 0 or a negative errno. */
export const stayOn = (cpu: number): number => {
  if (cpu !== chosen) {
    oneCpu.u8.fill(0, 0, SET_BYTES);
    oneCpu.u8[cpu >> 3] = 1 << (cpu & 7);
    chosen = cpu;
  }
  return hostCall3(SYS_sched_setaffinity, 0, SET_BYTES, oneCpu.address);
};

/** Remembers where this thread may run. 0 or a negative errno. */
export const saveCpus = (): number => Math.min(0, hostCall3(SYS_sched_getaffinity, 0, SET_BYTES, anyCpu.address));

/** This thread may run where it could when `saveCpus` was called. 0 or a negative errno. */
export const restoreCpus = (): number => hostCall3(SYS_sched_setaffinity, 0, SET_BYTES, anyCpu.address);
