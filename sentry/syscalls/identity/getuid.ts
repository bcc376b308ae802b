import { EFAULT } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

/** getuid(2) */
export const sys_getuid = implement("getuid", { level: "full" }, ({ creds }) => creds.userNamespace.showUid(creds.uid));

/** geteuid(2) */
export const sys_geteuid = implement("geteuid", { level: "full" }, ({ creds }) => creds.userNamespace.showUid(creds.euid));

/** getgid(2) */
export const sys_getgid = implement("getgid", { level: "full" }, ({ creds }) => creds.userNamespace.showGid(creds.gid));

/** getegid(2) */
export const sys_getegid = implement("getegid", { level: "full" }, ({ creds }) => creds.userNamespace.showGid(creds.egid));

/** getresuid(2) */
export const sys_getresuid = implement("getresuid", { level: "full" }, ({ creds, memory }, realAddr, effectiveAddr, savedAddr) => {
  const { userNamespace } = creds;
  if (memory.storeU32(realAddr, userNamespace.showUid(creds.uid)) < 0) return EFAULT;
  if (memory.storeU32(effectiveAddr, userNamespace.showUid(creds.euid)) < 0) return EFAULT;
  return memory.storeU32(savedAddr, userNamespace.showUid(creds.suid));
});

/** getresgid(2) */
export const sys_getresgid = implement("getresgid", { level: "full" }, ({ creds, memory }, realAddr, effectiveAddr, savedAddr) => {
  const { userNamespace } = creds;
  if (memory.storeU32(realAddr, userNamespace.showGid(creds.gid)) < 0) return EFAULT;
  if (memory.storeU32(effectiveAddr, userNamespace.showGid(creds.egid)) < 0) return EFAULT;
  return memory.storeU32(savedAddr, userNamespace.showGid(creds.sgid));
});
