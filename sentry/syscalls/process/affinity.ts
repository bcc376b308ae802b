import { EFAULT, EINVAL, EPERM, ESRCH } from "../../abi/errno.ts";
import { cpuCount } from "../../task/cpus.ts";
import { ownsOrPrivileged } from "../../task/set-scheduling.ts";
import { implement } from "../implement.ts";

/** cpumask_size(): a mask of longs that holds every CPU. */
const MASK_SIZE = Math.ceil(cpuCount / 64) * 8;

/** sched_setaffinity(2): kept and shown; the host places guest threads by its own. */
export const sys_sched_setaffinity = implement("sched_setaffinity", { level: "full" }, (task, pid, length, maskAddr) => {
  const bytes = new Uint8Array(MASK_SIZE);
  const known = Math.min(length, MASK_SIZE);
  if (task.memory.readInto(maskAddr, bytes, 0, known) !== known) return EFAULT;
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  if (!ownsOrPrivileged(task, target)) return EPERM;
  const mask = new Uint32Array(MASK_SIZE / 4);
  let isEmpty = true;
  for (let cpu = 0; cpu < cpuCount; cpu++) {
    if ((bytes[cpu >> 3] & (1 << (cpu & 7))) === 0) continue;
    mask[cpu >> 5] |= 1 << (cpu & 31);
    isEmpty = false;
  }
  if (isEmpty) return EINVAL;
  target.scheduling.affinity = mask;
  return 0;
});

/** sched_getaffinity(2): returns the bytes written. */
export const sys_sched_getaffinity = implement("sched_getaffinity", { level: "full" }, (task, pid, length, maskAddr) => {
  if (length * 8 < cpuCount || length % 8 !== 0) return EINVAL;
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  const bytes = new Uint8Array(MASK_SIZE);
  const { affinity } = target.scheduling;
  for (let cpu = 0; cpu < cpuCount; cpu++) {
    if (affinity === null || ((affinity[cpu >> 5] >>> (cpu & 31)) & 1) !== 0) bytes[cpu >> 3] |= 1 << (cpu & 7);
  }
  const written = Math.min(length, MASK_SIZE);
  return task.memory.writeFrom(maskAddr, bytes, 0, written) === written ? written : EFAULT;
});

/** getcpu(2), for programs that do not use the vDSO: some CPU the thread may run on. */
export const sys_getcpu = implement("getcpu", { level: "full" }, (task, cpuAddr, nodeAddr) => {
  const { affinity } = task.scheduling;
  let cpu = 0;
  if (affinity !== null) while (cpu < cpuCount - 1 && ((affinity[cpu >> 5] >>> (cpu & 31)) & 1) === 0) cpu++;
  if (cpuAddr !== 0 && task.memory.storeU32(cpuAddr, cpu) < 0) return EFAULT;
  return nodeAddr === 0 ? 0 : task.memory.storeU32(nodeAddr, 0);
});
