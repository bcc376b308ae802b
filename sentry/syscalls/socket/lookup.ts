/** From fd to socket, and addresses to and from guest memory. */
import { EBADF, EFAULT, EINVAL, ENOTSOCK, type Errno, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { Socket } from "../../net/socket.ts";
import type { Task } from "../../task/task.ts";

/** sizeof(struct sockaddr_storage) */
export const ADDRESS_MAX = 128;

/** sockfd_lookup() */
export const socketOf = (task: Task, fd: number): Socket | Errno => {
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  return file instanceof Socket ? file : ENOTSOCK;
};

/** move_addr_to_kernel() */
export const readAddress = (task: Task, addr: UserAddr, length: number): Uint8Array | Errno => {
  if (length < 0 || length > ADDRESS_MAX) return EINVAL;
  if (length === 0) return new Uint8Array(0);
  return task.memory.copyIn(addr, length);
};

/** move_addr_to_user(): what fits of `address`, and its whole length. 0 or an errno. */
export const writeAddress = (task: Task, address: Uint8Array, addr: UserAddr, lengthAddr: UserAddr): number => {
  const room = task.memory.loadU32(lengthAddr);
  if (room < 0) return EFAULT;
  if ((room | 0) < 0) return EINVAL;
  const length = Math.min(room, address.length);
  if (length > 0 && task.memory.writeFrom(addr, address, 0, length) !== length) return EFAULT;
  return task.memory.storeU32(lengthAddr, address.length);
};
