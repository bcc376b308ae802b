import { hostCall3 } from "../../../native/ffi/syscall-unsafe.ts";
import { EINVAL, EPERM } from "../../abi/errno.ts";
import {
  MEMBARRIER_CMD_GET_REGISTRATIONS,
  MEMBARRIER_CMD_GLOBAL,
  MEMBARRIER_CMD_GLOBAL_EXPEDITED,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
  MEMBARRIER_CMD_QUERY,
  MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
} from "../../abi/mman.ts";
import { implement } from "../implement.ts";

const SYS_membarrier = 324;

/** Without restartable sequences, as a kernel without CONFIG_RSEQ. */
const COMMANDS =
  MEMBARRIER_CMD_GLOBAL |
  MEMBARRIER_CMD_GLOBAL_EXPEDITED |
  MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
  MEMBARRIER_CMD_PRIVATE_EXPEDITED |
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
  MEMBARRIER_CMD_GET_REGISTRATIONS;

/** A grace period of the host: every thread of the machine has passed a barrier, guest threads among them. */
const barrier = (): number => Math.min(hostCall3(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0), 0);

/** membarrier(2) */
export const sys_membarrier = implement("membarrier", { level: "full" }, (task, command, flags) => {
  if (flags !== 0) return EINVAL;
  const { mm } = task;
  switch (command) {
    case MEMBARRIER_CMD_QUERY:
      return COMMANDS;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
      return barrier();
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
      mm.barriers |= command;
      return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
      return mm.barriers & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED ? barrier() : EPERM;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
      return mm.barriers & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE ? barrier() : EPERM;
    case MEMBARRIER_CMD_GET_REGISTRATIONS:
      return mm.barriers;
    default:
      return EINVAL;
  }
});
