import { CLOCK_REALTIME } from "../../../syscall-tables/flags/time.ts";
import { EFAULT, EINVAL, EOPNOTSUPP, EPERM } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";

import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const TIMEX_SIZE = 208;
const ADJ_OFFSET_SS_READ = 0xa001;
const STA_UNSYNC = 0x40;
const TIME_ERROR = 5;

/** The state of a clock that nobody disciplines, as Linux shows it after boot. */
const readState = (task: Task, addr: UserAddr): number => {
  const modes = task.memory.loadU32(addr);
  if (modes < 0) return EFAULT;
  if (modes !== 0 && modes !== ADJ_OFFSET_SS_READ) return EPERM;
  const { clock } = task.kernel;
  clock.readRealtime();
  const bytes = new Uint8Array(TIMEX_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, modes, true);
  view.setUint32(24, 16_000_000, true); // maxerror
  view.setUint32(32, 16_000_000, true); // esterror
  view.setUint32(40, STA_UNSYNC, true);
  view.setUint32(48, 2, true); // constant
  view.setUint32(56, 1, true); // precision
  view.setUint32(64, 32_768_000, true); // tolerance
  view.setUint32(72, clock.sec >>> 0, true);
  view.setUint32(76, Math.floor(clock.sec / 2 ** 32), true);
  view.setUint32(80, Math.floor(clock.nsec / 1000), true);
  view.setUint32(88, 10_000, true); // tick
  return task.memory.copyOut(addr, bytes) < 0 ? EFAULT : TIME_ERROR;
};

/** adjtimex(2) */
export const sys_adjtimex = implement("adjtimex", { level: "full", note: "EPERM for changes even with CAP_SYS_TIME" }, readState);

/** clock_adjtime(2) */
export const sys_clock_adjtime = implement(
  "clock_adjtime",
  { level: "full", note: "EPERM for changes even with CAP_SYS_TIME" },
  (task, clock, addr) => {
    if (clock === CLOCK_REALTIME) return readState(task, addr);
    return clock >= 0 && clock <= 11 ? EOPNOTSUPP : EINVAL;
  },
);
