/** Users, groups, capabilities. */
import { gid, inArray, inOutStruct, inStruct, int, outArray, outStruct, sig, uid } from "../kinds.ts";

export const identity = {
  getuid: sig(),
  getgid: sig(),
  geteuid: sig(),
  getegid: sig(),
  setuid: sig(uid("uid")),
  setgid: sig(gid("gid")),
  setreuid: sig(uid("ruid"), uid("euid")),
  setregid: sig(gid("rgid"), gid("egid")),
  setresuid: sig(uid("ruid"), uid("euid"), uid("suid")),
  setresgid: sig(gid("rgid"), gid("egid"), gid("sgid")),
  getresuid: sig(outStruct("ruid", "uint", 4), outStruct("euid", "uint", 4), outStruct("suid", "uint", 4)),
  getresgid: sig(outStruct("rgid", "uint", 4), outStruct("egid", "uint", 4), outStruct("sgid", "uint", 4)),
  setfsuid: sig(uid("uid")),
  setfsgid: sig(gid("gid")),
  getgroups: sig(int("gidsetsize"), outArray("grouplist", "uint", 4, "gidsetsize")),
  setgroups: sig(int("gidsetsize"), inArray("grouplist", "uint", 4, "gidsetsize")),
  capget: sig(inOutStruct("header", "cap_header", 8), outStruct("dataptr", "cap_data[2]", 24)),
  capset: sig(inOutStruct("header", "cap_header", 8), inStruct("data", "cap_data[2]", 24)),
} as const;
