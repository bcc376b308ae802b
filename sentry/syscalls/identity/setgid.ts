import { CAP_SETGID } from "../../../syscall-tables/flags/system.ts";
import { EINVAL, type Errno, isErrno } from "../../abi/errno.ts";
import { commitCreds } from "../../task/commit-creds.ts";
import { gidsOf, type Ids, setAll, setId, setRealEffective, UNCHANGED, withGids } from "../../task/set-ids.ts";
import type { Task } from "../../task/task.ts";
import { INVALID_ID } from "../../task/user-namespace.ts";
import { implement } from "../implement.ts";

const isPrivileged = ({ creds }: Task): boolean => creds.hasIn(creds.userNamespace, CAP_SETGID);

const apply = (task: Task, ids: Ids | Errno): number => {
  if (isErrno(ids)) return ids;
  commitCreds(task, withGids(task.creds, ids));
  return 0;
};

const isUnmapped = (task: Task, gid: number): boolean => gid !== UNCHANGED && task.creds.userNamespace.toKgid(gid) === INVALID_ID;
const toKgid = (task: Task, gid: number): number => (gid === UNCHANGED ? UNCHANGED : task.creds.userNamespace.toKgid(gid));

/** setgid(2) */
export const sys_setgid = implement("setgid", { level: "full" }, (task, gid) => {
  const kgid = task.creds.userNamespace.toKgid(gid);
  return kgid === INVALID_ID ? EINVAL : apply(task, setId(gidsOf(task.creds), kgid, isPrivileged(task)));
});

/** setregid(2) */
export const sys_setregid = implement("setregid", { level: "full" }, (task, real, effective) => {
  if (isUnmapped(task, real) || isUnmapped(task, effective)) return EINVAL;
  return apply(task, setRealEffective(gidsOf(task.creds), toKgid(task, real), toKgid(task, effective), isPrivileged(task)));
});

/** setresgid(2) */
export const sys_setresgid = implement("setresgid", { level: "full" }, (task, real, effective, saved) => {
  if (isUnmapped(task, real) || isUnmapped(task, effective) || isUnmapped(task, saved)) return EINVAL;
  const ids = setAll(gidsOf(task.creds), toKgid(task, real), toKgid(task, effective), toKgid(task, saved), isPrivileged(task));
  return apply(task, ids);
});

/** setfsgid(2): returns the old id and tells errors by nothing else. */
export const sys_setfsgid = implement("setfsgid", { level: "full" }, (task, gid) => {
  const { creds } = task;
  const old = creds.userNamespace.showGid(creds.fsgid);
  const kgid = creds.userNamespace.toKgid(gid);
  if (kgid === INVALID_ID || kgid === creds.fsgid) return old;
  if (kgid === creds.gid || kgid === creds.egid || kgid === creds.sgid || isPrivileged(task))
    commitCreds(task, creds.with({ fsgid: kgid }));
  return old;
});
