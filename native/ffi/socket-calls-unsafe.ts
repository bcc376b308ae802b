/**
 * Socket calls of the host on fds that somebody else has made: addresses, options and messages
 * lie in memory of this module, one call at a time. Results or negative errnos.
 */
import { atStart } from "../start/at-start.ts";
import { allocateMemory, hostCall3, hostCall6 } from "./syscall-unsafe.ts";

const SYS_poll = 7;
const SYS_fstat = 5;
const SYS_ioctl = 16;
const SYS_connect = 42;
const SYS_sendto = 44;
const SYS_recvfrom = 45;
const SYS_sendmsg = 46;
const SYS_recvmsg = 47;
const SYS_shutdown = 48;
const SYS_bind = 49;
const SYS_listen = 50;
const SYS_getsockname = 51;
const SYS_getpeername = 52;
const SYS_setsockopt = 54;
const SYS_getsockopt = 55;
const SYS_accept4 = 288;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const EINTR = -4;

// struct msghdr, struct iovec, a length, struct pollfd, an address, an option or ioctl argument, control messages, data.
const HEADER = 0;
const VECTOR = 64;
const LENGTH = 80;
const POLLFD = 88;
const NAME = 128;
export const NAME_ROOM = 128;
const OPTION = 4096;
export const OPTION_ROOM = 4096;
const CONTROL = 8192;
export const CONTROL_ROOM = 8192;
const DATA = 16384;
/** The most that one call moves. */
export const DATA_ROOM = 262_144;

let view!: DataView;
let u8!: Uint8Array;
let i32!: Int32Array;
let u32!: Uint32Array;
let base = 0;
/** Where the bytes of messages lie. */
export let socketData!: Uint8Array;
/** Where control messages lie. */
export let socketControl!: Uint8Array;
atStart(() => {
  ({ view, u8, i32, u32, address: base } = allocateMemory(DATA + DATA_ROOM));
  socketData = u8.subarray(DATA, DATA + DATA_ROOM);
  socketControl = u8.subarray(CONTROL, CONTROL + CONTROL_ROOM);
});

const store64 = (at: number, value: number): void => {
  u32[at >> 2] = value >>> 0;
  u32[(at >> 2) + 1] = Math.floor(value / 2 ** 32);
};

const placeName = (name: Uint8Array): number => {
  const length = Math.min(name.length, NAME_ROOM);
  u8.set(length === name.length ? name : name.subarray(0, length), NAME);
  return length;
};

/** What the last receive found besides the bytes. */
export const received = {
  flags: 0,
  /** Bytes of `socketControl`. */
  controlLength: 0,
  /** The sender's address; null: none. */
  name: null as Uint8Array | null,
};

/** sendto(2) of the first `length` bytes of `socketData`. */
export const hostSend = (fd: number, length: number, flags: number): number => {
  for (;;) {
    const n = hostCall6(SYS_sendto, fd, base + DATA, length, flags, 0, 0);
    if (n !== EINTR) return n;
  }
};

/** sendmsg(2) of the first `length` bytes of `socketData` and `controlLength` bytes of `socketControl`. */
export const hostSendMessage = (fd: number, length: number, name: Uint8Array | null, controlLength: number, flags: number): number => {
  const nameLength = name === null ? 0 : placeName(name);
  store64(HEADER, name === null ? 0 : base + NAME);
  store64(HEADER + 8, nameLength);
  store64(HEADER + 16, base + VECTOR);
  store64(HEADER + 24, 1);
  store64(HEADER + 32, controlLength > 0 ? base + CONTROL : 0);
  store64(HEADER + 40, controlLength);
  store64(HEADER + 48, 0);
  store64(VECTOR, base + DATA);
  store64(VECTOR + 8, length);
  for (;;) {
    const n = hostCall3(SYS_sendmsg, fd, base + HEADER, flags);
    if (n !== EINTR) return n;
  }
};

/** recvfrom(2) of at most `room` bytes into `socketData`, without anything else. */
export const hostReceive = (fd: number, room: number, flags: number): number => {
  for (;;) {
    const n = hostCall6(SYS_recvfrom, fd, base + DATA, room, flags, 0, 0);
    if (n !== EINTR) return n;
  }
};

/** recvmsg(2) of at most `room` bytes into `socketData`; fills `received`. */
export const hostReceiveMessage = (fd: number, room: number, hasControl: boolean, flags: number): number => {
  let n = EINTR;
  while (n === EINTR) {
    store64(HEADER, base + NAME);
    store64(HEADER + 8, NAME_ROOM);
    store64(HEADER + 16, base + VECTOR);
    store64(HEADER + 24, 1);
    store64(HEADER + 32, hasControl ? base + CONTROL : 0);
    store64(HEADER + 40, hasControl ? CONTROL_ROOM : 0);
    store64(HEADER + 48, 0);
    store64(VECTOR, base + DATA);
    store64(VECTOR + 8, room);
    n = hostCall3(SYS_recvmsg, fd, base + HEADER, flags);
  }
  if (n < 0) return n;
  received.flags = i32[(HEADER + 48) >> 2];
  received.controlLength = hasControl ? u32[(HEADER + 40) >> 2] : 0;
  const nameLength = Math.min(u32[(HEADER + 8) >> 2], NAME_ROOM);
  received.name = nameLength === 0 ? null : u8.slice(NAME, NAME + nameLength);
  return n;
};

export const hostBind = (fd: number, name: Uint8Array): number => {
  const length = placeName(name);
  return hostCall3(SYS_bind, fd, base + NAME, length);
};

export const hostConnect = (fd: number, name: Uint8Array): number => {
  const length = placeName(name);
  return hostCall3(SYS_connect, fd, base + NAME, length);
};

export const hostListen = (fd: number, backlog: number): number => hostCall3(SYS_listen, fd, backlog);

export const hostShutdown = (fd: number, how: number): number => hostCall3(SYS_shutdown, fd, how);

const takeName = (): Uint8Array => u8.slice(NAME, NAME + Math.min(u32[LENGTH >> 2], NAME_ROOM));

/** accept4(2): the new fd (close-on-exec, nonblocking); the peer's address is in `received.name`. */
export const hostAccept = (fd: number): number => {
  for (;;) {
    u32[LENGTH >> 2] = NAME_ROOM;
    const made = hostCall6(SYS_accept4, fd, base + NAME, base + LENGTH, SOCK_NONBLOCK_CLOEXEC);
    if (made === EINTR) continue;
    received.name = made < 0 ? null : takeName();
    return made;
  }
};

/** getsockname(2), or getpeername(2). */
export const hostName = (fd: number, isPeer: boolean): Uint8Array | number => {
  u32[LENGTH >> 2] = NAME_ROOM;
  const error = hostCall3(isPeer ? SYS_getpeername : SYS_getsockname, fd, base + NAME, base + LENGTH);
  return error < 0 ? error : takeName();
};

/** getsockopt(2) into at most `room` bytes; `initial` is what stands there before. */
export const hostGetOption = (fd: number, level: number, name: number, room: number, initial: Uint8Array | null): Uint8Array | number => {
  const length = Math.min(room, OPTION_ROOM);
  u8.fill(0, OPTION, OPTION + length);
  if (initial !== null) u8.set(initial.subarray(0, length), OPTION);
  u32[LENGTH >> 2] = length;
  const error = hostCall6(SYS_getsockopt, fd, level, name, base + OPTION, base + LENGTH);
  return error < 0 ? error : u8.slice(OPTION, OPTION + Math.min(u32[LENGTH >> 2], length));
};

/** getsockopt(2) of an int. */
export const hostIntOption = (fd: number, level: number, name: number): number => {
  i32[OPTION >> 2] = 0;
  u32[LENGTH >> 2] = 4;
  const error = hostCall6(SYS_getsockopt, fd, level, name, base + OPTION, base + LENGTH);
  return error < 0 ? error : i32[OPTION >> 2];
};

export const hostSetOption = (fd: number, level: number, name: number, value: Uint8Array): number => {
  const length = Math.min(value.length, OPTION_ROOM);
  u8.set(value.subarray(0, length), OPTION);
  return hostCall6(SYS_setsockopt, fd, level, name, base + OPTION, length);
};

/** ioctl(2) with a structure that the host may change, in `argument`; 0 or more, or an errno. */
export const hostStructIoctl = (fd: number, command: number, argument: Uint8Array): number => {
  u8.set(argument, OPTION);
  const result = hostCall3(SYS_ioctl, fd, command, base + OPTION);
  if (result >= 0) argument.set(u8.subarray(OPTION, OPTION + argument.length));
  return result;
};

/** SIOCGIFCONF with room for `room` bytes: the list, or an errno. */
export const hostInterfaceList = (fd: number, room: number): Uint8Array | number => {
  const SIOCGIFCONF = 0x8912;
  store64(OPTION, Math.min(room, DATA_ROOM));
  store64(OPTION + 8, base + DATA);
  const error = hostCall3(SYS_ioctl, fd, SIOCGIFCONF, base + OPTION);
  return error < 0 ? error : u8.slice(DATA, DATA + Math.min(u32[OPTION >> 2], DATA_ROOM));
};

/** ioctl(2) that stores an int: the int, or an errno. */
export const hostIntIoctl = (fd: number, command: number): number => {
  i32[OPTION >> 2] = 0;
  const error = hostCall3(SYS_ioctl, fd, command, base + OPTION);
  return error < 0 ? error : i32[OPTION >> 2];
};

/** Those of `events` (POLL* bits) that are there, with POLLERR and POLLHUP. */
export const hostReadiness = (fd: number, events: number): number => {
  i32[POLLFD >> 2] = fd;
  u32[(POLLFD >> 2) + 1] = events;
  return hostCall3(SYS_poll, base + POLLFD, 1, 0) > 0 ? u32[(POLLFD >> 2) + 1] >>> 16 : 0;
};

/** The inode number of a socket, which /proc/net shows. */
export const hostInode = (fd: number): number =>
  hostCall3(SYS_fstat, fd, base + OPTION) < 0 ? 0 : view.getUint32(OPTION + 8, true) + view.getUint32(OPTION + 12, true) * 2 ** 32;

const SYS_pread64 = 17;

/** The whole text of a file that is read from its start each time (procfs); null on an error. */
export const hostFileText = (fd: number): string | null => {
  const parts: string[] = [];
  let offset = 0;
  for (;;) {
    const n = hostCall6(SYS_pread64, fd, base + DATA, 65_536, offset);
    if (n < 0) return null;
    if (n === 0) return parts.join("");
    parts.push(Buffer.from(u8.buffer as ArrayBuffer, u8.byteOffset + DATA, n).toString("latin1"));
    offset += n;
  }
};
