/** prctl(2): how many arguments an option takes, and what its first one is. */
import {
  PR_CAPBSET_DROP,
  PR_CAPBSET_READ,
  PR_GET_CHILD_SUBREAPER,
  PR_GET_DUMPABLE,
  PR_GET_KEEPCAPS,
  PR_GET_NAME,
  PR_GET_PDEATHSIG,
  PR_GET_SECCOMP,
  PR_GET_SECUREBITS,
  PR_GET_TIMERSLACK,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_NAME,
  PR_SET_PDEATHSIG,
  PR_SET_SECUREBITS,
  PR_SET_TIMERSLACK,
} from "../../syscall-tables/flags/prctl.ts";
import type { ArgFormat } from "./arguments.ts";
import { argAddr, argI32, argU32, type Call, peekBytes } from "./call.ts";
import { hex64, latin1Bytes, pointer, quoteCString } from "./text.ts";
import { formatNamed, formatSignal } from "./words.ts";

/** TASK_COMM_LEN */
const NAME_SIZE = 16;

const NO_ARGS: ReadonlySet<number> = new Set([PR_GET_DUMPABLE, PR_GET_KEEPCAPS, PR_GET_SECCOMP, PR_GET_SECUREBITS, PR_GET_TIMERSLACK]);
const ONE_ARG: ReadonlySet<number> = new Set([
  PR_SET_NAME,
  PR_GET_NAME,
  PR_SET_PDEATHSIG,
  PR_GET_PDEATHSIG,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_SECUREBITS,
  PR_SET_TIMERSLACK,
  PR_CAPBSET_READ,
  PR_CAPBSET_DROP,
  PR_SET_CHILD_SUBREAPER,
  PR_GET_CHILD_SUBREAPER,
]);

export const prctlShown = (call: Call): readonly string[] => {
  const option = argI32(call, 0);
  if (NO_ARGS.has(option)) return ["option"];
  return ONE_ARG.has(option) ? ["option", "arg2"] : ["option", "arg2", "arg3", "arg4", "arg5"];
};

export const prctlFirst: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  switch (argI32(call, 0)) {
    case PR_SET_NAME: {
      const name = call.memory.readCString(addr, NAME_SIZE);
      const bytes = typeof name === "string" ? latin1Bytes(name) : peekBytes(call.memory, addr, NAME_SIZE - 1);
      return bytes === null ? pointer(addr) : quoteCString(bytes);
    }
    case PR_SET_PDEATHSIG:
      return formatSignal(argI32(call, index));
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
      return formatNamed("capability", argU32(call, index));
    case PR_SET_DUMPABLE:
    case PR_SET_KEEPCAPS:
    case PR_SET_CHILD_SUBREAPER:
    case PR_SET_TIMERSLACK:
      return String(argU32(call, index));
    default:
      return hex64(call.words[index * 2], call.words[index * 2 + 1]);
  }
};
