/** SCM_RIGHTS and SCM_CREDENTIALS (unix(7), net/core/scm.c). */

import { MSG_CMSG_CLOEXEC, MSG_CTRUNC, SCM_CREDENTIALS, SCM_PIDFD, SCM_RIGHTS } from "../../../syscall-tables/flags/socket.ts";
import { SOL_SOCKET } from "../../../syscall-tables/flags/socket-options.ts";
import { CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { OVERFLOW_ID } from "../../../syscall-tables/limits.ts";

import { EBADF, EINVAL, EPERM, ESRCH } from "../../abi/errno.ts";
import { createPidfd } from "../../fs/pidfd/pidfd.ts";
import type { Task } from "../../task/task.ts";
import { INVALID_ID } from "../../task/user-namespace.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { type ControlMessage, int32At, int32Bytes, uint32At } from "../control.ts";
import type { ReceiveMessage, SendMessage, SocketCredentials } from "../message.ts";
import { mayHaveInFlight, type Rights } from "./rights.ts";

const SCM_MAX_FD = 253;
const UCRED_SIZE = 12;

/** The caller as SO_PEERCRED and SCM_CREDENTIALS show it: the process, and its real or effective ids. */
export const credentialsOf = (task: Task, which: "real" | "effective"): SocketCredentials => {
  const { creds } = task;
  return {
    pid: task.process.leader.pid,
    uid: which === "real" ? creds.uid : creds.euid,
    gid: which === "real" ? creds.gid : creds.egid,
  };
};

export const sameCredentials = (a: SocketCredentials | null, b: SocketCredentials | null): boolean => {
  if (a === null || b === null) return a === b;
  return a.pid === b.pid && a.uid === b.uid && a.gid === b.gid;
};

/** struct ucred as `task` sees it. */
export const encodeCredentials = (task: Task, credentials: SocketCredentials | null): Uint8Array => {
  if (credentials === null) return int32Bytes(0, OVERFLOW_ID, OVERFLOW_ID);
  const ns = task.creds.userNamespace;
  return int32Bytes(credentials.pid?.in(task.pidNamespace) ?? 0, ns.showUid(credentials.uid), ns.showGid(credentials.gid));
};

/** scm_fp_copy(): adds references to `message.rights`. */
const addRights = (task: Task, message: SendMessage, data: Uint8Array): number => {
  const count = data.length >> 2;
  if (count === 0) return 0;
  if (count > SCM_MAX_FD) return EINVAL;
  message.rights ??= [];
  if (message.rights.length + count > SCM_MAX_FD) return EINVAL;
  for (let i = 0; i < count; i++) {
    const file: OpenFile | null = task.files.get(int32At(data, i * 4));
    if (file === null) return EBADF;
    message.rights.push(file.take());
  }
  return 0;
};

/** scm_check_creds(): may the caller say that it is this? */
const readCredentials = (task: Task, message: SendMessage, data: Uint8Array): number => {
  if (data.length !== UCRED_SIZE) return EINVAL;
  const { creds } = task;
  const ns = creds.userNamespace;
  const number = int32At(data, 0);
  const uid = ns.toKuid(uint32At(data, 4));
  const gid = ns.toKgid(uint32At(data, 8));
  if (uid === INVALID_ID || gid === INVALID_ID) return EINVAL;
  const own = task.process.leader.pid;
  const isOwnPid = number === own.in(task.pidNamespace);
  if (!isOwnPid && !creds.hasIn(task.pidNamespace.userNamespace, CAP_SYS_ADMIN)) return EPERM;
  if (uid !== creds.uid && uid !== creds.euid && uid !== creds.suid && !creds.hasIn(ns, CAP_SETUID)) return EPERM;
  if (gid !== creds.gid && gid !== creds.egid && gid !== creds.sgid && !creds.hasIn(ns, CAP_SETGID)) return EPERM;
  const pid = isOwnPid ? own : task.pidNamespace.pid(number);
  if (pid === null) return ESRCH;
  message.credentials = { pid, uid, gid };
  return 0;
};

/** __scm_send(): what is not of level SOL_SOCKET is passed over. 0 or an errno. */
export const prepareScm = (task: Task, message: SendMessage, control: ControlMessage[]): number => {
  for (const { level, type, data } of control) {
    if (level !== SOL_SOCKET) continue;
    let error: number;
    if (type === SCM_RIGHTS) error = addRights(task, message, data);
    else if (type === SCM_CREDENTIALS) error = readCredentials(task, message, data);
    else error = EINVAL;
    if (error < 0) return error;
  }
  return message.rights === null ? 0 : mayHaveInFlight(task);
};

/** What a receiver asks for, and gets with the data (scm_recv_unix). */
export interface ScmWishes {
  readonly passCredentials: boolean;
  readonly passPidfd: boolean;
  readonly passRights: boolean;
}

export const deliverScm = (
  task: Task,
  message: ReceiveMessage,
  wishes: ScmWishes,
  credentials: SocketCredentials | null,
  rights: Rights | null,
  isPeek: boolean,
): void => {
  if (message.control === null) {
    if (wishes.passCredentials || wishes.passPidfd || rights !== null) message.outFlags |= MSG_CTRUNC;
    if (!isPeek) rights?.drop();
    return;
  }
  if (wishes.passCredentials) message.putControl(SOL_SOCKET, SCM_CREDENTIALS, encodeCredentials(task, credentials));
  const isCloexec = (message.flags & MSG_CMSG_CLOEXEC) !== 0;
  if (rights !== null) {
    const files = isPeek ? rights.duplicate() : rights.detach();
    if (!message.control.putRights(task, files, isCloexec)) message.outFlags |= MSG_CTRUNC;
  }
  if (wishes.passPidfd) putPidfd(task, message, credentials, isCloexec);
};

const putPidfd = (task: Task, message: ReceiveMessage, credentials: SocketCredentials | null, isCloexec: boolean): void => {
  const process = credentials?.pid?.task?.process ?? null;
  if (process === null) return;
  const file = createPidfd(process, 0);
  const fd = task.files.install(file, isCloexec);
  if (fd < 0) {
    file.put();
    message.outFlags |= MSG_CTRUNC;
  } else message.putControl(SOL_SOCKET, SCM_PIDFD, int32Bytes(fd));
};
