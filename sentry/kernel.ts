/** The guest kernel: the roots of all its state. One per sandbox. */

import type { Log } from "./host/log.ts";
import type { Clock } from "./loop/clock.ts";
import type { HostPoller } from "./loop/host-poller.ts";
import type { TimerWheel } from "./loop/timers.ts";
import type { Platform } from "./platform/platform.ts";
import type { PidNamespace } from "./task/pid-namespace.ts";
import type { Task } from "./task/task.ts";
import type { Vfs } from "./vfs/vfs.ts";

export interface Kernel {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  /** Readiness of host fds (stdio, ttys, host sockets). */
  readonly hostPoller: HostPoller;
  readonly pids: PidNamespace;
  readonly vfs: Vfs;
  readonly log: Log;
  /** uname(2) and /proc/sys/kernel. */
  hostname: string;
  domainname: string;
  /** Wakes the loop for `task`: its op is stepped again. */
  schedule(task: Task): void;
  /** Bytes of host randomness. */
  random(target: Uint8Array, at: number, length: number): void;
}
