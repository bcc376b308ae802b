/** A notice of cgroup v1 when memory has run out (Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control"). */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { hostCall3 } from "./syscall-unsafe.ts";

const SYS_eventfd2 = 290;
const EFD_CLOEXEC_NONBLOCK = 0x80800;

/** An eventfd that counts. Throws where the cgroup cannot tell. */
export const openOomNotice = (memoryDirectory: string): number => {
  const eventFd = hostCall3(SYS_eventfd2, 0, EFD_CLOEXEC_NONBLOCK);
  if (eventFd < 0) throw new Error(`eventfd: errno ${-eventFd}`);
  const oomControl = openSync(`${memoryDirectory}/memory.oom_control`, "r");
  const registration = openSync(`${memoryDirectory}/cgroup.event_control`, "w");
  writeSync(registration, `${eventFd} ${oomControl}`);
  closeSync(registration);
  closeSync(oomControl);
  return eventFd;
};

/** True when there was a notice since the last time. */
export const takeOomNotice = (eventFd: number): boolean => {
  try {
    return readSync(eventFd, Buffer.alloc(8)) === 8;
  } catch {
    // EAGAIN
    return false;
  }
};
