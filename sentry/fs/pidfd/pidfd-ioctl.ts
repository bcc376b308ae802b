/** ioctl(2) of a pidfd (fs/pidfs.c): what the process is, how it ended, and its namespaces. */
import { EACCES, EFAULT, EINVAL, ENOTTY, EREMOTE, ESRCH } from "../../abi/errno.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Pid } from "../../task/pid-namespace.ts";
import type { Process } from "../../task/process.ts";
import type { Task } from "../../task/task.ts";
import { openNamespaceOf } from "../proc/task-links.ts";

/** The command without the size that PIDFD_GET_INFO carries. */
const SIZE_SHIFT = 16;
const SIZE_MASK = 0x3fff;
const GET_INFO = 0xc000_ff0b;
const INFO_SIZE_MIN = 64;
/** struct pidfd_info of Linux 6.18 */
const INFO_SIZE = 72;

const PIDFD_INFO_PID = 1;
const PIDFD_INFO_CREDS = 2;
const PIDFD_INFO_CGROUPID = 4;
const PIDFD_INFO_EXIT = 8;
const PIDFD_INFO_COREDUMP = 16;

const PIDFD_COREDUMP_SKIP = 2;
const PIDFD_COREDUMP_USER = 4;
const PIDFD_COREDUMP_ROOT = 8;
/** By PR_SET_DUMPABLE. */
const coredumpMasks = [PIDFD_COREDUMP_SKIP, PIDFD_COREDUMP_USER, PIDFD_COREDUMP_ROOT];

/** The root of the hierarchy: what a container sees as its own. */
const ROOT_CGROUP_ID = 1;

/** PIDFD_GET_*_NAMESPACE from 0xff01 on, as /proc/PID/ns names them. */
const namespaces = ["cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"];
const GET_NAMESPACE = 0xff01;

const describe = (task: Task, target: Task, view: DataView, wanted: number): number => {
  const { process, creds } = target;
  const { userNamespace } = task.creds;
  const parent = process.parent?.leader.pid.in(task.pidNamespace) ?? 0;
  view.setUint32(16, target.pid.in(task.pidNamespace), true);
  view.setUint32(20, process.leader.pid.in(task.pidNamespace), true);
  view.setUint32(24, parent, true);
  const ids = [creds.uid, creds.gid, creds.euid, creds.egid, creds.suid, creds.sgid, creds.fsuid, creds.fsgid];
  ids.forEach((id, i) => {
    view.setUint32(28 + i * 4, i % 2 === 0 ? userNamespace.showUid(id) : userNamespace.showGid(id), true);
  });
  const told = PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID;
  if ((wanted & PIDFD_INFO_COREDUMP) === 0 || process.isZombie) return told;
  view.setUint32(64, coredumpMasks[process.dumpable] ?? PIDFD_COREDUMP_SKIP, true);
  return told | PIDFD_INFO_COREDUMP;
};

/** pidfd_info() */
const getInfo = (task: Task, process: Process, pid: Pid, target: Task | null, size: number, addr: number): number => {
  if (addr === 0) return EINVAL;
  const asked = task.memory.viewIn(addr, 8);
  if (typeof asked === "number") return EFAULT;
  const wanted = asked.getUint32(0, true);
  const bytes = new Uint8Array(Math.max(size, INFO_SIZE));
  const view = new DataView(bytes.buffer);
  let told: number;
  if (target === null) {
    if ((wanted & PIDFD_INFO_EXIT) === 0) return ESRCH;
    view.setInt32(60, process.exitStatus, true);
    told = PIDFD_INFO_EXIT | PIDFD_INFO_CGROUPID | (wanted & PIDFD_INFO_COREDUMP);
  } else {
    if (pid.in(task.pidNamespace) === 0) return EREMOTE;
    told = describe(task, target, view, wanted);
  }
  view.setUint32(0, told, true);
  view.setUint32(8, ROOT_CGROUP_ID, true);
  return task.memory.copyOut(addr, bytes.subarray(0, size));
};

/** `target` is null once the process is reaped. */
export const pidfdIoctl = (task: Task, process: Process, pid: Pid, target: Task | null, command: number, argument: number): number => {
  const size = (command >>> SIZE_SHIFT) & SIZE_MASK;
  if (command >>> 0 === GET_INFO + size * 2 ** SIZE_SHIFT) {
    return size < INFO_SIZE_MIN ? ENOTTY : getInfo(task, process, pid, target, size, argument);
  }
  const kind = namespaces[command - GET_NAMESPACE];
  if (kind === undefined) return ENOTTY;
  if (argument !== 0) return EINVAL;
  if (target === null) return ESRCH;
  return mayInspect(task, target, true) ? openNamespaceOf(task, target, kind) : EACCES;
};
