/** NUMA policies on a machine with one node (mm/mempolicy.c): kept and shown, without effect on where pages lie. */
import { EFAULT, EINVAL, type Errno } from "../abi/errno.ts";
import {
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_F_NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
  MPOL_LOCAL,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
  MPOL_WEIGHTED_INTERLEAVE,
} from "../abi/mman.ts";
import type { Task } from "../task/task.ts";
import type { UserAddr, UserMemory } from "./user-memory.ts";
import type { MemoryPolicy } from "./vma.ts";

/** Node masks are at most a page of bits. */
const MAX_NODE_BITS = 4096 * 8;
/** MAX_NUMNODES of the distributions' kernels. */
const KNOWN_NODE_BITS = 1024;
const MODE_FLAGS = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING;
/** Node 0 is there. */
export const NODES_PRESENT = 1;

/** Nodes 0…62 as far as anybody asks: bit 0 of `low` is node 0; `hasOthers`: nodes that are not there. */
export interface NodeMask {
  readonly hasNode0: boolean;
  readonly hasOthers: boolean;
}

export const EMPTY_MASK: NodeMask = { hasNode0: false, hasOthers: false };

/** get_nodes(): `maxNode` counts one bit more than are read. */
export const readNodes = (memory: UserMemory, addr: UserAddr, maxNode: number): NodeMask | Errno => {
  const bits = maxNode - 1;
  if (bits <= 0 || addr === 0) return EMPTY_MASK;
  if (bits > MAX_NODE_BITS) return EINVAL;
  const bytes = memory.copyIn(addr, Math.ceil(bits / 64) * 8);
  if (typeof bytes === "number") return bytes;
  let hasOthers = false;
  for (let bit = 1; bit < bits; bit++) {
    if (((bytes[bit >> 3] >> (bit & 7)) & 1) === 0) continue;
    if (bit >= KNOWN_NODE_BITS) return EINVAL;
    hasOthers = true;
  }
  return { hasNode0: (bytes[0] & 1) !== 0, hasOthers };
};

/** copy_nodes_to_user(): the mask with `nodes` of the first word, zeros behind it. 0 or an errno. */
export const writeNodes = (memory: UserMemory, addr: UserAddr, maxNode: number, nodes: number): number => {
  const length = Math.ceil((maxNode - 1) / 64) * 8;
  if (length <= 0) return 0;
  if (length > 4096) return EINVAL;
  const bytes = new Uint8Array(length);
  bytes[0] = nodes;
  return memory.copyOut(addr, bytes) < 0 ? EFAULT : 0;
};

/** sanitize_mpol_flags() and mpol_new(): null is the default policy. */
export const makePolicy = (modeAndFlags: number, mask: NodeMask): MemoryPolicy | Errno | null => {
  const flags = modeAndFlags & MODE_FLAGS;
  const mode = modeAndFlags & ~MODE_FLAGS;
  if (mode < 0 || mode > MPOL_WEIGHTED_INTERLEAVE) return EINVAL;
  const placement = flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);
  if (placement === (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)) return EINVAL;
  if (flags & MPOL_F_NUMA_BALANCING && mode !== MPOL_BIND && mode !== MPOL_PREFERRED_MANY) return EINVAL;
  const isEmpty = !mask.hasNode0 && !mask.hasOthers;
  if (mode === MPOL_DEFAULT) return isEmpty ? null : EINVAL;
  if (mode === MPOL_LOCAL || (mode === MPOL_PREFERRED && isEmpty)) {
    return isEmpty && placement === 0 ? { mode: MPOL_LOCAL, nodes: 0 } : EINVAL;
  }
  // Relative nodes wrap round to those that are there.
  const hasUsable = mask.hasNode0 || (placement === MPOL_F_RELATIVE_NODES && mask.hasOthers);
  return hasUsable ? { mode: mode | flags, nodes: NODES_PRESENT } : EINVAL;
};

const taskPolicies = new WeakMap<Task, MemoryPolicy>();

/** set_mempolicy(2) of a thread; null: the default. */
export const taskPolicy = (task: Task): MemoryPolicy | null => taskPolicies.get(task) ?? null;

export const setTaskPolicy = (task: Task, policy: MemoryPolicy | null): void => {
  if (policy === null) taskPolicies.delete(task);
  else taskPolicies.set(task, policy);
};
