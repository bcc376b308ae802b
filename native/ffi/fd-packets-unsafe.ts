/**
 * Rare messages of a SOCK_SEQPACKET socket that may carry many fds at once (SCM_RIGHTS,
 * unix(7)): the supervisor channel. Where speed counts there is PacketChannel.
 */

import { POLLIN } from "../../syscall-tables/flags/poll.ts";
import { MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, SCM_RIGHTS } from "../../syscall-tables/flags/socket.ts";
import { SOL_SOCKET } from "../../syscall-tables/flags/socket-options.ts";
import { allocateMemory, hostCall3, hostCall6, hostClose, memoryOnUse } from "./syscall-unsafe.ts";

const SYS_poll = 7;
const SYS_pause = 34;
const SYS_dup3 = 292;
const SYS_sendmsg = 46;
const SYS_recvmsg = 47;
const SYS_pread64 = 17;
const EINTR = -4;
export const EAGAIN = -11;

// struct msghdr, struct iovec, struct pollfd and the control buffer at fixed places of the memory.
const HEADER = 0;
const VECTOR = 64;
const POLLFD = 96;
const CONTROL = 128;
/** 250 descriptors (native/launcher/protocol.h) and the header. */
const CONTROL_CAPACITY = 1024;
const BUFFER = 4096;
const CMSG_DATA = 16;

const ownMemory = memoryOnUse(BUFFER + 16384);

const store64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
};

/** Where a packet is built, or lies after it was received. */
export const packetView = (): DataView => {
  view ??= new DataView(ownMemory().view.buffer, BUFFER, 16384);
  return view;
};
let view: DataView | undefined;

/** Where the header lies. */
const prepare = (length: number, controlLength: number): number => {
  const { address, view } = ownMemory();
  store64(view, VECTOR, address + BUFFER);
  store64(view, VECTOR + 8, length);
  store64(view, HEADER, 0);
  store64(view, HEADER + 8, 0);
  store64(view, HEADER + 16, address + VECTOR);
  store64(view, HEADER + 24, 1);
  store64(view, HEADER + 32, controlLength > 0 ? address + CONTROL : 0);
  store64(view, HEADER + 40, controlLength);
  store64(view, HEADER + 48, 0);
  return address + HEADER;
};

/** struct cmsghdr (cmsg(3)). */
const putRights = (fds: readonly number[]): void => {
  const { view } = ownMemory();
  store64(view, CONTROL, CMSG_DATA + 4 * fds.length);
  view.setInt32(CONTROL + 8, SOL_SOCKET, true);
  view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
  for (const [index, fd] of fds.entries()) view.setInt32(CONTROL + CMSG_DATA + 4 * index, fd, true);
};

/** Sends the first `length` bytes of `packetView`, and copies of `fds`: `length` or a negative errno. */
export const sendPacket = (fd: number, length: number, fds: readonly number[] = []): number => {
  const header = prepare(length, fds.length === 0 ? 0 : CMSG_DATA + 4 * fds.length);
  if (fds.length > 0) putRights(fds);
  for (;;) {
    const n = hostCall3(SYS_sendmsg, fd, header, MSG_NOSIGNAL);
    if (n !== EINTR) return n;
  }
};

/**
 * Receives one packet into `packetView`, its fds (close-on-exec) into `fds`: its length, 0 when
 * the other end is closed, or a negative errno (EAGAIN: none is there, with `wait` false).
 */
export const receivePacket = (fd: number, fds: number[], wait: boolean): number => {
  fds.length = 0;
  let n = EINTR;
  while (n === EINTR) {
    const header = prepare(16384, CONTROL_CAPACITY);
    n = hostCall3(SYS_recvmsg, fd, header, wait ? MSG_CMSG_CLOEXEC : MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  }
  const { view } = ownMemory();
  const controlLength = n < 0 ? 0 : view.getUint32(HEADER + 40, true);
  const isRights =
    controlLength > CMSG_DATA && view.getInt32(CONTROL + 8, true) === SOL_SOCKET && view.getInt32(CONTROL + 12, true) === SCM_RIGHTS;
  if (isRights) {
    const count = (view.getUint32(CONTROL, true) - CMSG_DATA) / 4;
    for (let i = 0; i < count; i++) fds.push(view.getInt32(CONTROL + CMSG_DATA + 4 * i, true));
  }
  return n;
};

/** Waits until the socket is readable or closed. */
export const awaitPacket = (fd: number): void => {
  const { address, view } = ownMemory();
  view.setInt32(POLLFD, fd, true);
  view.setUint32(POLLFD + 4, POLLIN, true);
  while (hostCall3(SYS_poll, address + POLLFD, 1, -1) === EINTR);
};

/** Waits until one of the sockets is readable or closed. */
export const awaitPackets = (fds: readonly number[]): void => {
  const { address, view } = ownMemory();
  // The control buffer is not in use meanwhile.
  for (const [index, fd] of fds.entries()) {
    view.setInt32(CONTROL + index * 8, fd, true);
    view.setUint32(CONTROL + index * 8 + 4, POLLIN, true);
  }
  while (hostCall3(SYS_poll, address + CONTROL, fds.length, -1) === EINTR);
};

/** Waits for the end of the sandbox. */
export const pauseForever = (): never => {
  for (;;) hostCall3(SYS_pause);
};

/** Makes `target` the same file as `fd` (close-on-exec) and closes `fd`. */
export const moveFd = (fd: number, target: number): void => {
  const error = hostCall3(SYS_dup3, fd, target, 0x80000);
  if (error < 0) throw new Error(`dup3: errno ${-error}`);
  hostClose(fd);
};

/** The whole text of a (sealed) memfd, wherever its offset stands. */
export const readMemfd = (fd: number): string => {
  const chunk = allocateMemory(65536);
  const parts: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const n = hostCall6(SYS_pread64, fd, chunk.address, chunk.length, offset);
    if (n < 0) throw new Error(`pread of the config: errno ${-n}`);
    if (n === 0) return Buffer.concat(parts).toString("utf8");
    parts.push(Buffer.from(chunk.u8.slice(0, n)));
    offset += n;
  }
};
