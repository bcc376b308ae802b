import { BPF_MAP_CREATE, CAP_SYS_PACCT } from "../../../syscall-tables/flags/system.ts";
import { E2BIG, EFAULT, EINVAL, ENOSYS, EPERM, isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

const PAGE_SIZE = 4096;
/** BPF_TOKEN_CREATE, BPF_PROG_STREAM_READ_BY_FD: the last of Linux 6.18. */
const LAST_COMMAND = 37;

/** bpf(2): as where kernel.unprivileged_bpf_disabled is set, whatever the caller's capabilities. */
export const sys_bpf = implement("bpf", { level: "partial", note: "no program and no map: EPERM" }, (task, command, attrAddr, size) => {
  if (size > PAGE_SIZE) return E2BIG;
  if (size > 0 && isErrno(task.memory.viewIn(attrAddr, size))) return EFAULT;
  return command < BPF_MAP_CREATE || command > LAST_COMMAND ? EINVAL : EPERM;
});

/** acct(2) */
export const sys_acct = implement("acct", { level: "partial", note: "nothing is recorded: ENOSYS with CAP_SYS_PACCT" }, (task) =>
  task.creds.has(CAP_SYS_PACCT) ? ENOSYS : EPERM,
);
