import { EFAULT, EINVAL, isErrno } from "../../abi/errno.ts";
import { MPOL_F_ADDR, MPOL_F_MEMS_ALLOWED, MPOL_F_NODE, MPOL_INTERLEAVE, MPOL_MASK, MPOL_WEIGHTED_INTERLEAVE } from "../../abi/mman.ts";
import { makePolicy, NODES_PRESENT, readNodes, setTaskPolicy, taskPolicy, writeNodes } from "../../mm/memory-policy.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { MemoryPolicy } from "../../mm/vma.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** set_mempolicy(2) */
export const sys_set_mempolicy = implement("set_mempolicy", { level: "full" }, (task, mode, maskAddr, maxNode) => {
  const mask = readNodes(task.memory, maskAddr, maxNode);
  if (isErrno(mask)) return mask;
  const policy = makePolicy(mode, mask);
  if (policy !== null && isErrno(policy)) return policy;
  setTaskPolicy(task, policy);
  return 0;
});

const NODE_COUNT = 1;
const KNOWN_FLAGS = MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED;

/** get_mempolicy(2) */
export const sys_get_mempolicy = implement("get_mempolicy", { level: "full" }, (task, policyAddr, maskAddr, maxNode, addr, flags) => {
  if ((flags & ~KNOWN_FLAGS) !== 0 || (maskAddr !== 0 && maxNode < NODE_COUNT)) return EINVAL;
  if (flags & MPOL_F_MEMS_ALLOWED) {
    if (flags & (MPOL_F_NODE | MPOL_F_ADDR)) return EINVAL;
    return answer(task, policyAddr, 0, maskAddr, maxNode, NODES_PRESENT);
  }
  let policy = taskPolicy(task);
  if (flags & MPOL_F_ADDR) {
    const vma = task.mm.find(addr);
    if (vma === null || vma.isPlatform) return EFAULT;
    policy = vma.policy ?? policy;
  } else if (addr !== 0) {
    return EINVAL;
  }
  let value = policy?.mode ?? 0;
  if (flags & MPOL_F_NODE) {
    if ((flags & MPOL_F_ADDR) === 0 && !isInterleaved(policy)) return EINVAL;
    // The node of the page, or the next one of an interleaving thread: there is only one.
    value = 0;
  }
  return answer(task, policyAddr, value, maskAddr, maxNode, policy?.nodes ?? 0);
});

const isInterleaved = (policy: MemoryPolicy | null): boolean => {
  const mode = (policy?.mode ?? 0) & MPOL_MASK;
  return mode === MPOL_INTERLEAVE || mode === MPOL_WEIGHTED_INTERLEAVE;
};

const answer = (task: Task, policyAddr: UserAddr, value: number, maskAddr: UserAddr, maxNode: number, nodes: number): number => {
  if (policyAddr !== 0 && task.memory.storeU32(policyAddr, value) < 0) return EFAULT;
  return maskAddr === 0 ? 0 : writeNodes(task.memory, maskAddr, maxNode, nodes);
};
