/** setsockopt(2) and getsockopt(2) of filters (sk_attach_filter, sk_get_filter). */
import { AF_INET, AF_INET6, SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import { EBADF, EFAULT, EINVAL, ENOENT, ENOPROTOOPT, EPERM, isErrno } from "../../abi/errno.ts";
import { BPF_MAXINSNS } from "../../task/classic-bpf.ts";
import type { Task } from "../../task/task.ts";
import { int32At } from "../control.ts";
import type { ReuseportChoice } from "../settings.ts";
import { CountedOption, type OptionValue, type Socket } from "../socket.ts";
import type { FilterPacket } from "./filter-packet.ts";
import { SocketFilter } from "./socket-filter.ts";

/** sizeof(struct sock_fprog) */
const PROGRAM_SIZE = 16;
const INSTRUCTION_SIZE = 8;

/** copy_bpf_fprog_from_user(), __get_filter() */
const readProgram = (socket: Socket, task: Task, value: Uint8Array): SocketFilter | number => {
  if (value.length !== PROGRAM_SIZE) return EINVAL;
  if (socket.settings.isFilterLocked) return EPERM;
  const view = new DataView(value.buffer, value.byteOffset, PROGRAM_SIZE);
  const count = view.getUint16(0, true);
  const addr = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
  if (addr === 0 || count === 0 || count > BPF_MAXINSNS) return EINVAL;
  const code = task.memory.viewIn(addr, count * INSTRUCTION_SIZE);
  return isErrno(code) ? EFAULT : (SocketFilter.parse(code, count) ?? EINVAL);
};

/** Segments of a byte stream are the transport's own affair here: no filter sees them. */
const isByteStream = (socket: Socket): boolean => (socket.family === AF_INET || socket.family === AF_INET6) && socket.type === SOCK_STREAM;

export const attachFilter = (socket: Socket, task: Task, value: Uint8Array): number => {
  if (isByteStream(socket)) return ENOPROTOOPT;
  const filter = readProgram(socket, task, value);
  if (typeof filter === "number") return filter;
  socket.settings.filter = filter;
  return 0;
};

/** SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF: no descriptor here is a program (bpf_prog_get_type). */
export const attachBpf = (socket: Socket, task: Task, value: Uint8Array): number => {
  if (value.length !== 4) return EINVAL;
  if (socket.settings.isFilterLocked) return EPERM;
  return task.files.get(int32At(value, 0)) === null ? EBADF : EINVAL;
};

export const detachFilter = (socket: Socket): number => {
  const { settings } = socket;
  if (settings.isFilterLocked) return EPERM;
  if (settings.filter === null) return ENOENT;
  settings.filter = null;
  return 0;
};

export const lockFilter = (socket: Socket, isOn: boolean): number => {
  if (socket.settings.isFilterLocked && !isOn) return EPERM;
  socket.settings.isFilterLocked = isOn;
  return 0;
};

/** SO_GET_FILTER: lengths are counted in instructions. */
export const getFilter = (socket: Socket, room: number): OptionValue => {
  const { filter } = socket.settings;
  if (filter === null) return new Uint8Array(0);
  if (room !== 0 && room < filter.length) return EINVAL;
  return new CountedOption(room === 0 ? new Uint8Array(0) : filter.encode(), filter.length);
};

/** SO_ATTACH_REUSEPORT_CBPF: the program chooses among the sockets that share the port (reuseport_attach_prog). */
export const attachReuseport = (socket: Socket, task: Task, value: Uint8Array): number => {
  const filter = readProgram(socket, task, value);
  if (typeof filter === "number") return filter;
  if (!socket.settings.reusePort) return EINVAL;
  socket.settings.reuseportChoice = { filter, serial: ++attachments };
  return 0;
};

export const detachReuseport = (socket: Socket): number => {
  const { settings } = socket;
  if (settings.isFilterLocked) return EPERM;
  if (settings.reuseportChoice === null) return settings.reusePort ? ENOENT : EINVAL;
  settings.reuseportChoice = null;
  return 0;
};

let attachments = 0;

/** Which of `group` takes the packet: the program that was attached last to one of them says it; -1: none does. */
export const chooseReuseport = (group: readonly Socket[], packet: () => FilterPacket): number => {
  let choice: ReuseportChoice | null = null;
  for (const { settings } of group) {
    const own = settings.reuseportChoice;
    if (own !== null && (choice === null || own.serial > choice.serial)) choice = own;
  }
  if (choice === null) return -1;
  const index = choice.filter.run(packet());
  return index < group.length ? index : -1;
};
