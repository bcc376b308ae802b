import { AF_INET, AF_INET6, MSG_DONTWAIT } from "../../../syscall-tables/flags/socket.ts";
import { EFAULT, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { SendMessage } from "../../net/message.ts";
import type { Socket } from "../../net/socket.ts";
import { BLOCKED } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { checkRange, MAX_RW_COUNT, userIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";
import { readAddress, socketOf } from "./lookup.ts";
import { headerIo, prepareSend, readHeader } from "./message-header.ts";
import { SendMessagesOp } from "./send-many.ts";
import { isDontWait, sendOrBlock } from "./send-op.ts";

// One call at a time: a sleeping one keeps a copy.
const outgoing = new SendMessage();

/** sendto(2), and send(2) */
export const sys_sendto = implement("sendto", { level: "full" }, (task, fd, bufAddr, length, flags, addr, addrLength) => {
  const count = Math.min(length, MAX_RW_COUNT);
  if (checkRange(bufAddr, count) < 0) return EFAULT;
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  let address: Uint8Array | null = null;
  if (addr !== 0) {
    const read = readAddress(task, addr, addrLength);
    if (isErrno(read)) return read;
    // An address of no bytes is too short to the internet's sockets, and none to others (move_addr_to_kernel).
    if (read.length > 0 || socket.family === AF_INET || socket.family === AF_INET6) address = read;
  }
  const effective = isDontWait(socket, flags) ? flags | MSG_DONTWAIT : flags;
  return sendOrBlock(task, socket, outgoing.reset(effective, address), userIo(task, bufAddr, count));
});

const sendOne = (task: Task, socket: Socket, headerAddr: UserAddr, flags: number): number => {
  const header = readHeader(task, headerAddr);
  if (isErrno(header)) return header;
  const io = headerIo(task, header);
  if (isErrno(io)) return io;
  const message = new SendMessage().reset(isDontWait(socket, flags) ? flags | MSG_DONTWAIT : flags, null);
  const error = prepareSend(task, socket, header, message);
  return error < 0 ? error : sendOrBlock(task, socket, message, io);
};

/** sendmsg(2) */
export const sys_sendmsg = implement("sendmsg", { level: "full" }, (task, fd, headerAddr, flags) => {
  const socket = socketOf(task, fd);
  return isErrno(socket) ? socket : sendOne(task, socket, headerAddr, flags);
});

/** sendmmsg(2) */
export const sys_sendmmsg = implement("sendmmsg", { level: "full" }, (task, fd, vectorAddr, count, flags) => {
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const op = new SendMessagesOp(task, socket, vectorAddr, Math.min(count, 1024), flags);
  const result = op.step(task);
  return result === BLOCKED ? task.block(op) : result;
});
