/** futex(2): which words count depends on the operation. */
import {
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_CMD_MASK,
  FUTEX_CMP_REQUEUE,
  FUTEX_CMP_REQUEUE_PI,
  FUTEX_FD,
  FUTEX_LOCK_PI,
  FUTEX_LOCK_PI2,
  FUTEX_PRIVATE_FLAG,
  FUTEX_REQUEUE,
  FUTEX_TRYLOCK_PI,
  FUTEX_UNLOCK_PI,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAIT_REQUEUE_PI,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
  futexFlags,
} from "../../syscall-tables/flags/time.ts";
import { type ArgFormat, formatStruct } from "./arguments.ts";
import { argAddr, argU32, type Call } from "./call.ts";
import { hex } from "./text.ts";
import { formatFlags } from "./words.ts";

const SHOWN: ReadonlyMap<number, readonly string[]> = new Map([
  [FUTEX_WAIT, ["uaddr", "op", "val", "timeout"]],
  [FUTEX_WAKE, ["uaddr", "op", "val"]],
  [FUTEX_FD, ["uaddr", "op", "val"]],
  [FUTEX_REQUEUE, ["uaddr", "op", "val", "timeout", "uaddr2"]],
  [FUTEX_LOCK_PI, ["uaddr", "op", "timeout"]],
  [FUTEX_LOCK_PI2, ["uaddr", "op", "timeout"]],
  [FUTEX_UNLOCK_PI, ["uaddr", "op"]],
  [FUTEX_TRYLOCK_PI, ["uaddr", "op"]],
  [FUTEX_WAIT_BITSET, ["uaddr", "op", "val", "timeout", "val3"]],
  [FUTEX_WAKE_BITSET, ["uaddr", "op", "val", "val3"]],
  [FUTEX_WAIT_REQUEUE_PI, ["uaddr", "op", "val", "timeout", "uaddr2"]],
]);
const ALL = ["uaddr", "op", "val", "timeout", "uaddr2", "val3"];
/** The timeout's register holds val2, a count. */
const HAS_VAL2: ReadonlySet<number> = new Set([FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_CMP_REQUEUE_PI, FUTEX_WAKE_OP]);

const command = (call: Call): number => argU32(call, 1) & FUTEX_CMD_MASK;

export const futexShown = (call: Call): readonly string[] => SHOWN.get(command(call)) ?? ALL;

/** <linux/futex.h> names the private operations FUTEX_*_PRIVATE. */
export const futexOp: ArgFormat = (call, index) => {
  const op = argU32(call, index);
  const [name, ...rest] = formatFlags(futexFlags, (op & ~FUTEX_PRIVATE_FLAG) >>> 0).split("|");
  return [(op & FUTEX_PRIVATE_FLAG) === 0 ? name : `${name}_PRIVATE`, ...rest].join("|");
};

export const futexTimeout: ArgFormat = (call, index) =>
  HAS_VAL2.has(command(call)) ? String(argU32(call, index)) : formatStruct(call, "timespec", argAddr(call, index));

export const futexVal3: ArgFormat = (call, index) => {
  const value = argU32(call, index);
  return value === FUTEX_BITSET_MATCH_ANY ? "FUTEX_BITSET_MATCH_ANY" : hex(value);
};
