/** System V IPC and POSIX message queues. */
import {
  addr,
  choice,
  fd,
  flags,
  inArray,
  inBytes,
  inStruct,
  int,
  long,
  mode,
  msgbufIn,
  outBytes,
  outStruct,
  path,
  sig,
  sigReturning,
  size,
  uint,
  ulong,
} from "../kinds.ts";

export const ipc = {
  shmget: sig(int("key"), size("size"), flags("shmflg", "ipc_get")),
  shmat: sigReturning("addr", int("shmid"), addr("shmaddr"), flags("shmflg", "shmat")),
  shmdt: sig(addr("shmaddr")),
  // The buffers of the ctl calls depend on cmd.
  shmctl: sig(int("shmid"), choice("cmd", "shm_ctl"), addr("buf")),
  semget: sig(int("key"), int("nsems"), flags("semflg", "ipc_get")),
  semop: sig(int("semid"), inArray("sops", "sembuf", 6, "nsops"), uint("nsops")),
  semtimedop: sig(int("semid"), inArray("sops", "sembuf", 6, "nsops"), uint("nsops"), inStruct("timeout", "timespec", 16)),
  semctl: sig(int("semid"), int("semnum"), choice("cmd", "sem_ctl"), ulong("arg")),
  msgget: sig(int("key"), flags("msgflg", "ipc_get")),
  // A struct msgbuf is msgsz bytes behind a long: see msgop(2).
  msgsnd: sig(int("msqid"), msgbufIn("msgp", "msgsz"), size("msgsz"), flags("msgflg", "msgop")),
  msgrcv: sigReturning("size", int("msqid"), addr("msgp"), size("msgsz"), long("msgtyp"), flags("msgflg", "msgop")),
  msgctl: sig(int("msqid"), choice("cmd", "msg_ctl"), addr("buf")),

  mq_open: sigReturning("fd", path("u_name"), flags("oflag", "open"), mode("mode"), inStruct("u_attr", "mq_attr", 64)),
  mq_unlink: sig(path("u_name")),
  mq_timedsend: sig(
    fd("mqdes"),
    inBytes("u_msg_ptr", "msg_len"),
    size("msg_len"),
    uint("msg_prio"),
    inStruct("u_abs_timeout", "timespec", 16),
  ),
  mq_timedreceive: sigReturning(
    "size",
    fd("mqdes"),
    outBytes("u_msg_ptr", "msg_len"),
    size("msg_len"),
    outStruct("u_msg_prio", "uint", 4),
    inStruct("u_abs_timeout", "timespec", 16),
  ),
  mq_notify: sig(fd("mqdes"), inStruct("u_notification", "sigevent", 64)),
  mq_getsetattr: sig(fd("mqdes"), inStruct("u_mqstat", "mq_attr", 64), outStruct("u_omqstat", "mq_attr", 64)),
} as const;
