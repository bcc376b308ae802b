import { IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, MSG_INFO, MSG_STAT, MSG_STAT_ANY } from "../../../syscall-tables/flags/ipc.ts";
import { CAP_SYS_RESOURCE } from "../../../syscall-tables/flags/system.ts";

import { EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import { type IpcNamespace, ipcNamespaceOf, ipcTime } from "../../ipc/ipc-namespace.ts";
import { IPC_READ } from "../../ipc/ipc-permission.ts";
import type { MessageQueue } from "../../ipc/message-queue.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

/** sizeof(struct msqid64_ds) on x86-64 */
const MSQID_DS_SIZE = 120;
/** sizeof(struct msginfo) */
const MSGINFO_SIZE = 32;
const MSGSSZ = 16;
const MSGSEG = 0xffff;

const storeQueue = (task: Task, mq: MessageQueue, addr: UserAddr): number => {
  const view = new DataView(new ArrayBuffer(MSQID_DS_SIZE));
  mq.permission.store(view);
  view.setBigInt64(48, BigInt(mq.sendTime), true);
  view.setBigInt64(56, BigInt(mq.receiveTime), true);
  view.setBigInt64(64, BigInt(mq.changeTime), true);
  view.setUint32(72, mq.byteCount, true);
  view.setUint32(80, mq.messages.length, true);
  view.setBigUint64(88, BigInt(mq.maxBytes), true);
  view.setInt32(96, mq.lastSender, true);
  view.setInt32(100, mq.lastReceiver, true);
  return task.memory.copyOut(addr, new Uint8Array(view.buffer));
};

const storeInfo = (task: Task, { messages, limits }: IpcNamespace, addr: UserAddr, isUsage: boolean): number => {
  let count = 0;
  let bytes = 0;
  for (const mq of messages.values()) {
    count += mq.messages.length;
    bytes += mq.byteCount;
  }
  const view = new DataView(new ArrayBuffer(MSGINFO_SIZE));
  const { msgmax, msgmnb, msgmni } = limits;
  const pool = Math.floor((msgmni * msgmnb) / 1024);
  const words = [isUsage ? messages.size : pool, isUsage ? count : msgmnb, msgmax, msgmnb, msgmni, MSGSSZ, isUsage ? bytes : msgmnb];
  words.forEach((word, i) => {
    view.setInt32(i * 4, word, true);
  });
  view.setUint16(28, MSGSEG, true);
  const error = task.memory.copyOut(addr, new Uint8Array(view.buffer));
  return error < 0 ? error : messages.maxIndex;
};

const setQueue = (task: Task, mq: MessageQueue, addr: UserAddr): number => {
  const view = task.memory.viewIn(addr, MSQID_DS_SIZE);
  if (typeof view === "number") return EFAULT;
  const error = mq.permission.checkOwner(task);
  if (error < 0) return error;
  const maxBytes = Number(view.getBigUint64(88, true));
  if (maxBytes > ipcNamespaceOf(task).limits.msgmnb && !task.creds.has(CAP_SYS_RESOURCE)) return EPERM;
  mq.permission.update(view);
  mq.maxBytes = maxBytes;
  mq.changeTime = ipcTime(task);
  // Senders may fit now.
  mq.queue.notify();
  return 0;
};

/** msgctl(2) */
export const sys_msgctl = implement("msgctl", { level: "full" }, (task, id, command, addr) => {
  if (id < 0 || command < 0) return EINVAL;
  const namespace = ipcNamespaceOf(task);
  const { messages } = namespace;
  if (command === IPC_INFO || command === MSG_INFO) return storeInfo(task, namespace, addr, command === MSG_INFO);
  const isByIndex = command === MSG_STAT || command === MSG_STAT_ANY;
  const mq = isByIndex ? messages.at(id) : messages.get(id);
  if (isErrno(mq)) return EINVAL;
  switch (command) {
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: {
      const error = command === MSG_STAT_ANY ? 0 : mq.permission.check(task, IPC_READ);
      return error || storeQueue(task, mq, addr) || (isByIndex ? mq.permission.id : 0);
    }
    case IPC_SET:
      return setQueue(task, mq, addr);
    case IPC_RMID: {
      const error = mq.permission.checkOwner(task);
      if (error < 0) return error;
      messages.remove(mq);
      mq.destroy();
      return 0;
    }
    default:
      return EINVAL;
  }
});
