/** struct rt_sigframe of x86-64 (arch/x86/include/asm/sigframe.h): the kernel's exact layout on the guest's stack. */
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EFAULT, type Errno } from "../../abi/errno.ts";
import type { SignalContext, SignalFrame } from "../platform.ts";
import { R_EFLAGS, R_RAX, R_RDI, R_RDX, R_RIP, R_RSI, R_RSP } from "../registers.ts";
import { SIGNAL_FRAME_FETCHED } from "./layout.generated.ts";
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

/** The frame that is being written; what is never set stays zero. */
const bytes = new Uint8Array(FRAME_SIZE);
const words = new Uint32Array(bytes.buffer);
/** The part of a frame that the way back reads. */
const restoredBytes = new Uint8Array(SIGNAL_FRAME_FETCHED);
const restored = new Uint32Array(restoredBytes.buffer);
/** gs and fs are 0. */
const CODE_SEGMENT = 0x33;
const STACK_SEGMENT = 0x2b0000;

const setU64 = (at: number, value: number): void => {
  words[at / 4] = value;
  words[at / 4 + 1] = Math.floor(value / TWO_32);
};

const getU64 = (at: number): number => restored[at / 4] + restored[at / 4 + 1] * TWO_32;

/** Writes the frame and points the registers at the handler. Returns the FPU state's guest address, or EFAULT. */
export const writeSignalFrame = (thread: SystrapThread, frame: SignalFrame, fpuSize: number): number | Errno => {
  const { regs } = thread;
  const fpuAddr = Math.floor((frame.stackTopAddr - fpuSize - 4) / 64) * 64;
  const frameAddr = Math.floor((fpuAddr - FRAME_SIZE) / 16) * 16 - 8;
  if (frameAddr < 65536) return EFAULT;
  setU64(0, frame.restorerAddr);
  setU64(UC, UC_FLAGS);
  setU64(UC_STACK, frame.altStack.addr);
  words[(UC_STACK + 8) / 4] = frame.altStack.flags;
  setU64(UC_STACK + 16, frame.altStack.size);
  for (let i = 0; i < GENERAL_REGISTERS; i++) {
    words[MCONTEXT / 4 + i * 2] = regs.getLo(i);
    words[MCONTEXT / 4 + i * 2 + 1] = regs.getHi(i);
  }
  words[SEGMENTS / 4] = CODE_SEGMENT;
  words[SEGMENTS / 4 + 1] = STACK_SEGMENT;
  setU64(ERROR, frame.trap?.error ?? 0);
  setU64(TRAPNO, frame.trap?.number ?? 0);
  setU64(CR2, frame.trap?.addr ?? 0);
  setU64(FPSTATE, fpuAddr);
  words[SIGMASK / 4] = frame.maskLo;
  words[SIGMASK / 4 + 1] = frame.maskHi;
  bytes.set(frame.info, INFO);
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

/** Restores the registers from the frame that the restorer's rt_sigreturn finds just below rsp. The stub has fetched it. */
export const readSignalFrame = (thread: SystrapThread): (SignalContext & { fpuAddr: number }) | Errno => {
  const { regs, memory } = thread;
  if (memory.readInto(regs.get(R_RSP) - 8, restoredBytes, 0, SIGNAL_FRAME_FETCHED) !== SIGNAL_FRAME_FETCHED) return EFAULT;
  const flags = regs.getLo(R_EFLAGS);
  for (let i = 0; i < GENERAL_REGISTERS; i++) {
    regs.setHalves(i, restored[MCONTEXT / 4 + i * 2], restored[MCONTEXT / 4 + i * 2 + 1]);
  }
  const restoredFlags = restored[MCONTEXT / 4 + R_EFLAGS * 2];
  regs.setHalves(R_EFLAGS, (flags & ~USER_FLAGS) | (restoredFlags & USER_FLAGS), 0);
  return {
    maskLo: restored[SIGMASK / 4],
    maskHi: restored[SIGMASK / 4 + 1],
    altStack: { addr: getU64(UC_STACK), flags: restored[(UC_STACK + 8) / 4] | 0, size: getU64(UC_STACK + 16) },
    fpuAddr: getU64(FPSTATE),
  };
};
