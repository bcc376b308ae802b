import type { Implementation } from "../implement.ts";
import { sys_capget, sys_capset } from "./capability.ts";
import { sys_getegid, sys_geteuid, sys_getgid, sys_getresgid, sys_getresuid, sys_getuid } from "./getuid.ts";
import { sys_getgroups, sys_setgroups } from "./groups.ts";
import { sys_setfsgid, sys_setgid, sys_setregid, sys_setresgid } from "./setgid.ts";
import { sys_setfsuid, sys_setresuid, sys_setreuid, sys_setuid } from "./setuid.ts";

export const identitySyscalls: Implementation[] = [
  sys_capget,
  sys_capset,
  sys_getegid,
  sys_geteuid,
  sys_getgid,
  sys_getgroups,
  sys_getresgid,
  sys_getresuid,
  sys_getuid,
  sys_setfsgid,
  sys_setfsuid,
  sys_setgid,
  sys_setgroups,
  sys_setregid,
  sys_setresgid,
  sys_setresuid,
  sys_setreuid,
  sys_setuid,
];
