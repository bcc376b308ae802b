import { EINVAL, ENOSYS, EPERM } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

/** map_shadow_stack(2): ENOSYS without user shadow stacks. */
export const sys_map_shadow_stack = implement("map_shadow_stack", { level: "full" }, () => ENOSYS);

const LDT_READ = 0;
const LDT_WRITE_OLD = 1;
const LDT_READ_DEFAULT = 2;
const LDT_WRITE = 0x11;
const DEFAULT_LDT_BYTES = 128;

/** modify_ldt(2): the table is empty and stays so. */
export const sys_modify_ldt = implement(
  "modify_ldt",
  { level: "partial", note: "no entry can be written: EPERM" },
  (task, func, addr, byteCount) => {
    switch (func) {
      case LDT_READ:
        return 0;
      case LDT_READ_DEFAULT: {
        const length = Math.min(byteCount, DEFAULT_LDT_BYTES);
        const error = task.memory.copyOut(addr, new Uint8Array(length));
        return error < 0 ? error : length;
      }
      case LDT_WRITE_OLD:
      case LDT_WRITE:
        return byteCount === 16 ? EPERM : EINVAL;
      default:
        return ENOSYS;
    }
  },
);
