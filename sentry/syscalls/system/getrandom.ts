import { GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM } from "../../../syscall-tables/flags/system.ts";
import { INT_MAX } from "../../../syscall-tables/limits.ts";
import { EFAULT, EINVAL } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

const chunk = new Uint8Array(65536);

/** getrandom(2): the host's generator is always ready, so nothing here can block. */
export const sys_getrandom = implement("getrandom", { level: "full" }, (task, addr, length, flags) => {
  if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) !== 0) return EINVAL;
  if ((flags & (GRND_RANDOM | GRND_INSECURE)) === (GRND_RANDOM | GRND_INSECURE)) return EINVAL;
  const wanted = Math.min(length, INT_MAX);
  let done = 0;
  while (done < wanted) {
    const part = Math.min(wanted - done, chunk.length);
    task.kernel.random(chunk, 0, part);
    const copied = task.memory.writeFrom(addr + done, chunk, 0, part);
    if (copied > 0) done += copied;
    if (copied !== part) return done > 0 ? done : EFAULT;
    // A signal ends a long read between chunks (get_random_bytes_user).
    if (done < wanted && task.hasSignal) break;
  }
  return done;
});
