/** struct rt_sigframe of x86-64 (arch/x86/include/asm/sigframe.h): the kernel's exact layout on the guest's stack. */
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EFAULT, type Errno, isErrno } from "../../abi/errno.ts";
import type { SignalContext, SignalFrame } from "../platform.ts";
import { R_EFLAGS, R_RAX, R_RDI, R_RDX, R_RIP, R_RSI, R_RSP } from "../registers.ts";
import type { SystrapThread } from "./thread.ts";

const UC = 8;
const UC_STACK = UC + 16;
const MCONTEXT = UC + 40;
const SEGMENTS = MCONTEXT + 144;
const ERROR = MCONTEXT + 152;
const TRAPNO = MCONTEXT + 160;
const CR2 = MCONTEXT + 176;
const FPSTATE = MCONTEXT + 184;
const SIGMASK = MCONTEXT + 256;
const INFO = SIGMASK + 8;
const FRAME_SIZE = INFO + 128;
const GENERAL_REGISTERS = 18;
/** UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
const UC_FLAGS = 7;
/** What a handler must not inherit: TF, DF, RF. */
const HANDLER_CLEARED = 0x100 | 0x400 | 0x10000;
/** The flags a guest may set: CF PF AF ZF SF TF DF OF AC (FIX_EFLAGS). */
const USER_FLAGS = 0x40dd5;

const bytes = new Uint8Array(FRAME_SIZE);
const view = new DataView(bytes.buffer);

const setU64 = (at: number, value: number): void => {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
};

const getU64 = (from: DataView, at: number): number => from.getUint32(at, true) + from.getUint32(at + 4, true) * TWO_32;

/** Writes the frame and points the registers at the handler. Returns the FPU state's guest address, or EFAULT. */
export const writeSignalFrame = (thread: SystrapThread, frame: SignalFrame, fpuSize: number): number | Errno => {
  const { regs } = thread;
  const fpuAddr = Math.floor((frame.stackTopAddr - fpuSize - 4) / 64) * 64;
  const frameAddr = Math.floor((fpuAddr - FRAME_SIZE) / 16) * 16 - 8;
  if (frameAddr < 65536) return EFAULT;
  bytes.fill(0);
  setU64(0, frame.restorerAddr);
  setU64(UC, UC_FLAGS);
  setU64(UC_STACK, frame.altStack.addr);
  view.setUint32(UC_STACK + 8, frame.altStack.flags, true);
  setU64(UC_STACK + 16, frame.altStack.size);
  for (let i = 0; i < GENERAL_REGISTERS; i++) {
    view.setUint32(MCONTEXT + i * 8, regs.getLo(i), true);
    view.setUint32(MCONTEXT + i * 8 + 4, regs.getHi(i), true);
  }
  view.setUint16(SEGMENTS, 0x33, true);
  view.setUint16(SEGMENTS + 6, 0x2b, true);
  if (frame.trap) {
    setU64(ERROR, frame.trap.error);
    setU64(TRAPNO, frame.trap.number);
    setU64(CR2, frame.trap.addr);
  }
  setU64(FPSTATE, fpuAddr);
  view.setUint32(SIGMASK, frame.maskLo, true);
  view.setUint32(SIGMASK + 4, frame.maskHi, true);
  bytes.set(frame.info.subarray(0, 128), INFO);
  if (thread.memory.writeFrom(frameAddr, bytes, 0, FRAME_SIZE) !== FRAME_SIZE) return EFAULT;
  regs.set(R_RDI, frame.signal);
  regs.set(R_RSI, frameAddr + INFO);
  regs.set(R_RDX, frameAddr + UC);
  regs.set(R_RAX, 0);
  regs.set(R_RIP, frame.handlerAddr);
  regs.set(R_RSP, frameAddr);
  regs.setHalves(R_EFLAGS, regs.getLo(R_EFLAGS) & ~HANDLER_CLEARED, 0);
  return fpuAddr;
};

/** Restores the registers from the frame that the restorer's rt_sigreturn finds just below rsp. */
export const readSignalFrame = (thread: SystrapThread): (SignalContext & { fpuAddr: number }) | Errno => {
  const { regs, memory } = thread;
  const frame = memory.viewIn(regs.get(R_RSP) - 8, SIGMASK + 8);
  if (isErrno(frame)) return frame;
  const flags = regs.getLo(R_EFLAGS);
  for (let i = 0; i < GENERAL_REGISTERS; i++) {
    regs.setHalves(i, frame.getUint32(MCONTEXT + i * 8, true), frame.getUint32(MCONTEXT + i * 8 + 4, true));
  }
  const restored = frame.getUint32(MCONTEXT + R_EFLAGS * 8, true);
  regs.setHalves(R_EFLAGS, (flags & ~USER_FLAGS) | (restored & USER_FLAGS), 0);
  return {
    maskLo: frame.getUint32(SIGMASK, true),
    maskHi: frame.getUint32(SIGMASK + 4, true),
    altStack: { addr: getU64(frame, UC_STACK), flags: frame.getInt32(UC_STACK + 8, true), size: getU64(frame, UC_STACK + 16) },
    fpuAddr: getU64(frame, FPSTATE),
  };
};
