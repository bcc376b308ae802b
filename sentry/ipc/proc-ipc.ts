/** /proc/sysvipc/{msg,sem,shm}: one line for each object of the reader's namespace (sysvipc_*_proc_show). */
import { PAGE_SIZE } from "../abi/mman.ts";
import { procIpc } from "../fs/proc/registries.ts";
import type { Task } from "../task/task.ts";
import { ipcNamespaceOf } from "./ipc-namespace.ts";
import type { IpcPermission } from "./ipc-permission.ts";
import type { IpcObject, IpcTable } from "./ipc-table.ts";

const pad = (value: number, width: number): string => String(value).padStart(width);

const head = ({ key, id, mode }: IpcPermission): string => `${pad(key | 0, 10)} ${pad(id, 10)}  ${mode.toString(8).padStart(4)}`;

const owners = (task: Task, { uid, gid, creatorUid, creatorGid }: IpcPermission): string => {
  const ns = task.creds.userNamespace;
  return [ns.showUid(uid), ns.showGid(gid), ns.showUid(creatorUid), ns.showGid(creatorGid)].map((id) => pad(id, 5)).join(" ");
};

const times = (...seconds: readonly number[]): string => seconds.map((time) => pad(time, 10)).join(" ");

/** In the order of their places in the table. */
const lines = <T extends IpcObject>(table: IpcTable<T>, show: (object: T) => string): string => {
  let text = "";
  for (let index = 0; table.size > 0 && index <= table.maxIndex; index++) {
    const object = table.at(index);
    if (typeof object !== "number") text += `${show(object)}\n`;
  }
  return text;
};

export const registerProcIpc = (): void => {
  procIpc.set("msg", (task) =>
    lines(ipcNamespaceOf(task).messages, (mq) => {
      const { permission, byteCount, messages, lastSender, lastReceiver, sendTime, receiveTime, changeTime } = mq;
      const counts = `${pad(byteCount, 10)} ${pad(messages.length, 10)} ${pad(lastSender, 5)} ${pad(lastReceiver, 5)}`;
      return `${head(permission)}  ${counts} ${owners(task, permission)} ${times(sendTime, receiveTime, changeTime)}`;
    }),
  );
  procIpc.set("sem", (task) =>
    lines(ipcNamespaceOf(task).semaphores, ({ permission, values, operationTime, changeTime }) =>
      [head(permission), pad(values.length, 10), owners(task, permission), times(operationTime, changeTime)].join(" "),
    ),
  );
  procIpc.set("shm", (task) =>
    lines(ipcNamespaceOf(task).segments, (segment) => {
      const { permission, size, creator, lastUser, attachments, attachTime, detachTime, changeTime, inode } = segment;
      const use = `${pad(size, 21)} ${pad(creator, 5)} ${pad(lastUser, 5)}  ${pad(attachments, 5)}`;
      const memory = `${pad(inode.data.pages * PAGE_SIZE, 21)} ${pad(0, 21)}`;
      return `${head(permission)} ${use} ${owners(task, permission)} ${times(attachTime, detachTime, changeTime)} ${memory}`;
    }),
  );
};
