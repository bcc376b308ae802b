/** System V IPC: shmget(2), semctl(2), msgop(2). */
import { enumeration, flagSet } from "./flag-set.ts";

export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const SHM_HUGETLB = 0o4000;
export const SHM_NORESERVE = 0o10000;
export const ipcGetFlags = flagSet(
  "ignored",
  { IPC_CREAT, IPC_EXCL, SHM_HUGETLB, SHM_NORESERVE },
  { fields: [{ mask: 0o777, names: {}, style: "octal" }] },
);

export const IPC_NOWAIT = 0o4000;
export const IPC_PRIVATE = 0;

export const SHM_RDONLY = 0o10000;
export const SHM_RND = 0o20000;
export const SHM_REMAP = 0o40000;
export const SHM_EXEC = 0o100000;
export const shmatFlags = flagSet("ignored", { SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC });

export const MSG_NOERROR = 0o10000;
export const MSG_EXCEPT = 0o20000;
export const MSG_COPY = 0o40000;
export const msgopFlags = flagSet("ignored", { IPC_NOWAIT, MSG_NOERROR, MSG_EXCEPT, MSG_COPY });

export const IPC_RMID = 0;
export const IPC_SET = 1;
export const IPC_STAT = 2;
export const IPC_INFO = 3;
export const ipcCtlNames = enumeration({ IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO });

export const GETPID = 11;
export const GETVAL = 12;
export const GETALL = 13;
export const GETNCNT = 14;
export const GETZCNT = 15;
export const SETVAL = 16;
export const SETALL = 17;
export const SEM_STAT = 18;
export const SEM_INFO = 19;
export const SEM_STAT_ANY = 20;
export const semCtlNames = enumeration({
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  IPC_INFO,
  GETPID,
  GETVAL,
  GETALL,
  GETNCNT,
  GETZCNT,
  SETVAL,
  SETALL,
  SEM_STAT,
  SEM_INFO,
  SEM_STAT_ANY,
});

export const SHM_LOCK = 11;
export const SHM_UNLOCK = 12;
export const SHM_STAT = 13;
export const SHM_INFO = 14;
export const SHM_STAT_ANY = 15;
export const shmCtlNames = enumeration({ IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO, SHM_LOCK, SHM_UNLOCK, SHM_STAT, SHM_INFO, SHM_STAT_ANY });

export const MSG_STAT = 11;
export const MSG_INFO = 12;
export const MSG_STAT_ANY = 13;
export const msgCtlNames = enumeration({ IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO, MSG_STAT, MSG_INFO, MSG_STAT_ANY });

export const SEM_UNDO = 0x1000;
/** sembuf.sem_flg: semop(2). */
export const semFlags = flagSet("ignored", { IPC_NOWAIT, SEM_UNDO });
