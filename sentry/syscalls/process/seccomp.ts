import {
  SECCOMP_GET_ACTION_AVAIL,
  SECCOMP_GET_NOTIF_SIZES,
  SECCOMP_SET_MODE_FILTER,
  SECCOMP_SET_MODE_STRICT,
} from "../../../syscall-tables/flags/prctl.ts";
import { EFAULT, EINVAL, EOPNOTSUPP } from "../../abi/errno.ts";
import { DATA_SIZE, NOTIF_SIZE, RESPONSE_SIZE } from "../../fs/seccomp/listener.ts";
import {
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_USER_NOTIF,
} from "../../task/seccomp.ts";
import { setFilter, setStrict } from "../../task/set-seccomp.ts";
import { implement } from "../implement.ts";

const ACTIONS = [
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_LOG,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_USER_NOTIF,
];

/** seccomp(2) */
export const sys_seccomp = implement("seccomp", { level: "full" }, (task, op, flags, argsAddr) => {
  switch (op) {
    case SECCOMP_SET_MODE_STRICT:
      return flags !== 0 || argsAddr !== 0 ? EINVAL : setStrict(task);
    case SECCOMP_SET_MODE_FILTER:
      return setFilter(task, flags, argsAddr);
    case SECCOMP_GET_ACTION_AVAIL: {
      if (flags !== 0) return EINVAL;
      const action = task.memory.loadU32(argsAddr);
      if (action < 0) return EFAULT;
      return ACTIONS.includes(action) ? 0 : EOPNOTSUPP;
    }
    case SECCOMP_GET_NOTIF_SIZES: {
      if (flags !== 0) return EINVAL;
      const sizes = new Uint8Array(new Uint16Array([NOTIF_SIZE, RESPONSE_SIZE, DATA_SIZE]).buffer);
      return task.memory.copyOut(argsAddr, sizes);
    }
    default:
      return EINVAL;
  }
});
