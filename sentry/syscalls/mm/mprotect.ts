import { EINVAL } from "../../abi/errno.ts";
import { implement } from "../implement.ts";
import { effectiveProt } from "./mmap.ts";

/** mprotect(2) */
export const sys_mprotect = implement("mprotect", { level: "full" }, (task, addr, length, prot) =>
  task.mm.mprotect(task, addr, length, effectiveProt(task, prot, false)),
);

/** pkey_mprotect(2): without protection keys in the CPU only -1, no key, is a valid one. */
export const sys_pkey_mprotect = implement("pkey_mprotect", { level: "full" }, (task, addr, length, prot, pkey) =>
  pkey === -1 ? task.mm.mprotect(task, addr, length, effectiveProt(task, prot, false)) : EINVAL,
);

/** pkey_alloc(2): EINVAL on a CPU without protection keys, whatever the arguments (Linux 6.18). */
export const sys_pkey_alloc = implement("pkey_alloc", { level: "full" }, () => EINVAL);

/** pkey_free(2) */
export const sys_pkey_free = implement("pkey_free", { level: "full" }, () => EINVAL);
