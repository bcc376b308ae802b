/** Which guest threads live in a host process: a vfork child's task shares one with its parent. */
import type { GuestProcess, GuestThread } from "../platform/platform.ts";

const counts = new WeakMap<GuestProcess, number>();

/** A guest thread gets its task. */
export const enterHostProcess = (thread: GuestThread): void => {
  counts.set(thread.process, hostThreadCount(thread.process) + 1);
};

export const hostThreadCount = (process: GuestProcess): number => counts.get(process) ?? 0;

/** A stopped guest thread is given up: it ends, and with the last one its host process. */
export const leaveHostProcess = (thread: GuestThread): void => {
  if (forgetHostThread(thread) === 0) thread.process.kill();
  else thread.exitThread();
};

/** The same for a thread that dies with its host process; returns how many are left. */
export const forgetHostThread = (thread: GuestThread): number => {
  const left = Math.max(0, hostThreadCount(thread.process) - 1);
  counts.set(thread.process, left);
  return left;
};
