/** struct msghdr, read once, and control messages in and out (net/socket.c copy_msghdr_from_user). */
import { INT_MAX, UIO_MAXIOV } from "../../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, EMSGSIZE, ENOBUFS, type Errno, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { ControlWriter, parseControl } from "../../net/control.ts";
import type { SendMessage } from "../../net/message.ts";
import type { Socket } from "../../net/socket.ts";
import type { Task } from "../../task/task.ts";
import { type UserIo, userIovIo } from "../../vfs/user-io.ts";
import { ADDRESS_MAX, readAddress } from "./lookup.ts";

export const MSGHDR_SIZE = 56;
/** net.core.optmem_max */
const OPTMEM_MAX = 131_072;
/** More control data than this is never received: 253 files and a few small messages. */
const CONTROL_OUT_MAX = 8192;

const NAMELEN = 8;
const CONTROLLEN = 40;
const FLAGS = 48;

export interface MessageHeader {
  readonly nameAddr: UserAddr;
  readonly nameLength: number;
  readonly iovAddr: UserAddr;
  readonly iovCount: number;
  readonly controlAddr: UserAddr;
  readonly controlLength: number;
}

export const readHeader = (task: Task, addr: UserAddr): MessageHeader | Errno => {
  const view = task.memory.viewIn(addr, MSGHDR_SIZE);
  if (isErrno(view)) return view;
  const word = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  const nameAddr = word(0);
  const stated = view.getInt32(NAMELEN, true);
  if (nameAddr !== 0 && stated < 0) return EINVAL;
  const iovCount = word(24);
  if (iovCount > UIO_MAXIOV) return EMSGSIZE;
  return {
    nameAddr,
    nameLength: nameAddr === 0 ? 0 : Math.min(stated, ADDRESS_MAX),
    iovAddr: word(16),
    iovCount,
    controlAddr: word(32),
    controlLength: word(CONTROLLEN),
  };
};

export const headerIo = (task: Task, header: MessageHeader): UserIo | Errno => userIovIo(task, header.iovAddr, header.iovCount);

/** Address and control messages of a send; references that it takes belong to `message`. 0 or an errno. */
export const prepareSend = (task: Task, socket: Socket, header: MessageHeader, message: SendMessage): number => {
  if (header.nameLength > 0) {
    const address = readAddress(task, header.nameAddr, header.nameLength);
    if (isErrno(address)) return address;
    message.address = address;
  }
  if (header.controlLength === 0) return 0;
  if (header.controlLength > INT_MAX || header.controlLength > OPTMEM_MAX) return ENOBUFS;
  const bytes = task.memory.copyIn(header.controlAddr, header.controlLength);
  if (isErrno(bytes)) return EFAULT;
  const control = parseControl(bytes);
  if (isErrno(control)) return control;
  const error = socket.prepareControl(task, message, control);
  if (error < 0) message.release();
  return error;
};

/** The buffer for received control messages; null: the caller gave none. */
export const controlWriter = (header: MessageHeader): ControlWriter | null =>
  header.controlLength === 0 || header.controlAddr === 0 ? null : new ControlWriter(Math.min(header.controlLength, CONTROL_OUT_MAX));

/** What recvmsg(2) changes in the header at `addr`: name, flags, control. 0 or an errno. */
export const writeHeader = (
  task: Task,
  addr: UserAddr,
  header: MessageHeader,
  name: Uint8Array | null,
  flags: number,
  control: ControlWriter | null,
): number => {
  const { memory } = task;
  if (header.nameAddr !== 0) {
    const length = name?.length ?? 0;
    const shown = Math.min(length, header.nameLength);
    if (name !== null && shown > 0 && memory.writeFrom(header.nameAddr, name, 0, shown) !== shown) return EFAULT;
    if (memory.storeU32(addr + NAMELEN, length) < 0) return EFAULT;
  }
  if (memory.storeU32(addr + FLAGS, flags) < 0) return EFAULT;
  const used = control?.used ?? 0;
  // put_cmsg() leaves a fault unreported.
  if (control !== null && used > 0) memory.writeFrom(header.controlAddr, control.bytes, 0, used);
  return memory.storeU64(addr + CONTROLLEN, used);
};
