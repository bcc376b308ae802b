/** fcntl(2): the third argument by command. */
import {
  F_ADD_SEALS,
  F_CANCELLK,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETLEASE,
  F_GETLK,
  F_GETOWN,
  F_GETOWN_EX,
  F_GETPIPE_SZ,
  F_GETSIG,
  F_NOTIFY,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_SETFD,
  F_SETFL,
  F_SETLEASE,
  F_SETLK,
  F_SETLKW,
  F_SETOWN_EX,
  F_SETSIG,
} from "../../syscall-tables/flags/fd.ts";
import { type ArgFormat, formatStruct } from "./arguments.ts";
import { argAddr, argI32, argU32, type Call, hasSucceeded } from "./call.ts";
import { formatFd } from "./fields.ts";
import { hex, pointer } from "./text.ts";
import { formatNamed, formatSignal } from "./words.ts";

const BARE: ReadonlySet<number> = new Set([F_GETFD, F_GETFL, F_GETOWN, F_GETSIG, F_GETLEASE, F_GETPIPE_SZ, F_GET_SEALS]);
const LOCKS: ReadonlySet<number> = new Set([F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_CANCELLK]);
/** Commands whose argument, or result, is a word of these sets. */
const NAMED: ReadonlyMap<number, string> = new Map([
  [F_SETFD, "fd_flags"],
  [F_SETFL, "open"],
  [F_ADD_SEALS, "seals"],
  [F_NOTIFY, "dnotify"],
  [F_SETLEASE, "lock_type"],
  [F_GETFD, "fd_flags"],
  [F_GETFL, "open"],
  [F_GET_SEALS, "seals"],
]);

export const fcntlShown = (call: Call): readonly string[] => (BARE.has(argI32(call, 1)) ? ["fd", "cmd"] : ["fd", "cmd", "arg"]);

/** Everything else is the caller's word, to be shown even while the call sleeps (F_SETLKW). */
export const fcntlOutputs = (call: Call): readonly string[] => {
  const cmd = argI32(call, 1);
  return cmd === F_GETLK || cmd === F_OFD_GETLK || cmd === F_GETOWN_EX ? ["arg"] : [];
};

export const fcntlArg: ArgFormat = (call, index) => {
  const cmd = argI32(call, 1);
  const addr = argAddr(call, index);
  if (LOCKS.has(cmd)) return formatStruct(call, "flock", addr);
  if (cmd === F_SETOWN_EX) return formatStruct(call, "f_owner_ex", addr);
  if (cmd === F_GETOWN_EX) return hasSucceeded(call) ? formatStruct(call, "f_owner_ex", addr) : pointer(addr);
  if (cmd === F_SETSIG) return formatSignal(argI32(call, index));
  const set = NAMED.get(cmd);
  return set === undefined ? String(argI32(call, index)) : formatNamed(set, argU32(call, index));
};

export const fcntlAux = (call: Call): string | null => {
  const cmd = argI32(call, 1);
  const { result } = call;
  if (result === null || result < 0 || !BARE.has(cmd)) return null;
  if (cmd === F_GETSIG) return result === 0 ? null : formatSignal(result);
  const set = NAMED.get(cmd);
  return set === undefined || (result === 0 && cmd !== F_GETFL) ? null : `flags ${formatNamed(set, result)}`;
};

export const fcntlResult = (call: Call, result: number): string => {
  const cmd = argI32(call, 1);
  if (cmd === F_DUPFD || cmd === F_DUPFD_CLOEXEC) return formatFd(call, result);
  return cmd === F_GETFL || cmd === F_GETFD ? hex(result) : String(result);
};
