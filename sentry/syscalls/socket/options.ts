import { EFAULT, EINVAL, ERANGE, isErrno } from "../../abi/errno.ts";
import { CountedOption, OptionTooLong } from "../../net/socket.ts";
import { implement } from "../implement.ts";
import { socketOf } from "./lookup.ts";

/** No option is longer than this. */
const VALUE_MAX = 4096;

/** getsockopt(2): what fits of the value, and its length. */
export const sys_getsockopt = implement("getsockopt", { level: "full" }, (task, fd, level, name, valueAddr, lengthAddr) => {
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const { memory } = task;
  const stated = memory.loadU32(lengthAddr);
  if (stated < 0) return EFAULT;
  const room = stated | 0;
  if (room < 0) return EINVAL;
  const value = socket.option(task, level, name, room);
  if (value instanceof OptionTooLong) return memory.storeU32(lengthAddr, value.length) < 0 ? EFAULT : ERANGE;
  if (isErrno(value)) return value;
  if (value instanceof CountedOption) {
    const { bytes } = value;
    if (memory.writeFrom(valueAddr, bytes, 0, bytes.length) !== bytes.length) return EFAULT;
    return memory.storeU32(lengthAddr, value.count);
  }
  const length = Math.min(room, value.length);
  if (length > 0 && memory.writeFrom(valueAddr, value, 0, length) !== length) return EFAULT;
  return memory.storeU32(lengthAddr, length);
});

/** setsockopt(2) */
export const sys_setsockopt = implement("setsockopt", { level: "full" }, (task, fd, level, name, valueAddr, length) => {
  if (length < 0) return EINVAL;
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const value = length === 0 ? new Uint8Array(0) : task.memory.copyIn(valueAddr, Math.min(length, VALUE_MAX));
  return isErrno(value) ? value : socket.changeOption(task, level, name, value);
});
