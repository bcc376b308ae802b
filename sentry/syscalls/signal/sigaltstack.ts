import { EFAULT, isErrno } from "../../abi/errno.ts";
import { R_RSP } from "../../platform/registers.ts";
import { setAltStack } from "../../task/alt-stack.ts";
import { implement } from "../implement.ts";

const STACK_T_SIZE = 24;

/** sigaltstack(2) */
export const sys_sigaltstack = implement("sigaltstack", { level: "full" }, (task, newAddr, oldAddr) => {
  const { signals, memory } = task;
  const stackAddr = task.thread.regs.get(R_RSP);
  const old = new Uint8Array(STACK_T_SIZE);
  const oldView = new DataView(old.buffer);
  oldView.setUint32(0, signals.altStack.addr >>> 0, true);
  oldView.setUint32(4, Math.floor(signals.altStack.addr / 2 ** 32), true);
  oldView.setUint32(8, signals.altStackFlags(stackAddr), true);
  oldView.setUint32(16, signals.altStack.size >>> 0, true);
  oldView.setUint32(20, Math.floor(signals.altStack.size / 2 ** 32), true);
  if (newAddr !== 0) {
    const view = memory.viewIn(newAddr, STACK_T_SIZE);
    if (isErrno(view)) return EFAULT;
    const addr = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
    const size = view.getUint32(16, true) + view.getUint32(20, true) * 2 ** 32;
    const result = setAltStack(task, addr, size, view.getUint32(8, true), stackAddr);
    if (result < 0) return result;
  }
  return oldAddr === 0 ? 0 : memory.copyOut(oldAddr, old);
});
