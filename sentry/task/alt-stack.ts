/** The alternate signal stack (sigaltstack(2), kernel/signal.c do_sigaltstack). */
import { SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from "../../syscall-tables/flags/signal.ts";
import { EINVAL, ENOMEM, EPERM, type Errno } from "../abi/errno.ts";
import { MINSIGSTKSZ } from "../abi/signal.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import type { Task } from "./task.ts";

/** `stackAddr` is the stack pointer of the moment: a stack in use cannot be changed. */
export const setAltStack = (task: Task, addr: UserAddr, size: number, flags: number, stackAddr: UserAddr): 0 | Errno => {
  const { signals } = task;
  const { altStack } = signals;
  if (signals.isOnAltStack(stackAddr)) return EPERM;
  const mode = (flags & ~SS_AUTODISARM) >>> 0;
  if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return EINVAL;
  if (mode !== SS_DISABLE && size < MINSIGSTKSZ) {
    const isSame = altStack.addr === addr && altStack.size === size && altStack.flags === flags;
    return isSame ? 0 : ENOMEM;
  }
  altStack.addr = mode === SS_DISABLE ? 0 : addr;
  altStack.size = mode === SS_DISABLE ? 0 : size;
  altStack.flags = flags;
  return 0;
};
