import { CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_VFORK, CLONE_VM, CSIGNAL } from "../../../syscall-tables/flags/process.ts";
import { SIGCHLD } from "../../../syscall-tables/flags/signal.ts";
import { EINVAL } from "../../abi/errno.ts";

import { clone, forkOptions } from "../../task/clone.ts";
import { implement } from "../implement.ts";

/** clone(2). Its flags word also carries the exit signal; CLONE_PIDFD uses the parent_tid argument. */
export const sys_clone = implement("clone", { level: "full" }, (task, flags, newsp, parentTidAddr, childTidAddr, tls) => {
  if ((flags & CLONE_PIDFD) !== 0 && (flags & CLONE_PARENT_SETTID) !== 0) return EINVAL;
  return clone(task, {
    flags: (flags & ~CSIGNAL) >>> 0,
    clearsHandlers: false,
    exitSignal: flags & CSIGNAL,
    stackAddr: newsp,
    tlsAddr: tls,
    parentTidAddr,
    childTidAddr,
    pidfdAddr: parentTidAddr,
    wantedIds: [],
  });
});

/** fork(2) */
export const sys_fork = implement("fork", { level: "full" }, (task) => clone(task, forkOptions(0, SIGCHLD)));

/** vfork(2): the child borrows the memory of the parent, which sleeps until it is given back. */
export const sys_vfork = implement("vfork", { level: "full" }, (task) => clone(task, forkOptions((CLONE_VFORK | CLONE_VM) >>> 0, SIGCHLD)));
