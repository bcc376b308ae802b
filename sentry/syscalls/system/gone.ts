/** Numbers that Linux 6.18 answers with ENOSYS everywhere: removed calls, and those that were never there (sys_ni_syscall). */
import { ENOSYS } from "../../abi/errno.ts";
import { type Implementation, implement } from "../implement.ts";

const gone = () => ENOSYS;

export const goneSyscalls: Implementation[] = [
  implement("uselib", { level: "full" }, gone),
  implement("create_module", { level: "full" }, gone),
  implement("get_kernel_syms", { level: "full" }, gone),
  implement("query_module", { level: "full" }, gone),
  implement("nfsservctl", { level: "full" }, gone),
  implement("getpmsg", { level: "full" }, gone),
  implement("putpmsg", { level: "full" }, gone),
  implement("afs_syscall", { level: "full" }, gone),
  implement("tuxcall", { level: "full" }, gone),
  implement("security", { level: "full" }, gone),
  implement("lookup_dcookie", { level: "full" }, gone),
  implement("epoll_ctl_old", { level: "full" }, gone),
  implement("epoll_wait_old", { level: "full" }, gone),
  implement("vserver", { level: "full" }, gone),
];

const WITHOUT_MODULES = "as on a kernel without loadable modules: ENOSYS";
const WITHOUT_KEXEC = "as on a kernel without kexec: ENOSYS";

export const absentSyscalls: Implementation[] = [
  implement("init_module", { level: "partial", note: WITHOUT_MODULES }, gone),
  implement("finit_module", { level: "partial", note: WITHOUT_MODULES }, gone),
  implement("delete_module", { level: "partial", note: WITHOUT_MODULES }, gone),
  implement("kexec_load", { level: "partial", note: WITHOUT_KEXEC }, gone),
  implement("kexec_file_load", { level: "partial", note: WITHOUT_KEXEC }, gone),
];
