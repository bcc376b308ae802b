import { SIGHUP, SIGINT, SIGKILL } from "../../../syscall-tables/flags/signal.ts";
import {
  CAP_SYS_BOOT,
  LINUX_REBOOT_CMD_CAD_OFF,
  LINUX_REBOOT_CMD_CAD_ON,
  LINUX_REBOOT_CMD_HALT,
  LINUX_REBOOT_CMD_POWER_OFF,
  LINUX_REBOOT_CMD_RESTART,
  LINUX_REBOOT_CMD_RESTART2,
} from "../../../syscall-tables/flags/system.ts";
import { EINVAL, ENOSYS, EPERM } from "../../abi/errno.ts";

import { signalStatus } from "../../abi/wait.ts";
import { exitGroup } from "../../task/exit-request.ts";
import { implement } from "../implement.ts";

const LINUX_REBOOT_MAGIC1 = 0xfee1dead;
const MAGIC2 = [672274793, 85072278, 369367448, 537993216];

/** reboot(2): the sandbox is like a pid namespace, whose init dies of it (reboot_pid_ns). */
export const sys_reboot = implement("reboot", { level: "full" }, (task, magic1, magic2, command) => {
  const namespace = task.pidNamespace;
  if (!task.creds.hasIn(namespace.userNamespace, CAP_SYS_BOOT)) return EPERM;
  if (magic1 !== LINUX_REBOOT_MAGIC1 || !MAGIC2.includes(magic2)) return EINVAL;
  switch (command) {
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
      if (namespace.init !== null) exitGroup(namespace.init, signalStatus(SIGHUP));
      break;
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
      if (namespace.init !== null) exitGroup(namespace.init, signalStatus(SIGINT));
      break;
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
      return EINVAL;
    default:
      return EINVAL;
  }
  exitGroup(task.process, signalStatus(SIGKILL));
  return 0;
});

/** iopl(2), ioperm(2): no sandbox gets at ports. */
export const sys_iopl = implement("iopl", { level: "full" }, (_task, level) => (level > 3 ? EINVAL : level === 0 ? 0 : EPERM));
export const sys_ioperm = implement("ioperm", { level: "full" }, (_task, from, count, turnOn) =>
  from + count > 65536 ? EINVAL : turnOn === 0 ? 0 : EPERM,
);

/** sysctl(2), gone since Linux 5.5 */
export const sys__sysctl = implement("_sysctl", { level: "full" }, () => ENOSYS);
