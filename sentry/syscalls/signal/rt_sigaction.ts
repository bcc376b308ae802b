import {
  SA_EXPOSE_TAGBITS,
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_RESTORER,
  SA_SIGINFO,
  SIGKILL,
  SIGSTOP,
} from "../../../syscall-tables/flags/signal.ts";
import { EFAULT, EINVAL } from "../../abi/errno.ts";
import { NSIG, SIGSET_SIZE, sigBitHi, sigBitLo, UNBLOCKABLE_LO } from "../../abi/signal.ts";
import type { SignalAction } from "../../task/signal-actions.ts";
import { implement } from "../implement.ts";

/** UAPI_SA_FLAGS: a program finds out about others by seeing them gone (SA_UNSUPPORTED). */
const KNOWN_FLAGS =
  SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER;
const SIGACTION_SIZE = 32;
const bytes = new Uint8Array(SIGACTION_SIZE);
const view = new DataView(bytes.buffer);

const parse = (): SignalAction => ({
  handlerAddr: view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32,
  flags: (view.getUint32(8, true) & KNOWN_FLAGS) >>> 0,
  restorerAddr: view.getUint32(16, true) + view.getUint32(20, true) * 2 ** 32,
  maskLo: (view.getUint32(24, true) & ~UNBLOCKABLE_LO) >>> 0,
  maskHi: view.getUint32(28, true),
});

const pack = (action: SignalAction): Uint8Array => {
  view.setUint32(0, action.handlerAddr >>> 0, true);
  view.setUint32(4, Math.floor(action.handlerAddr / 2 ** 32), true);
  view.setUint32(8, action.flags, true);
  view.setUint32(12, 0, true);
  view.setUint32(16, action.restorerAddr >>> 0, true);
  view.setUint32(20, Math.floor(action.restorerAddr / 2 ** 32), true);
  view.setUint32(24, action.maskLo, true);
  view.setUint32(28, action.maskHi, true);
  return bytes;
};

/** rt_sigaction(2) */
export const sys_rt_sigaction = implement("rt_sigaction", { level: "full" }, (task, signal, actAddr, oldAddr, setSize) => {
  if (setSize !== SIGSET_SIZE) return EINVAL;
  const { process } = task;
  let action: SignalAction | null = null;
  if (actAddr !== 0) {
    if (task.memory.readInto(actAddr, bytes, 0, SIGACTION_SIZE) < SIGACTION_SIZE) return EFAULT;
    action = parse();
  }
  if (signal < 1 || signal > NSIG || (action !== null && (signal === SIGKILL || signal === SIGSTOP))) return EINVAL;
  const old = process.actions.get(signal);
  if (action !== null) {
    process.actions.set(signal, action);
    // POSIX: setting a disposition that ignores the signal discards what is pending.
    if (process.actions.ignores(signal)) process.discardPending(sigBitLo(signal), sigBitHi(signal));
  }
  return oldAddr === 0 ? 0 : task.memory.copyOut(oldAddr, pack(old));
});
