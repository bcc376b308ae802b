import { SCHED_DEADLINE, SCHED_FIFO, SCHED_RR } from "../../../syscall-tables/flags/process.ts";
import { E2BIG, EFAULT, EINVAL, ESRCH, isErrno } from "../../abi/errno.ts";

import { setScheduling } from "../../task/set-scheduling.ts";
import { implement } from "../implement.ts";

const SCHED_ATTR_SIZE_VER0 = 48;
const SCHED_ATTR_SIZE = 56;
const PAGE_SIZE = 4096;
const SCHED_FLAG_RESET_ON_FORK = 0x1;
const SCHED_FLAG_KEEP_POLICY = 0x08;
const SCHED_FLAG_KEEP_PARAMS = 0x10;
const SCHED_FLAG_ALL = 0x7f;

/** sched_setattr(2) */
export const sys_sched_setattr = implement("sched_setattr", { level: "full" }, (task, pid, addr, flags) => {
  if (addr === 0 || pid < 0 || flags !== 0) return EINVAL;
  const stated = task.memory.loadU32(addr);
  if (stated < 0) return EFAULT;
  const size = stated === 0 ? SCHED_ATTR_SIZE_VER0 : stated;
  const tooBig = (): number => (task.memory.storeU32(addr, SCHED_ATTR_SIZE) < 0 ? EFAULT : E2BIG);
  if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE) return tooBig();
  const bytes = task.memory.copyIn(addr, size);
  if (isErrno(bytes)) return EFAULT;
  if (bytes.subarray(SCHED_ATTR_SIZE).some((byte) => byte !== 0)) return tooBig();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const policy = view.getInt32(4, true);
  const attrFlags = view.getUint32(8, true);
  if (policy < 0 || (attrFlags & ~SCHED_FLAG_ALL) !== 0 || view.getUint32(12, true) !== 0) return EINVAL;
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  const { scheduling } = target;
  const keepsPolicy = (attrFlags & SCHED_FLAG_KEEP_POLICY) !== 0;
  const keepsParams = (attrFlags & SCHED_FLAG_KEEP_PARAMS) !== 0;
  const u64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  return setScheduling(task, target, {
    policy: keepsPolicy ? scheduling.policy : policy,
    priority: keepsParams ? scheduling.priority : view.getUint32(20, true),
    nice: keepsParams ? scheduling.nice : Math.max(-20, Math.min(19, view.getInt32(16, true))),
    isResetOnFork: (attrFlags & SCHED_FLAG_RESET_ON_FORK) !== 0,
    runtimeNs: u64(24),
    deadlineNs: u64(32),
    periodNs: u64(40),
  });
});

/** sched_getattr(2) */
export const sys_sched_getattr = implement("sched_getattr", { level: "full" }, (task, pid, addr, size, flags) => {
  if (addr === 0 || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags !== 0) return EINVAL;
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  const { scheduling } = target;
  const bytes = new Uint8Array(Math.min(size, SCHED_ATTR_SIZE));
  const view = new DataView(bytes.buffer);
  const u64 = (at: number, value: number): void => {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  };
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, scheduling.policy, true);
  if (scheduling.isResetOnFork) view.setUint32(8, SCHED_FLAG_RESET_ON_FORK, true);
  if (scheduling.policy === SCHED_DEADLINE) {
    u64(24, scheduling.runtimeNs);
    u64(32, scheduling.deadlineNs);
    u64(40, scheduling.periodNs);
  } else if (scheduling.policy === SCHED_FIFO || scheduling.policy === SCHED_RR) view.setUint32(20, scheduling.priority, true);
  else view.setInt32(16, scheduling.nice, true);
  return task.memory.copyOut(addr, bytes);
});
