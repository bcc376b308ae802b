/** inotify(7) of the host: the gofer sets watches, the sentry reads what they tell. */
import { allocateMemory, type HostMemory, hostCall3 } from "./syscall-unsafe.ts";

const SYS_read = 0;
const SYS_fchdir = 81;
const SYS_inotify_add_watch = 254;
const SYS_inotify_rm_watch = 255;
const SYS_inotify_init1 = 294;
const IN_NONBLOCK_CLOEXEC = 0o2004000;
const EVENT_SIZE = 16;
const BUFFER = 65536;

let memory: HostMemory | null = null;
const scratch = (): HostMemory => {
  memory ??= allocateMemory(BUFFER);
  return memory;
};

/** A new instance, or a negative errno. */
export const createInotify = (): number => hostCall3(SYS_inotify_init1, IN_NONBLOCK_CLOEXEC);

/**
 * Watches what `fd` refers to (O_PATH will do): a watch descriptor or a negative errno. The call takes a path only, so
 * `procFd`, the process's own /proc/self/fd, becomes its working directory.
 */
export const addInotifyWatch = (inotifyFd: number, procFd: number, fd: number, mask: number): number => {
  const error = hostCall3(SYS_fchdir, procFd);
  if (error < 0) return error;
  const { u8, address } = scratch();
  const name = String(fd);
  for (let i = 0; i < name.length; i++) u8[i] = name.charCodeAt(i);
  u8[name.length] = 0;
  return hostCall3(SYS_inotify_add_watch, inotifyFd, address, mask);
};

export const removeInotifyWatch = (inotifyFd: number, wd: number): number => hostCall3(SYS_inotify_rm_watch, inotifyFd, wd);

export type EventTaker = (wd: number, mask: number, cookie: number, name: string) => void;

/** Hands every event that is there to `take`; the number of them. */
export const readInotify = (inotifyFd: number, take: EventTaker): number => {
  const { view, u8, address } = scratch();
  let count = 0;
  for (;;) {
    const got = hostCall3(SYS_read, inotifyFd, address, BUFFER);
    if (got < EVENT_SIZE) return count;
    // `take` may read on: a copy.
    const events = u8.slice(0, got);
    const fields = new DataView(events.buffer);
    for (let at = 0; at + EVENT_SIZE <= got; ) {
      const length = fields.getUint32(at + 12, true);
      let name = "";
      for (let i = at + EVENT_SIZE; i < at + EVENT_SIZE + length && events[i] !== 0; i++) name += String.fromCharCode(events[i]);
      take(fields.getInt32(at, true), fields.getUint32(at + 4, true), fields.getUint32(at + 8, true), name);
      at += EVENT_SIZE + length;
      count++;
    }
    if (view.byteLength - got > EVENT_SIZE + 256) return count;
  }
};
