/** What the platform does when a patched site cannot be used as it is. */
import { SIGILL } from "../../../syscall-tables/flags/signal.ts";
import { R_RAX, R_RIP } from "../registers.ts";
import { SLOT_FAULT_SIGNAL, SLOT_GS_BASE } from "./layout.generated.ts";
import { PatchedSites } from "./patcher.ts";
import type { SystrapThread } from "./thread.ts";

/** True when the program has set GS itself: then trampolines do not find their thread. */
export const noteOwnGs = (thread: SystrapThread): boolean => {
  const at = thread.word + SLOT_GS_BASE / 4;
  if ((thread.u32[at] | thread.u32[at + 1]) === 0) return false;
  thread.process.patches ??= new PatchedSites();
  const { patches } = thread.process;
  if (patches.hasOwnGs) return true;
  patches.hasOwnGs = true;
  patches.restore(thread, thread.platform.handler);
  return true;
};

/** An illegal instruction behind a `syscall` that is a jump now: the thread goes on where its trampoline does. */
export const isRepaired = (thread: SystrapThread): boolean => {
  const continuations = thread.process.patches?.continuations;
  if (continuations === undefined || thread.u32[thread.word + SLOT_FAULT_SIGNAL / 4] !== SIGILL) return false;
  const continuation = continuations.get(thread.regs.get(R_RIP));
  if (continuation === undefined) return false;
  if (continuation !== null) thread.regs.set(R_RIP, continuation);
  thread.regs.setHalves(R_RAX, thread.regs.getLo(R_RAX), thread.regs.getHi(R_RAX));
  thread.resume(0);
  return true;
};
