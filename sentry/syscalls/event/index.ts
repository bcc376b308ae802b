import type { Implementation } from "../implement.ts";
import { sys_eventfd, sys_eventfd2 } from "./eventfd.ts";
import { sys_fanotify_init, sys_fanotify_mark } from "./fanotify.ts";
import { sys_inotify_add_watch, sys_inotify_init, sys_inotify_init1, sys_inotify_rm_watch } from "./inotify.ts";
import { sys_memfd_create, sys_memfd_secret } from "./memfd.ts";
import { sys_pidfd_getfd, sys_pidfd_open, sys_pidfd_send_signal } from "./pidfd.ts";
import { sys_signalfd, sys_signalfd4 } from "./signalfd.ts";
import { sys_timerfd_create, sys_timerfd_gettime, sys_timerfd_settime } from "./timerfd.ts";
import { sys_vhangup } from "./vhangup.ts";

export const eventSyscalls: Implementation[] = [
  sys_vhangup,
  sys_eventfd,
  sys_eventfd2,
  sys_timerfd_create,
  sys_timerfd_settime,
  sys_timerfd_gettime,
  sys_signalfd,
  sys_signalfd4,
  sys_pidfd_open,
  sys_pidfd_send_signal,
  sys_pidfd_getfd,
  sys_inotify_init,
  sys_inotify_init1,
  sys_inotify_add_watch,
  sys_inotify_rm_watch,
  sys_fanotify_init,
  sys_fanotify_mark,
  sys_memfd_create,
  sys_memfd_secret,
];
