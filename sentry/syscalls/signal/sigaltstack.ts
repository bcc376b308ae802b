import { EFAULT } from "../../abi/errno.ts";
import { R_RSP } from "../../platform/registers.ts";
import { setAltStack } from "../../task/alt-stack.ts";
import { implement } from "../implement.ts";

const STACK_T_SIZE = 24;
const old = new Uint8Array(STACK_T_SIZE);
const oldView = new DataView(old.buffer);
const wanted = new Uint8Array(STACK_T_SIZE);
const wantedView = new DataView(wanted.buffer);

/** sigaltstack(2) */
export const sys_sigaltstack = implement("sigaltstack", { level: "full" }, (task, newAddr, oldAddr) => {
  const { signals, memory } = task;
  const stackAddr = task.thread.regs.get(R_RSP);
  oldView.setUint32(0, signals.altStack.addr >>> 0, true);
  oldView.setUint32(4, Math.floor(signals.altStack.addr / 2 ** 32), true);
  oldView.setUint32(8, signals.altStackFlags(stackAddr), true);
  oldView.setUint32(16, signals.altStack.size >>> 0, true);
  oldView.setUint32(20, Math.floor(signals.altStack.size / 2 ** 32), true);
  if (newAddr !== 0) {
    if (memory.readInto(newAddr, wanted, 0, STACK_T_SIZE) < STACK_T_SIZE) return EFAULT;
    const addr = wantedView.getUint32(0, true) + wantedView.getUint32(4, true) * 2 ** 32;
    const size = wantedView.getUint32(16, true) + wantedView.getUint32(20, true) * 2 ** 32;
    const result = setAltStack(task, addr, size, wantedView.getUint32(8, true), stackAddr);
    if (result < 0) return result;
  }
  return oldAddr === 0 ? 0 : memory.copyOut(oldAddr, old);
});
