import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_TYPE_MASK } from "../../../syscall-tables/flags/socket.ts";
import { EAFNOSUPPORT, EINVAL, EOPNOTSUPP, isErrno } from "../../abi/errno.ts";
import { createSocket } from "../../net/create.ts";
import { implement } from "../implement.ts";

/** socket(2) */
export const sys_socket = implement("socket", { level: "full" }, (task, family, type, protocol) => {
  if ((type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) return EINVAL;
  const made = createSocket(task, family, type & SOCK_TYPE_MASK, protocol, type);
  if (isErrno(made)) return made;
  const fd = task.files.install(made, (type & SOCK_CLOEXEC) !== 0);
  if (fd < 0) made.put();
  return fd;
});

/** socketpair(2): unix sockets alone come in pairs. */
export const sys_socketpair = implement("socketpair", { level: "full" }, (task, family, type, protocol, fdsAddr) => {
  if ((type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) return EINVAL;
  const { files } = task;
  const error = files.canInstall(2);
  if (error < 0) return error;
  const one = createSocket(task, family, type & SOCK_TYPE_MASK, protocol, type);
  if (isErrno(one)) return one;
  const two = family === AF_UNIX ? createSocket(task, family, type & SOCK_TYPE_MASK, protocol, type) : EOPNOTSUPP;
  const paired = isErrno(two) ? two : one.pair(task, two);
  if (paired < 0 || isErrno(two)) {
    one.put();
    if (!isErrno(two)) two.put();
    return paired < 0 ? paired : EAFNOSUPPORT;
  }
  const isCloexec = (type & SOCK_CLOEXEC) !== 0;
  const first = files.install(one, isCloexec);
  const second = files.install(two, isCloexec);
  const stored = task.memory.storeU32(fdsAddr, first) || task.memory.storeU32(fdsAddr + 4, second);
  if (stored < 0) {
    files.close(first, task);
    files.close(second, task);
  }
  return stored;
});
