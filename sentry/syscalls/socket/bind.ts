import { isErrno } from "../../abi/errno.ts";
import { mayBindTcp } from "../../landlock/network.ts";
import { implement } from "../implement.ts";
import { readAddress, socketOf } from "./lookup.ts";

/** bind(2) */
export const sys_bind = implement("bind", { level: "full" }, (task, fd, addr, length) => {
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const address = readAddress(task, addr, length);
  if (isErrno(address)) return address;
  const kept = mayBindTcp(task.creds, socket, address);
  return kept < 0 ? kept : socket.bind(task, address);
});

/** listen(2) */
export const sys_listen = implement("listen", { level: "full" }, (task, fd, backlog) => {
  const socket = socketOf(task, fd);
  return isErrno(socket) ? socket : socket.listen(task, backlog);
});
