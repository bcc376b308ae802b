import type { Implementation } from "../implement.ts";
import { sys_acct, sys_bpf } from "./bpf.ts";
import { sys_getrandom } from "./getrandom.ts";
import { absentSyscalls, goneSyscalls } from "./gone.ts";
import { sys_landlock_add_rule, sys_landlock_create_ruleset, sys_landlock_restrict_self } from "./landlock.ts";
import { sys_lsm_get_self_attr, sys_lsm_list_modules, sys_lsm_set_self_attr } from "./lsm.ts";
import { sys__sysctl, sys_ioperm, sys_iopl, sys_reboot } from "./machine.ts";
import { sys_sysinfo } from "./sysinfo.ts";
import { sys_syslog } from "./syslog.ts";
import { sys_setdomainname, sys_sethostname, sys_uname } from "./uname.ts";

export const systemSyscalls: Implementation[] = [
  ...absentSyscalls,
  ...goneSyscalls,
  sys__sysctl,
  sys_acct,
  sys_bpf,
  sys_getrandom,
  sys_ioperm,
  sys_iopl,
  sys_landlock_add_rule,
  sys_landlock_create_ruleset,
  sys_landlock_restrict_self,
  sys_lsm_get_self_attr,
  sys_lsm_list_modules,
  sys_lsm_set_self_attr,
  sys_reboot,
  sys_setdomainname,
  sys_sethostname,
  sys_sysinfo,
  sys_syslog,
  sys_uname,
];
