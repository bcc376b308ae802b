import { isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";
import { socketOf } from "./lookup.ts";

/** shutdown(2) */
export const sys_shutdown = implement("shutdown", { level: "full" }, (task, fd, how) => {
  const socket = socketOf(task, fd);
  return isErrno(socket) ? socket : socket.shutdown(task, how);
});
