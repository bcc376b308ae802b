/** Single words of a stopped task: of its memory, of struct user. */
import { EIO } from "../abi/errno.ts";
import { R_R10 } from "../platform/registers.ts";
import type { Task } from "../task/task.ts";
import { pokeMemory, TraceeOp } from "./memory.ts";
import { setUserWord, USER_SIZE, userWord } from "./user-regs.ts";

const WORD = 8;

export const peek = (task: Task, tracee: Task, addr: number, data: number): number => {
  if (tracee.mm.openLength(addr, WORD) < WORD) return EIO;
  const word = tracee.thread.process.memory.copyIn(addr, WORD);
  return typeof word === "number" ? EIO : task.memory.copyOut(data, word);
};

/** The value itself is the fourth argument, whose two halves are exact in its register. */
export const poke = (task: Task, tracee: Task, addr: number): number => {
  const word = new Uint8Array(WORD);
  const view = new DataView(word.buffer);
  const { regs } = task.thread;
  view.setUint32(0, regs.getLo(R_R10), true);
  view.setUint32(4, regs.getHi(R_R10), true);
  const op = new TraceeOp(tracee);
  pokeMemory(tracee, addr, word, (result) => op.finish(result < 0 ? EIO : 0));
  return task.block(op);
};

export const peekUser = (task: Task, tracee: Task, offset: number, data: number): number =>
  offset % WORD !== 0 || offset >= USER_SIZE ? EIO : task.memory.copyOut(data, userWord(tracee, offset));

export const pokeUser = (task: Task, tracee: Task, offset: number): number => {
  if (offset % WORD !== 0 || offset >= USER_SIZE) return EIO;
  const { regs } = task.thread;
  return setUserWord(tracee, offset, regs.getLo(R_R10), regs.getHi(R_R10));
};
