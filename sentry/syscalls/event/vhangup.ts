import { CAP_SYS_TTY_CONFIG } from "../../../syscall-tables/flags/system.ts";
import { EPERM } from "../../abi/errno.ts";
import { controllingTerminal } from "../../fs/tty/job-control.ts";
import { implement } from "../implement.ts";

/** vhangup(2) */
export const sys_vhangup = implement("vhangup", { level: "full" }, (task) => {
  if (!task.creds.has(CAP_SYS_TTY_CONFIG)) return EPERM;
  controllingTerminal(task.process)?.hangUp();
  return 0;
});
