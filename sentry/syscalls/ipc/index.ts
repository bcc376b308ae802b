import { registerProcIpc } from "../../ipc/proc-ipc.ts";
import { registerSemaphoreUndo } from "../../ipc/semaphore-undo.ts";
import { registerIpcSysctls } from "../../ipc/sysctl.ts";
import type { Implementation } from "../implement.ts";
import { sys_mq_getsetattr, sys_mq_notify, sys_mq_open, sys_mq_unlink } from "./mq.ts";
import { sys_mq_timedreceive, sys_mq_timedsend } from "./mq-transfer.ts";
import { sys_msgget, sys_msgrcv, sys_msgsnd } from "./msg.ts";
import { sys_msgctl } from "./msgctl.ts";
import { sys_semget, sys_semop, sys_semtimedop } from "./sem.ts";
import { sys_semctl } from "./semctl.ts";
import { sys_shmat, sys_shmdt, sys_shmget } from "./shm.ts";
import { sys_shmctl } from "./shmctl.ts";

registerSemaphoreUndo();
registerIpcSysctls();
registerProcIpc();

export const ipcSyscalls: Implementation[] = [
  sys_semget,
  sys_semop,
  sys_semtimedop,
  sys_semctl,
  sys_msgget,
  sys_msgsnd,
  sys_msgrcv,
  sys_msgctl,
  sys_shmget,
  sys_shmat,
  sys_shmdt,
  sys_shmctl,
  sys_mq_open,
  sys_mq_unlink,
  sys_mq_timedsend,
  sys_mq_timedreceive,
  sys_mq_notify,
  sys_mq_getsetattr,
];
