/** siginfo_t: which member of the union counts depends on the signal and the code. */
import { flagSets } from "../../syscall-tables/flags/index.ts";
import {
  CLD_EXITED,
  SI_QUEUE,
  SI_TIMER,
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGIO,
  SIGSEGV,
  SIGSYS,
  SIGTRAP,
} from "../../syscall-tables/flags/signal.ts";
import { addr, i32, i64, loadU64, type StructFormat } from "./fields.ts";
import { pointer } from "./text.ts";
import { formatNamed, formatSignal } from "./words.ts";

const CODES: ReadonlyMap<number, string> = new Map([
  [SIGCHLD, "sigchld_code"],
  [SIGSEGV, "sigsegv_code"],
  [SIGBUS, "sigbus_code"],
  [SIGFPE, "sigfpe_code"],
  [SIGILL, "sigill_code"],
  [SIGTRAP, "sigtrap_code"],
]);

const formatCode = (signal: number, code: number): string => {
  const own = flagSets[CODES.get(signal) ?? ""];
  const name = own?.kind === "enumeration" && code > 0 ? own.names.get(code) : undefined;
  return name ?? formatNamed("si_code", code);
};

export const siginfo: StructFormat = {
  size: 128,
  format: (view, at, call) => {
    const signal = view.getInt32(at, true);
    const errno = view.getInt32(at + 4, true);
    const code = view.getInt32(at + 8, true);
    const head = `si_signo=${formatSignal(signal)}, si_code=${formatCode(signal, code)}${errno === 0 ? "" : `, si_errno=${errno}`}`;
    const sender = `si_pid=${i32(view, at + 16, call)}, si_uid=${i32(view, at + 20, call)}`;
    if (signal === 0) return "{}";
    if (signal === SIGCHLD && code > 0) {
      const status = view.getInt32(at + 24, true);
      const ending = code === CLD_EXITED ? String(status) : formatSignal(status);
      return `{${head}, ${sender}, si_status=${ending}, si_utime=${i64(view, at + 32, call)}, si_stime=${i64(view, at + 40, call)}}`;
    }
    if (CODES.has(signal) && code > 0 && code < 0x80) return `{${head}, si_addr=${addr(view, at + 16, call)}}`;
    if (signal === SIGSYS && code > 0) {
      return `{${head}, si_call_addr=${addr(view, at + 16, call)}, si_syscall=${i32(view, at + 24, call)}}`;
    }
    if (signal === SIGIO && code > 0 && code < 0x80)
      return `{${head}, si_band=${i64(view, at + 16, call)}, si_fd=${i32(view, at + 24, call)}}`;
    const value = `si_int=${i32(view, at + 24, call)}, si_ptr=${pointer(loadU64(view, at + 24))}`;
    if (code === SI_TIMER) return `{${head}, si_timerid=${i32(view, at + 16, call)}, si_overrun=${i32(view, at + 20, call)}, ${value}}`;
    return `{${head}, ${sender}${code === SI_QUEUE ? `, ${value}` : ""}}`;
  },
};
