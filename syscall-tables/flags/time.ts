/** Clocks, timers and futexes: clock_gettime(2), timer_create(2), timerfd_create(2), futex(2). */
import { enumeration, flagSet } from "./flag-set.ts";

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_MONOTONIC_RAW = 4;
export const CLOCK_REALTIME_COARSE = 5;
export const CLOCK_MONOTONIC_COARSE = 6;
export const CLOCK_BOOTTIME = 7;
export const CLOCK_REALTIME_ALARM = 8;
export const CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_SGI_CYCLE = 10;
export const CLOCK_TAI = 11;
export const clockNames = enumeration({
  CLOCK_REALTIME,
  CLOCK_MONOTONIC,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_THREAD_CPUTIME_ID,
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME_COARSE,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_BOOTTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_SGI_CYCLE,
  CLOCK_TAI,
});

export const TIMER_ABSTIME = 0x1;
export const timerFlags = flagSet("ignored", { TIMER_ABSTIME });

export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;
export const itimerNames = enumeration({ ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF });

export const TFD_NONBLOCK = 0o4000;
export const TFD_CLOEXEC = 0o2000000;
export const timerfdFlags = flagSet("EINVAL", { TFD_NONBLOCK, TFD_CLOEXEC });

export const TFD_TIMER_ABSTIME = 0x1;
export const TFD_TIMER_CANCEL_ON_SET = 0x2;
export const timerfdSettimeFlags = flagSet("EINVAL", { TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET });

export const FUTEX_CMD_MASK = 0x7f;
export const FUTEX_WAIT = 0;
export const FUTEX_WAKE = 1;
export const FUTEX_FD = 2;
export const FUTEX_REQUEUE = 3;
export const FUTEX_CMP_REQUEUE = 4;
export const FUTEX_WAKE_OP = 5;
export const FUTEX_LOCK_PI = 6;
export const FUTEX_UNLOCK_PI = 7;
export const FUTEX_TRYLOCK_PI = 8;
export const FUTEX_WAIT_BITSET = 9;
export const FUTEX_WAKE_BITSET = 10;
export const FUTEX_WAIT_REQUEUE_PI = 11;
export const FUTEX_CMP_REQUEUE_PI = 12;
export const FUTEX_LOCK_PI2 = 13;
export const FUTEX_PRIVATE_FLAG = 128;
export const FUTEX_CLOCK_REALTIME = 256;
export const futexFlags = flagSet(
  "ENOSYS",
  { FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME },
  {
    fields: [
      {
        mask: FUTEX_CMD_MASK,
        names: {
          FUTEX_WAIT,
          FUTEX_WAKE,
          FUTEX_FD,
          FUTEX_REQUEUE,
          FUTEX_CMP_REQUEUE,
          FUTEX_WAKE_OP,
          FUTEX_LOCK_PI,
          FUTEX_UNLOCK_PI,
          FUTEX_TRYLOCK_PI,
          FUTEX_WAIT_BITSET,
          FUTEX_WAKE_BITSET,
          FUTEX_WAIT_REQUEUE_PI,
          FUTEX_CMP_REQUEUE_PI,
          FUTEX_LOCK_PI2,
        },
      },
    ],
  },
);

export const FUTEX_WAITERS = 0x80000000;
export const FUTEX_OWNER_DIED = 0x40000000;
export const FUTEX_TID_MASK = 0x3fffffff;
export const FUTEX_BITSET_MATCH_ANY = 0xffffffff;

export const FUTEX2_SIZE_MASK = 0x3;
export const FUTEX2_SIZE_U8 = 0x0;
export const FUTEX2_SIZE_U16 = 0x1;
export const FUTEX2_SIZE_U32 = 0x2;
export const FUTEX2_SIZE_U64 = 0x3;
export const FUTEX2_NUMA = 0x4;
export const FUTEX2_MPOL = 0x8;
export const FUTEX2_PRIVATE = 0x80;
export const futex2Flags = flagSet(
  "EINVAL",
  { FUTEX2_NUMA, FUTEX2_MPOL, FUTEX2_PRIVATE },
  { fields: [{ mask: FUTEX2_SIZE_MASK, names: { FUTEX2_SIZE_U8, FUTEX2_SIZE_U16, FUTEX2_SIZE_U32, FUTEX2_SIZE_U64 } }] },
);
