/** execve(2) in the host process that is there (docs/adr/0016): what the platform keeps for it belongs to the old program. */
import { OP_START_OVER, SLOT_RETURN_RIP, STUB_BASE } from "./layout.generated.ts";
import type { SystrapThread } from "./thread.ts";

/** The host maps nothing below (vm.mmap_min_addr). */
const MEMORY_START = 0x10000;

/** Queues what empties the process of the stopped `thread`. False: there is more in it than that thread. */
export const startOver = (thread: SystrapThread): boolean => {
  const { process, u32, word, ops } = thread;
  if (!thread.isStopped || process.threads.size > 1 || process.carriers.size > 1 || process.patches?.isShown === true) return false;
  thread.withdraw = null;
  process.patches = null;
  ops.reset();
  thread.memory.forgetPrefetched();
  // Nowhere: the call does not go on behind its site.
  u32.fill(0xffff_ffff, word + SLOT_RETURN_RIP / 4, word + SLOT_RETURN_RIP / 4 + 4);
  ops.push(OP_START_OVER, MEMORY_START, STUB_BASE - MEMORY_START);
  return true;
};
