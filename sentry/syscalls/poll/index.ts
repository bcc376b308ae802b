import type { Implementation } from "../implement.ts";
import { sys_epoll_create, sys_epoll_create1, sys_epoll_ctl } from "./epoll.ts";
import { sys_epoll_pwait, sys_epoll_pwait2, sys_epoll_wait } from "./epoll-wait.ts";
import { sys_poll, sys_ppoll } from "./poll.ts";
import { sys_pselect6, sys_select } from "./select.ts";

export const pollSyscalls: Implementation[] = [
  sys_poll,
  sys_ppoll,
  sys_select,
  sys_pselect6,
  sys_epoll_create,
  sys_epoll_create1,
  sys_epoll_ctl,
  sys_epoll_wait,
  sys_epoll_pwait,
  sys_epoll_pwait2,
];
