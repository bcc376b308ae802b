import type { Implementation } from "../implement.ts";
import { sys_adjtimex, sys_clock_adjtime } from "./adjtimex.ts";
import { sys_clock_getres, sys_clock_gettime, sys_clock_settime, sys_time } from "./clock_gettime.ts";
import { sys_gettimeofday, sys_settimeofday } from "./gettimeofday.ts";
import { sys_alarm, sys_getitimer, sys_setitimer } from "./itimer.ts";
import { sys_clock_nanosleep, sys_nanosleep } from "./nanosleep.ts";
import { sys_timer_create, sys_timer_delete, sys_timer_getoverrun, sys_timer_gettime, sys_timer_settime } from "./timer.ts";

export const timeSyscalls: Implementation[] = [
  sys_adjtimex,
  sys_alarm,
  sys_clock_adjtime,
  sys_clock_getres,
  sys_clock_gettime,
  sys_clock_nanosleep,
  sys_clock_settime,
  sys_getitimer,
  sys_gettimeofday,
  sys_nanosleep,
  sys_setitimer,
  sys_settimeofday,
  sys_time,
  sys_timer_create,
  sys_timer_delete,
  sys_timer_getoverrun,
  sys_timer_gettime,
  sys_timer_settime,
];
