import { isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";
import { socketOf, writeAddress } from "./lookup.ts";

/** getsockname(2) */
export const sys_getsockname = implement("getsockname", { level: "full" }, (task, fd, addr, lengthAddr) => {
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const name = socket.localName();
  return isErrno(name) ? name : writeAddress(task, name, addr, lengthAddr);
});

/** getpeername(2) */
export const sys_getpeername = implement("getpeername", { level: "full" }, (task, fd, addr, lengthAddr) => {
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const name = socket.peerName();
  return isErrno(name) ? name : writeAddress(task, name, addr, lengthAddr);
});
