/** Clocks, timers, sleeping. */
import { choice, clock, fd, flags, inOutStruct, inStruct, int, outStruct, sig, sigReturning, uint } from "../kinds.ts";

export const time = {
  time: sigReturning("off", outStruct("tloc", "time_t", 8)),
  gettimeofday: sig(outStruct("tv", "timeval", 16), outStruct("tz", "timezone", 8)),
  settimeofday: sig(inStruct("tv", "timeval", 16), inStruct("tz", "timezone", 8)),
  adjtimex: sig(inOutStruct("txc_p", "timex", 208)),
  clock_gettime: sig(clock("which_clock"), outStruct("tp", "timespec", 16)),
  clock_settime: sig(clock("which_clock"), inStruct("tp", "timespec", 16)),
  clock_getres: sig(clock("which_clock"), outStruct("tp", "timespec", 16)),
  clock_adjtime: sig(clock("which_clock"), inOutStruct("tx", "timex", 208)),
  clock_nanosleep: sig(clock("which_clock"), flags("flags", "timer"), inStruct("rqtp", "timespec", 16), outStruct("rmtp", "timespec", 16)),
  nanosleep: sig(inStruct("rqtp", "timespec", 16), outStruct("rmtp", "timespec", 16)),
  alarm: sig(uint("seconds")),
  getitimer: sig(choice("which", "itimer"), outStruct("value", "itimerval", 32)),
  setitimer: sig(choice("which", "itimer"), inStruct("value", "itimerval", 32), outStruct("ovalue", "itimerval", 32)),
  timer_create: sig(clock("which_clock"), inStruct("timer_event_spec", "sigevent", 64), outStruct("created_timer_id", "int", 4)),
  timer_settime: sig(
    int("timer_id"),
    flags("flags", "timer"),
    inStruct("new_setting", "itimerspec", 32),
    outStruct("old_setting", "itimerspec", 32),
  ),
  timer_gettime: sig(int("timer_id"), outStruct("setting", "itimerspec", 32)),
  timer_getoverrun: sig(int("timer_id")),
  timer_delete: sig(int("timer_id")),
  timerfd_create: sigReturning("fd", clock("clockid"), flags("flags", "timerfd")),
  timerfd_settime: sig(
    fd("ufd"),
    flags("flags", "timerfd_settime"),
    inStruct("utmr", "itimerspec", 32),
    outStruct("otmr", "itimerspec", 32),
  ),
  timerfd_gettime: sig(fd("ufd"), outStruct("otmr", "itimerspec", 32)),
} as const;
