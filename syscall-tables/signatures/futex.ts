/** Futexes. */
import { addr, choice, clock, flags, futexWord, inArray, inStruct, int, sig, uint, ulong } from "../kinds.ts";

export const futex = {
  // val2 shares the register of the timeout; which it is depends on op, so the word is not decoded here.
  futex: sig(futexWord("uaddr", "op"), choice("op", "futex"), uint("val"), addr("timeout"), addr("uaddr2"), uint("val3")),
  futex_waitv: sig(
    inArray("waiters", "futex_waitv", 24, "nr_futexes"),
    uint("nr_futexes"),
    flags("flags", "none"),
    inStruct("timeout", "timespec", 16),
    clock("clockid"),
  ),
  futex_wake: sig(addr("uaddr"), ulong("mask"), int("nr"), flags("flags", "futex2")),
  futex_wait: sig(
    addr("uaddr"),
    ulong("val"),
    ulong("mask"),
    flags("flags", "futex2"),
    inStruct("timeout", "timespec", 16),
    clock("clockid"),
  ),
  futex_requeue: sig(inStruct("waiters", "futex_waitv[2]", 48), flags("flags", "none"), int("nr_wake"), int("nr_requeue")),
} as const;
