/** This process's own vDSO (vdso(7)). */
import { libcFunction, viewMemory } from "./syscall-unsafe.ts";

const AT_SYSINFO_EHDR = 33;

/** A copy of its first `length` bytes. */
export const hostVdso = (length: number): Uint8Array => {
  const getauxval = libcFunction("uintptr_t getauxval(unsigned long)") as (type: number) => number;
  return viewMemory(Number(getauxval(AT_SYSINFO_EHDR)), length).u8.slice();
};
