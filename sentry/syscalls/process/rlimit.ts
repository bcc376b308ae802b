import { RLIMIT_CPU, RLIMIT_NOFILE } from "../../../syscall-tables/flags/process.ts";
import { CAP_SYS_RESOURCE } from "../../../syscall-tables/flags/system.ts";
import { EFAULT, EINVAL, EPERM, type Errno, ESRCH, isErrno } from "../../abi/errno.ts";
import { RLIM_INFINITY, RLIM_NLIMITS } from "../../abi/resource.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { watchCpuLimit } from "../../task/interval-timers.ts";
import type { Limit } from "../../task/limits.ts";
import type { Process } from "../../task/process.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const RLIMIT_SIZE = 16;
/** fs.nr_open */
const NR_OPEN = 1_048_576;
const ALL_ONES = 0xffff_ffff;

/** RLIM_INFINITY is the u64 with all bits set. */
const decode = (view: DataView, at: number): number => {
  const lo = view.getUint32(at, true);
  const hi = view.getUint32(at + 4, true);
  return lo === ALL_ONES && hi === ALL_ONES ? RLIM_INFINITY : lo + hi * 2 ** 32;
};

const encode = (view: DataView, at: number, value: number): void => {
  const isInfinite = value === RLIM_INFINITY;
  view.setUint32(at, isInfinite ? ALL_ONES : value >>> 0, true);
  view.setUint32(at + 4, isInfinite ? ALL_ONES : Math.floor(value / 2 ** 32), true);
};

const read = (task: Task, addr: UserAddr): Limit | Errno => {
  const view = task.memory.viewIn(addr, RLIMIT_SIZE);
  return isErrno(view) ? EFAULT : { soft: decode(view, 0), hard: decode(view, 8) };
};

const write = (task: Task, addr: UserAddr, limit: Limit): number => {
  const bytes = new Uint8Array(RLIMIT_SIZE);
  const view = new DataView(bytes.buffer);
  encode(view, 0, limit.soft);
  encode(view, 8, limit.hard);
  return task.memory.copyOut(addr, bytes);
};

const isResource = (resource: number): boolean => resource >= 0 && resource < RLIM_NLIMITS;

/** do_prlimit */
const change = (task: Task, process: Process, resource: number, limit: Limit): 0 | Errno => {
  if (limit.soft > limit.hard) return EINVAL;
  if (resource === RLIMIT_NOFILE && limit.hard > NR_OPEN) return EPERM;
  if (limit.hard > process.limits.get(resource).hard && !task.creds.has(CAP_SYS_RESOURCE)) return EPERM;
  process.limits.set(resource, limit);
  if (resource === RLIMIT_CPU) watchCpuLimit(process);
  return 0;
};

/** getrlimit(2) */
export const sys_getrlimit = implement("getrlimit", { level: "full" }, (task, resource, addr) =>
  isResource(resource) ? write(task, addr, task.process.limits.get(resource)) : EINVAL,
);

/** setrlimit(2) */
export const sys_setrlimit = implement("setrlimit", { level: "full" }, (task, resource, addr) => {
  const limit = read(task, addr);
  if (isErrno(limit)) return limit;
  return isResource(resource) ? change(task, task.process, resource, limit) : EINVAL;
});

/** check_prlimit_permission */
const mayLimit = (task: Task, target: Task): boolean => {
  if (task.process === target.process) return true;
  const { uid, gid } = task.creds;
  const { creds } = target;
  const isSameUser = uid === creds.euid && uid === creds.suid && uid === creds.uid;
  const isSameGroup = gid === creds.egid && gid === creds.sgid && gid === creds.gid;
  return (isSameUser && isSameGroup) || task.creds.hasIn(creds.userNamespace, CAP_SYS_RESOURCE);
};

/** prlimit(2) */
export const sys_prlimit64 = implement("prlimit64", { level: "full" }, (task, pid, resource, newAddr, oldAddr) => {
  const limit = newAddr === 0 ? null : read(task, newAddr);
  if (isErrno(limit)) return limit;
  const target = pid === 0 ? task : task.pidNamespace.task(pid);
  if (target === null) return ESRCH;
  if (!mayLimit(task, target)) return EPERM;
  if (!isResource(resource)) return EINVAL;
  const old = target.process.limits.get(resource);
  if (limit !== null) {
    const refused = change(task, target.process, resource, limit);
    if (refused !== 0) return refused;
  }
  return oldAddr === 0 ? 0 : write(task, oldAddr, old);
});
