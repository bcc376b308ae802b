import { SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK } from "../../../syscall-tables/flags/signal.ts";
import { EFAULT, EINVAL } from "../../abi/errno.ts";
import { SIGSET_SIZE } from "../../abi/signal.ts";
import { implement } from "../implement.ts";
import { readSigset, sigset, writeSigset } from "./sigset.ts";

/** rt_sigprocmask(2) */
export const sys_rt_sigprocmask = implement("rt_sigprocmask", { level: "full" }, (task, how, setAddr, oldAddr, setSize) => {
  if (setSize !== SIGSET_SIZE) return EINVAL;
  const { signals } = task;
  const { maskLo, maskHi } = signals;
  if (setAddr !== 0) {
    if (readSigset(task, setAddr) < 0) return EFAULT;
    if (how === SIG_BLOCK) signals.setMask(maskLo | sigset.lo, maskHi | sigset.hi);
    else if (how === SIG_UNBLOCK) signals.setMask(maskLo & ~sigset.lo, maskHi & ~sigset.hi);
    else if (how === SIG_SETMASK) signals.setMask(sigset.lo, sigset.hi);
    else return EINVAL;
  }
  return oldAddr === 0 ? 0 : writeSigset(task, oldAddr, maskLo, maskHi);
});

/** rt_sigpending(2) */
export const sys_rt_sigpending = implement("rt_sigpending", { level: "full" }, (task, setAddr, setSize) => {
  if (setSize > SIGSET_SIZE) return EINVAL;
  const { maskLo, maskHi, pendingLo, pendingHi } = task.signals;
  return writeSigset(task, setAddr, (pendingLo & maskLo) >>> 0, (pendingHi & maskHi) >>> 0, setSize);
});
