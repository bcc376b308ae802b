import type { Implementation } from "../implement.ts";
import { sys_getrandom } from "./getrandom.ts";
import { sys__sysctl, sys_ioperm, sys_iopl, sys_reboot } from "./machine.ts";
import { sys_sysinfo } from "./sysinfo.ts";
import { sys_syslog } from "./syslog.ts";
import { sys_setdomainname, sys_sethostname, sys_uname } from "./uname.ts";

export const systemSyscalls: Implementation[] = [
  sys__sysctl,
  sys_getrandom,
  sys_ioperm,
  sys_iopl,
  sys_reboot,
  sys_setdomainname,
  sys_sethostname,
  sys_sysinfo,
  sys_syslog,
  sys_uname,
];
