import {
  CAP_SYSLOG,
  SYSLOG_ACTION_CLEAR,
  SYSLOG_ACTION_CLOSE,
  SYSLOG_ACTION_CONSOLE_LEVEL,
  SYSLOG_ACTION_CONSOLE_OFF,
  SYSLOG_ACTION_CONSOLE_ON,
  SYSLOG_ACTION_OPEN,
  SYSLOG_ACTION_READ,
  SYSLOG_ACTION_READ_ALL,
  SYSLOG_ACTION_READ_CLEAR,
  SYSLOG_ACTION_SIZE_BUFFER,
  SYSLOG_ACTION_SIZE_UNREAD,
} from "../../../syscall-tables/flags/system.ts";
import { EINVAL, EPERM } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

const BUFFER_SIZE = 1 << 17;

/** syslog(2): a ring that is empty, guarded as with dmesg_restrict. */
export const sys_syslog = implement(
  "syslog",
  { level: "partial", note: "the ring is empty; reading it never waits" },
  (task, type, addr, length) => {
    if (!task.creds.has(CAP_SYSLOG)) return EPERM;
    switch (type) {
      case SYSLOG_ACTION_READ:
      case SYSLOG_ACTION_READ_ALL:
      case SYSLOG_ACTION_READ_CLEAR:
        return addr === 0 || length < 0 ? EINVAL : 0;
      case SYSLOG_ACTION_CONSOLE_LEVEL:
        return length < 1 || length > 8 ? EINVAL : 0;
      case SYSLOG_ACTION_CLOSE:
      case SYSLOG_ACTION_OPEN:
      case SYSLOG_ACTION_CLEAR:
      case SYSLOG_ACTION_CONSOLE_OFF:
      case SYSLOG_ACTION_CONSOLE_ON:
      case SYSLOG_ACTION_SIZE_UNREAD:
        return 0;
      case SYSLOG_ACTION_SIZE_BUFFER:
        return BUFFER_SIZE;
      default:
        return EINVAL;
    }
  },
);
