/** struct user_regs_struct and struct user of x86-64 (arch/x86/include/asm/user_64.h), as ptrace(2) shows a stopped task. */
import { TWO_32 } from "../../syscall-tables/limits.ts";
import { EIO, type Errno } from "../abi/errno.ts";
import { USER_ADDR_LIMIT } from "../mm/user-memory.ts";
import {
  R_EFLAGS,
  R_R8,
  R_R9,
  R_R10,
  R_R11,
  R_R12,
  R_R13,
  R_R14,
  R_R15,
  R_RAX,
  R_RBP,
  R_RBX,
  R_RCX,
  R_RDI,
  R_RDX,
  R_RIP,
  R_RSI,
  R_RSP,
} from "../platform/registers.ts";
import type { Task } from "../task/task.ts";
import { DebugRegisters } from "./debug-registers.ts";

const ORIG_RAX = -1;
const CS = -2;
const SS = -3;
const FS_BASE = -4;
const GS_BASE = -5;
const ZERO_SELECTOR = -6;

/** What stands where: a register's index, or one of the above. */
const LAYOUT: readonly number[] = [
  R_R15,
  R_R14,
  R_R13,
  R_R12,
  R_RBP,
  R_RBX,
  R_R11,
  R_R10,
  R_R9,
  R_R8,
  R_RAX,
  R_RCX,
  R_RDX,
  R_RSI,
  R_RDI,
  ORIG_RAX,
  R_RIP,
  CS,
  R_EFLAGS,
  R_RSP,
  SS,
  FS_BASE,
  GS_BASE,
  ZERO_SELECTOR,
  ZERO_SELECTOR,
  ZERO_SELECTOR,
  ZERO_SELECTOR,
];

export const USER_REGS_SIZE = LAYOUT.length * 8;
/** struct user, and the debug registers in it. */
export const USER_SIZE = 928;
export const USER_DEBUGREG = 848;

const USER_CS = 0x33;
const USER_DS = 0x2b;
const TRAP_FLAG = 0x100;
/** FLAG_MASK: what a tracer may set. */
const SETTABLE_FLAGS = 0x54dd5;

const putDouble = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32) >>> 0, true);
};

/** In a call's middle rax is -ENOSYS, as Linux leaves it until the call is done. */
const putRax = (task: Task, view: DataView, at: number): void => {
  const { regs } = task.thread;
  if (task.op !== null) putDouble(view, at, -38);
  else {
    view.setUint32(at, regs.getLo(R_RAX), true);
    view.setUint32(at + 4, regs.getHi(R_RAX), true);
  }
};

const putWord = (task: Task, view: DataView, at: number, what: number): void => {
  const { regs } = task.thread;
  switch (what) {
    case R_RAX:
      putRax(task, view, at);
      break;
    case ORIG_RAX:
      putDouble(view, at, regs.syscallNumber);
      break;
    case CS:
      putDouble(view, at, USER_CS);
      break;
    case SS:
      putDouble(view, at, USER_DS);
      break;
    case FS_BASE:
      putDouble(view, at, regs.fsBase);
      break;
    case GS_BASE:
      putDouble(view, at, regs.gsBase);
      break;
    case ZERO_SELECTOR:
      break;
    default:
      view.setUint32(at, regs.getLo(what), true);
      view.setUint32(at + 4, regs.getHi(what), true);
  }
};

/** 0, or EIO for a value that the register cannot have. */
const setWord = (task: Task, what: number, lo: number, hi: number): 0 | Errno => {
  const { regs } = task.thread;
  switch (what) {
    case R_RAX:
      if (task.op === null) regs.setHalves(R_RAX, lo, hi);
      return 0;
    case ORIG_RAX:
      regs.syscallNumber = lo | 0;
      return 0;
    case R_EFLAGS: {
      const kept = regs.getLo(R_EFLAGS) & ~SETTABLE_FLAGS;
      // Set by the tracer itself, it is the program's.
      if ((lo & TRAP_FLAG) !== 0) task.hasForcedStep = false;
      regs.setHalves(R_EFLAGS, kept | (lo & SETTABLE_FLAGS), 0);
      return 0;
    }
    case FS_BASE:
    case GS_BASE: {
      const addr = hi * TWO_32 + lo;
      if (addr >= USER_ADDR_LIMIT) return EIO;
      if (what === FS_BASE) regs.fsBase = addr;
      else regs.gsBase = addr;
      return 0;
    }
    case CS:
    case SS:
      return (lo & 3) === 3 ? 0 : EIO;
    case ZERO_SELECTOR:
      return 0;
    default:
      regs.setHalves(what, lo, hi);
      return 0;
  }
};

/** PTRACE_GETREGS, NT_PRSTATUS. */
export const userRegs = (task: Task): Uint8Array => {
  const bytes = new Uint8Array(USER_REGS_SIZE);
  const view = new DataView(bytes.buffer);
  LAYOUT.forEach((what, index) => {
    putWord(task, view, index * 8, what);
  });
  return bytes;
};

/** PTRACE_SETREGS, NT_PRSTATUS; a shorter set leaves the rest as it is. */
export const setUserRegs = (task: Task, view: DataView): 0 | Errno => {
  for (let index = 0; index * 8 + 8 <= view.byteLength && index < LAYOUT.length; index++) {
    const failed = setWord(task, LAYOUT[index], view.getUint32(index * 8, true), view.getUint32(index * 8 + 4, true));
    if (failed !== 0) return failed;
  }
  return 0;
};

const DEBUG_REGISTERS_END = USER_DEBUGREG + 8 * 8;

/** A word of struct user: registers and debug registers; the rest reads as zero. */
export const userWord = (task: Task, offset: number): Uint8Array => {
  const word = new Uint8Array(8);
  const view = new DataView(word.buffer);
  if (offset < USER_REGS_SIZE) putWord(task, view, 0, LAYOUT[offset / 8]);
  else if (offset >= USER_DEBUGREG && offset < DEBUG_REGISTERS_END) {
    putDouble(view, 0, task.debugRegisters?.get((offset - USER_DEBUGREG) / 8) ?? 0);
  }
  return word;
};

export const setUserWord = (task: Task, offset: number, lo: number, hi: number): 0 | Errno => {
  if (offset < USER_REGS_SIZE) return setWord(task, LAYOUT[offset / 8], lo, hi);
  if (offset < USER_DEBUGREG || offset >= DEBUG_REGISTERS_END) return EIO;
  task.debugRegisters ??= new DebugRegisters();
  return task.debugRegisters.set((offset - USER_DEBUGREG) / 8, lo, hi);
};
