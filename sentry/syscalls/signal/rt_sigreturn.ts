import { SIGSEGV } from "../../../syscall-tables/flags/signal.ts";
import { isErrno } from "../../abi/errno.ts";

import { R_RSP } from "../../platform/registers.ts";
import { setAltStack } from "../../task/alt-stack.ts";
import { BLOCKED } from "../../task/blocking.ts";
import { returnToGuest } from "../../task/run.ts";
import { forceSignal, kernelSignal } from "../../task/signals.ts";
import { implement } from "../implement.ts";

/** rt_sigreturn(2): all registers come from the frame, so nothing is returned in the usual way. */
export const sys_rt_sigreturn = implement("rt_sigreturn", { level: "full" }, (task) => {
  // The handler's own, which decides whether the alternate stack is in use.
  const stackAddr = task.thread.regs.get(R_RSP);
  const context = task.thread.popSignalFrame();
  if (isErrno(context)) forceSignal(task, kernelSignal(SIGSEGV));
  else {
    task.signals.setMask(context.maskLo, context.maskHi);
    const { addr, size, flags } = context.altStack;
    // The program may have put nonsense there: Linux ignores that (restore_altstack).
    setAltStack(task, addr, size, flags, stackAddr);
  }
  task.restartBlock = null;
  returnToGuest(task);
  return BLOCKED;
});
