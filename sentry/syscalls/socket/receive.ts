import { MSG_DONTWAIT } from "../../../syscall-tables/flags/socket.ts";
import { EFAULT, isErrno } from "../../abi/errno.ts";
import { ReceiveMessage } from "../../net/message.ts";
import { checkRange, MAX_RW_COUNT, userIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";
import { socketOf } from "./lookup.ts";
import { controlWriter, headerIo, readHeader } from "./message-header.ts";
import { receiveOrBlock } from "./receive-op.ts";

// One call at a time: a sleeping one keeps a copy.
const incoming = new ReceiveMessage();
const noResults = { header: null, headerAddr: 0, addr: 0, lengthAddr: 0 };

/** recvfrom(2), and recv(2) */
export const sys_recvfrom = implement("recvfrom", { level: "full" }, (task, fd, bufAddr, length, flags, addr, lengthAddr) => {
  const count = Math.min(length, MAX_RW_COUNT);
  if (checkRange(bufAddr, count) < 0) return EFAULT;
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const effective = socket.isNonblocking ? flags | MSG_DONTWAIT : flags;
  const results = addr === 0 ? noResults : { header: null, headerAddr: 0, addr, lengthAddr };
  return receiveOrBlock(task, socket, incoming.reset(effective, null), userIo(task, bufAddr, count), results);
});

/** recvmsg(2) */
export const sys_recvmsg = implement("recvmsg", { level: "full" }, (task, fd, headerAddr, flags) => {
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const header = readHeader(task, headerAddr);
  if (isErrno(header)) return header;
  const io = headerIo(task, header);
  if (isErrno(io)) return io;
  const effective = socket.isNonblocking ? flags | MSG_DONTWAIT : flags;
  const message = new ReceiveMessage().reset(effective, controlWriter(header));
  return receiveOrBlock(task, socket, message, io, { header, headerAddr, addr: 0, lengthAddr: 0 });
});
