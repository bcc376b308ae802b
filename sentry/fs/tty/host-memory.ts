/** One page outside the JS heap for the arguments of host ioctls and fstat. */
import { allocateMemory, type HostMemory } from "../../../native/ffi/syscall-unsafe.ts";

let page: HostMemory | null = null;

/** For one host call at a time. */
export const hostPage = (): HostMemory => {
  page ??= allocateMemory(4096);
  return page;
};
