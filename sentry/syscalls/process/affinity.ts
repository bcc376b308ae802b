import { EFAULT, EINVAL, EPERM, ESRCH } from "../../abi/errno.ts";
import { machine } from "../../task/machine.ts";
import { ownsOrPrivileged } from "../../task/set-scheduling.ts";
import { implement } from "../implement.ts";

/** cpumask_size(): a mask of longs that holds every CPU. */
const maskSize = (): number => Math.ceil(machine.possibleCpus / 64) * 8;

/** sched_setaffinity(2): the thread is there when this returns. */
export const sys_sched_setaffinity = implement("sched_setaffinity", { level: "full" }, (task, pid, length, maskAddr) => {
  const bytes = new Uint8Array(maskSize());
  const known = Math.min(length, bytes.length);
  if (task.memory.readInto(maskAddr, bytes, 0, known) !== known) return EFAULT;
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  if (!ownsOrPrivileged(task, target)) return EPERM;
  const mask = new Uint32Array(bytes.length / 4);
  let isEmpty = true;
  for (const cpu of machine.cpus) {
    if ((bytes[cpu >> 3] & (1 << (cpu & 7))) === 0) continue;
    mask[cpu >> 5] |= 1 << (cpu & 31);
    isEmpty = false;
  }
  if (isEmpty) return EINVAL;
  target.scheduling.affinity = mask;
  target.thread.setCpus?.(mask);
  return 0;
});

/** sched_getaffinity(2): returns the bytes written. */
export const sys_sched_getaffinity = implement("sched_getaffinity", { level: "full" }, (task, pid, length, maskAddr) => {
  if (length * 8 < machine.possibleCpus || length % 8 !== 0) return EINVAL;
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  const bytes = new Uint8Array(maskSize());
  const { affinity } = target.scheduling;
  for (const cpu of machine.cpus) {
    if (affinity === null || ((affinity[cpu >> 5] >>> (cpu & 31)) & 1) !== 0) bytes[cpu >> 3] |= 1 << (cpu & 7);
  }
  const written = Math.min(length, bytes.length);
  return task.memory.writeFrom(maskAddr, bytes, 0, written) === written ? written : EFAULT;
});

/** getcpu(2), for programs that do not use the vDSO. */
export const sys_getcpu = implement("getcpu", { level: "full" }, (task, cpuAddr, nodeAddr) => {
  const { affinity } = task.scheduling;
  const isAllowed = (at: number): boolean => affinity === null || ((affinity[at >> 5] >>> (at & 31)) & 1) !== 0;
  const { cpu: last } = task.thread;
  const isThere = last !== undefined && machine.cpus.includes(last) && isAllowed(last);
  const cpu = isThere ? last : (machine.cpus.find(isAllowed) ?? machine.cpus[0]);
  if (cpuAddr !== 0 && task.memory.storeU32(cpuAddr, cpu) < 0) return EFAULT;
  return nodeAddr === 0 ? 0 : task.memory.storeU32(nodeAddr, 0);
});
