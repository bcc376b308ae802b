/** Security modules as programs see them (security/lsm_syscalls.c): none here keeps attributes of tasks. */
import { E2BIG, EFAULT, EINVAL, EOPNOTSUPP, isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

const LSM_ATTR_UNDEF = 0;
const LSM_FLAG_SINGLE = 1;
const LSM_CTX_SIZE = 32;
const PAGE_SIZE = 4096;
/** LSM_ID_CAPABILITY, LSM_ID_LANDLOCK */
const MODULES = [100, 110];

/** lsm_list_modules(2) */
export const sys_lsm_list_modules = implement("lsm_list_modules", { level: "full" }, (task, idsAddr, sizeAddr, flags) => {
  if (flags !== 0) return EINVAL;
  const room = task.memory.loadU32(sizeAddr);
  if (room < 0) return EFAULT;
  const ids = new BigUint64Array(MODULES.map(BigInt));
  if (task.memory.storeU32(sizeAddr, ids.byteLength) < 0) return EFAULT;
  if (room < ids.byteLength) return E2BIG;
  return task.memory.copyOut(idsAddr, new Uint8Array(ids.buffer)) < 0 ? EFAULT : ids.length;
});

/** lsm_get_self_attr(2) */
export const sys_lsm_get_self_attr = implement("lsm_get_self_attr", { level: "full" }, (task, attr, contextAddr, sizeAddr, flags) => {
  if (attr === LSM_ATTR_UNDEF || sizeAddr === 0) return EINVAL;
  if (task.memory.loadU32(sizeAddr) < 0) return EFAULT;
  if (flags !== 0) {
    if (flags !== LSM_FLAG_SINGLE || contextAddr === 0) return EINVAL;
    const context = task.memory.copyIn(contextAddr, LSM_CTX_SIZE);
    if (isErrno(context)) return EFAULT;
    if (context.subarray(0, 8).every((byte) => byte === 0)) return EINVAL;
  }
  return task.memory.storeU32(sizeAddr, 0) < 0 ? EFAULT : EOPNOTSUPP;
});

/** lsm_set_self_attr(2) */
export const sys_lsm_set_self_attr = implement("lsm_set_self_attr", { level: "full" }, (task, _attr, contextAddr, size, flags) => {
  if (flags !== 0 || size < LSM_CTX_SIZE) return EINVAL;
  if (size > PAGE_SIZE) return E2BIG;
  const context = task.memory.viewIn(contextAddr, size);
  if (isErrno(context)) return EFAULT;
  const u64 = (at: number): number => context.getUint32(at, true) + context.getUint32(at + 4, true) * 2 ** 32;
  const length = u64(16);
  return size < length || length < LSM_CTX_SIZE + u64(24) ? EINVAL : EOPNOTSUPP;
});
