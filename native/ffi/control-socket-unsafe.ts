/** A client's end of a SOCK_SEQPACKET socket with a name (unix(7)). */
import { AF_UNIX, SOCK_CLOEXEC, SOCK_SEQPACKET } from "../../syscall-tables/flags/socket.ts";
import { allocateMemory, hostCall3, hostClose } from "./syscall-unsafe.ts";

const SYS_socket = 41;
const SYS_connect = 42;
const ADDRESS_SIZE = 110;

/** The connected socket, or a negative errno. `path` has at most 107 bytes. */
export const connectPackets = (path: string): number => {
  const memory = allocateMemory(ADDRESS_SIZE);
  memory.view.setUint16(0, AF_UNIX, true);
  memory.u8.set(Buffer.from(path, "latin1").subarray(0, ADDRESS_SIZE - 3), 2);
  const fd = hostCall3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const error = hostCall3(SYS_connect, fd, memory.address, ADDRESS_SIZE);
  if (error >= 0) return fd;
  hostClose(fd);
  return error;
};
