/** The options of level SOL_SOCKET (socket(7); net/core/sock.c sk_getsockopt, sk_setsockopt). */

import { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } from "../../syscall-tables/flags/socket.ts";
import * as SO from "../../syscall-tables/flags/socket-options.ts";
import { CAP_NET_ADMIN } from "../../syscall-tables/flags/system.ts";
import { IFNAMSIZ, INT_MAX } from "../../syscall-tables/limits.ts";
import { EACCES, EDOM, EINVAL, ENODATA, ENODEV, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, EPERM, type Errno, isErrno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { lowWaterLimit, setBuffer, setPacing } from "./buffer-options.ts";
import { int32At, int32Bytes } from "./control.ts";
import { attachBpf, attachFilter, attachReuseport, detachFilter, detachReuseport, getFilter, lockFilter } from "./filter/attach.ts";
import type { SocketSettings } from "./settings.ts";
import type { OptionValue, Socket } from "./socket.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Kept and shown, without further effect in a network of one host. The value says what setsockopt stores. */
const remembered = new Map<number, "flag" | "int">([
  [SO.SO_DEBUG, "flag"],
  [SO.SO_DONTROUTE, "flag"],
  [SO.SO_KEEPALIVE, "flag"],
  [SO.SO_NO_CHECK, "flag"],
  [SO.SO_PRIORITY, "int"],
  [SO.SO_PASSSEC, "flag"],
  [SO.SO_MARK, "int"],
  [SO.SO_RXQ_OVFL, "flag"],
  [SO.SO_WIFI_STATUS, "flag"],
  [SO.SO_NOFCS, "flag"],
  [SO.SO_SELECT_ERR_QUEUE, "flag"],
  [SO.SO_BUSY_POLL, "int"],
  [SO.SO_INCOMING_CPU, "int"],
  [SO.SO_ZEROCOPY, "flag"],
  [SO.SO_PREFER_BUSY_POLL, "flag"],
  [SO.SO_BUF_LOCK, "int"],
  [SO.SO_TXREHASH, "flag"],
  [SO.SO_RCVMARK, "flag"],
  [SO.SO_RCVPRIORITY, "flag"],
]);

/** What a remembered option shows before it is set, unless 0. */
const initial = new Map<number, number>([
  [SO.SO_INCOMING_CPU, -1],
  [SO.SO_TXREHASH, 1],
]);

const isInet = (socket: Socket): boolean => socket.family === AF_INET || socket.family === AF_INET6;

const timeval = (ns: number): Uint8Array => {
  const bytes = new Uint8Array(16);
  if (ns === NEVER) return bytes;
  const view = new DataView(bytes.buffer);
  const us = Math.round(ns / 1000);
  const sec = Math.floor(us / 1e6);
  view.setUint32(0, sec % 2 ** 32, true);
  view.setUint32(4, Math.floor(sec / 2 ** 32), true);
  view.setUint32(8, us % 1e6, true);
  return bytes;
};

/** sock_set_timeout(): ns, or an errno. */
const readTimeout = (value: Uint8Array): number => {
  if (value.length < 16) return EINVAL;
  const view = new DataView(value.buffer, value.byteOffset, 16);
  const sec = view.getInt32(4, true) * 2 ** 32 + view.getUint32(0, true);
  const usec = view.getInt32(12, true) * 2 ** 32 + view.getUint32(8, true);
  if (usec < 0 || usec >= 1e6) return EDOM;
  if (sec < 0) return 0;
  if (sec === 0 && usec === 0) return NEVER;
  return sec >= 9_223_372_036 ? NEVER : sec * 1e9 + usec * 1000;
};

const memoryInfo = (socket: Socket): Uint8Array => {
  const queued = Math.max(0, socket.inputQueue());
  const sent = Math.max(0, socket.outputQueue());
  return int32Bytes(queued, socket.settings.receiveBuffer, sent, socket.settings.sendBuffer, 0, 0, 0, 0, 0);
};

const has = (settings: SocketSettings, name: number): number => settings.remembered.get(name) ?? initial.get(name) ?? 0;

export const getSocketOption = (socket: Socket, _task: Task, name: number, length: number): OptionValue => {
  const { settings } = socket;
  switch (name) {
    case SO.SO_REUSEADDR:
      return int32Bytes(settings.reuseAddress ? 1 : 0);
    case SO.SO_REUSEPORT:
      return int32Bytes(settings.reusePort ? 1 : 0);
    case SO.SO_BROADCAST:
      return int32Bytes(settings.isBroadcast ? 1 : 0);
    case SO.SO_OOBINLINE:
      return int32Bytes(settings.isOobInline ? 1 : 0);
    case SO.SO_TYPE:
      return int32Bytes(socket.type);
    case SO.SO_PROTOCOL:
      return int32Bytes(socket.protocol);
    case SO.SO_DOMAIN:
      return int32Bytes(socket.family);
    case SO.SO_ERROR:
      return int32Bytes(-socket.takeError());
    case SO.SO_SNDBUF:
      return int32Bytes(settings.sendBuffer);
    case SO.SO_RCVBUF:
      return int32Bytes(settings.receiveBuffer);
    case SO.SO_LINGER:
      return int32Bytes(settings.isLingering ? 1 : 0, settings.lingerSeconds);
    case SO.SO_RCVLOWAT:
      return int32Bytes(settings.receiveLowWater);
    case SO.SO_SNDLOWAT:
      return int32Bytes(1);
    case SO.SO_RCVTIMEO:
    case SO.SO_RCVTIMEO_NEW:
      return timeval(settings.receiveTimeoutNs);
    case SO.SO_SNDTIMEO:
    case SO.SO_SNDTIMEO_NEW:
      return timeval(settings.sendTimeoutNs);
    case SO.SO_TIMESTAMP:
    case SO.SO_TIMESTAMPNS:
    case SO.SO_TIMESTAMP_NEW:
    case SO.SO_TIMESTAMPNS_NEW:
      return int32Bytes(settings.timestamp === name ? 1 : 0);
    case SO.SO_TIMESTAMPING:
    case SO.SO_TIMESTAMPING_NEW: {
      const { flags } = settings.stamping;
      return int32Bytes(flags, 0);
    }
    case SO.SO_TXTIME:
      return int32Bytes(0, 0);
    case SO.SO_ACCEPTCONN:
      return int32Bytes(socket.isListening ? 1 : 0);
    case SO.SO_PASSCRED:
      return mayReceiveScm(socket) === 0 ? int32Bytes(settings.passCredentials ? 1 : 0) : EOPNOTSUPP;
    case SO.SO_PASSPIDFD:
      return socket.family === AF_UNIX ? int32Bytes(settings.passPidfd ? 1 : 0) : EOPNOTSUPP;
    case SO.SO_PASSRIGHTS:
      return socket.family === AF_UNIX ? int32Bytes(settings.passRights ? 1 : 0) : EOPNOTSUPP;
    case SO.SO_PASSSEC:
      return socket.family === AF_UNIX ? int32Bytes(has(settings, name)) : EOPNOTSUPP;
    case SO.SO_PEERCRED:
      return int32Bytes(0, -1, -1);
    case SO.SO_PEERGROUPS:
    case SO.SO_PEERPIDFD:
      return ENODATA;
    case SO.SO_PEERNAME: {
      const name = socket.peerName();
      if (isErrno(name)) return ENOTCONN;
      return name.length < length ? EINVAL : name;
    }
    case SO.SO_ATTACH_FILTER:
      return getFilter(socket, length);
    case SO.SO_BINDTODEVICE: {
      const device = socket.net.interfaceByIndex(settings.interfaceIndex);
      if (device === null) return new Uint8Array(0);
      return length < IFNAMSIZ ? EINVAL : Buffer.from(`${device.name}\0`, "latin1");
    }
    case SO.SO_BINDTOIFINDEX:
      return int32Bytes(settings.interfaceIndex);
    case SO.SO_LOCK_FILTER:
      return int32Bytes(settings.isFilterLocked ? 1 : 0);
    case SO.SO_BPF_EXTENSIONS:
      return int32Bytes(64);
    case SO.SO_PEEK_OFF:
      return int32Bytes(settings.peekOffset);
    case SO.SO_BSDCOMPAT:
      return int32Bytes(0);
    case SO.SO_MAX_PACING_RATE:
      return length < 8 ? settings.pacingRate.slice(0, 4) : settings.pacingRate;
    case SO.SO_MEMINFO:
      return memoryInfo(socket);
    case SO.SO_INCOMING_NAPI_ID:
      return int32Bytes(0);
    case SO.SO_COOKIE:
      return length < 8 ? EINVAL : int32Bytes(socket.cookie, 0);
    case SO.SO_NETNS_COOKIE:
      return length !== 8 ? EINVAL : int32Bytes(socket.net.cookie, 0);
    case SO.SO_RESERVE_MEM:
      return int32Bytes(0);
    case SO.SO_BUF_LOCK:
      return int32Bytes(settings.bufferLocks);
    case SO.SO_TXREHASH:
      return isInet(socket) ? int32Bytes(has(settings, name)) : EOPNOTSUPP;
    default:
      return remembered.has(name) ? int32Bytes(has(settings, name)) : ENOPROTOOPT;
  }
};

const setDevice = (socket: Socket, value: Uint8Array): number => {
  const end = value.indexOf(0);
  const name = Buffer.from(value.subarray(0, Math.min(IFNAMSIZ - 1, end < 0 ? value.length : end))).toString("latin1");
  if (name === "") return setInterface(socket, 0);
  const device = socket.net.interfaceByName(name);
  return device === null ? ENODEV : setInterface(socket, device.index);
};

/** SOF_TIMESTAMPING_OPT_ID counts bytes of a connection: of a TCP socket without one it is refused. */
const isNewlyCounted = (socket: Socket, flags: number): boolean => {
  const added = flags & ~socket.settings.stamping.flags;
  return isInet(socket) && socket.type === SOCK_STREAM && isErrno(socket.peerName()) && (added & SO.SOF_TIMESTAMPING_OPT_ID) !== 0;
};

/** sock_set_timestamping(): of hardware and of what is sent nothing is told here. */
const setStamping = (settings: SocketSettings, option: number, flags: number): number => {
  if ((flags & ~SO.SOF_TIMESTAMPING_MASK) !== 0) return EINVAL;
  if ((flags & SO.SOF_TIMESTAMPING_OPT_ID_TCP) !== 0 && (flags & SO.SOF_TIMESTAMPING_OPT_ID) === 0) return EINVAL;
  Object.assign(settings.stamping, { flags, option });
  return 0;
};

const setInterface = (socket: Socket, index: number): number => {
  if (index < 0) return EINVAL;
  if (index !== 0 && socket.net.interfaceByIndex(index) === null) return ENODEV;
  // Since Linux 5.7 only a change needs CAP_NET_RAW.
  socket.settings.interfaceIndex = index;
  return 0;
};

const setLinger = (settings: SocketSettings, value: Uint8Array): number => {
  if (value.length < 8) return EINVAL;
  settings.isLingering = int32At(value, 0) !== 0;
  if (settings.isLingering) settings.lingerSeconds = Math.max(0, int32At(value, 4));
  return 0;
};

/** sk_may_scm_recv() */
const mayReceiveScm = (socket: Socket): 0 | Errno => (socket.family === AF_UNIX || socket.family === AF_NETLINK ? 0 : EOPNOTSUPP);
const unixOnly = (socket: Socket): 0 | Errno => (socket.family === AF_UNIX ? 0 : EOPNOTSUPP);

/** setsockopt(2) of an int. */
const setInt = (socket: Socket, task: Task, name: number, value: number): number => {
  const { settings } = socket;
  const isOn = value !== 0;
  switch (name) {
    case SO.SO_REUSEADDR:
      settings.reuseAddress = isOn;
      return 0;
    case SO.SO_REUSEPORT:
      if (isOn && !isInet(socket)) return EOPNOTSUPP;
      settings.reusePort = isOn;
      return 0;
    case SO.SO_BROADCAST:
      settings.isBroadcast = isOn;
      return 0;
    case SO.SO_OOBINLINE:
      settings.isOobInline = isOn;
      return 0;
    case SO.SO_SNDBUFFORCE:
    case SO.SO_RCVBUFFORCE:
      if (!task.creds.hasIn(socket.net.userNamespace, CAP_NET_ADMIN)) return EPERM;
      return setBuffer(settings, name, value, true);
    case SO.SO_SNDBUF:
    case SO.SO_RCVBUF:
      return setBuffer(settings, name, value, false);
    case SO.SO_RCVLOWAT:
      settings.receiveLowWater = Math.min(value < 0 ? INT_MAX : value || 1, lowWaterLimit(socket));
      return 0;
    case SO.SO_BSDCOMPAT:
      return 0;
    case SO.SO_TIMESTAMP:
    case SO.SO_TIMESTAMPNS:
    case SO.SO_TIMESTAMP_NEW:
    case SO.SO_TIMESTAMPNS_NEW:
      settings.timestamp = isOn ? name : 0;
      return 0;
    case SO.SO_PASSCRED:
      if (mayReceiveScm(socket) === 0) settings.passCredentials = isOn;
      return mayReceiveScm(socket);
    case SO.SO_PASSPIDFD:
      if (unixOnly(socket) === 0) settings.passPidfd = isOn;
      return unixOnly(socket);
    case SO.SO_PASSRIGHTS:
      if (unixOnly(socket) === 0) settings.passRights = isOn;
      return unixOnly(socket);
    case SO.SO_PASSSEC:
      if (unixOnly(socket) === 0) settings.remembered.set(name, isOn ? 1 : 0);
      return unixOnly(socket);
    case SO.SO_PRIORITY:
      if ((value < 0 || value > 6) && !isNetAdmin(socket, task)) return EPERM;
      settings.remembered.set(name, value);
      return 0;
    case SO.SO_MARK:
    case SO.SO_RCVMARK:
      if (!isNetAdmin(socket, task)) return EPERM;
      settings.remembered.set(name, value);
      return 0;
    case SO.SO_DEBUG:
      if (isOn && !task.creds.has(CAP_NET_ADMIN)) return EACCES;
      settings.remembered.set(name, isOn ? 1 : 0);
      return 0;
    case SO.SO_BUSY_POLL:
      if (value < 0) return EINVAL;
      settings.remembered.set(name, value);
      return 0;
    case SO.SO_ZEROCOPY:
      if (!isInet(socket)) return EOPNOTSUPP;
      if (value < 0 || value > 1) return EINVAL;
      settings.remembered.set(name, value);
      return 0;
    case SO.SO_TXREHASH:
      if (!isInet(socket)) return EOPNOTSUPP;
      if (value < -1 || value > 1) return EINVAL;
      settings.remembered.set(name, value & 1);
      return 0;
    case SO.SO_BUF_LOCK:
      if ((value & ~3) !== 0) return EINVAL;
      settings.bufferLocks = value;
      return 0;
    case SO.SO_PEEK_OFF:
      if (!(socket.family === AF_UNIX || (isInet(socket) && (socket.type === SOCK_DGRAM || socket.type === SOCK_STREAM))))
        return EOPNOTSUPP;
      settings.peekOffset = value;
      return 0;
    case SO.SO_BINDTOIFINDEX:
      // sock_bindtoindex() takes the index of an interface that is not there.
      if (value < 0) return EINVAL;
      settings.interfaceIndex = value;
      return 0;
    case SO.SO_DETACH_FILTER:
      return detachFilter(socket);
    case SO.SO_DETACH_REUSEPORT_BPF:
      return detachReuseport(socket);
    case SO.SO_LOCK_FILTER:
      return lockFilter(socket, isOn);
    case SO.SO_TIMESTAMPING:
    case SO.SO_TIMESTAMPING_NEW:
      if (isNewlyCounted(socket, value)) return EINVAL;
      return setStamping(settings, name, value);
    case SO.SO_CNX_ADVICE:
      return 0;
    case SO.SO_BUSY_POLL_BUDGET:
      return value < 0 || value > 0xffff ? EINVAL : 0;
    default: {
      const kind = remembered.get(name);
      if (kind === undefined) return ENOPROTOOPT;
      settings.remembered.set(name, kind === "flag" ? (isOn ? 1 : 0) : value);
      return 0;
    }
  }
};

const isNetAdmin = (socket: Socket, task: Task): boolean => task.creds.hasIn(socket.net.userNamespace, CAP_NET_ADMIN);

export const setSocketOption = (socket: Socket, task: Task, name: number, value: Uint8Array): number => {
  if (name === SO.SO_BINDTODEVICE) return setDevice(socket, value);
  if (value.length < 4) return EINVAL;
  switch (name) {
    case SO.SO_LINGER:
      return setLinger(socket.settings, value);
    case SO.SO_RCVTIMEO:
    case SO.SO_RCVTIMEO_NEW:
    case SO.SO_SNDTIMEO:
    case SO.SO_SNDTIMEO_NEW: {
      const ns = readTimeout(value);
      if (ns < 0) return ns;
      if (name === SO.SO_RCVTIMEO || name === SO.SO_RCVTIMEO_NEW) socket.settings.receiveTimeoutNs = ns;
      else socket.settings.sendTimeoutNs = ns;
      return 0;
    }
    case SO.SO_ATTACH_FILTER:
      return attachFilter(socket, task, value);
    case SO.SO_ATTACH_REUSEPORT_CBPF:
      return attachReuseport(socket, task, value);
    case SO.SO_ATTACH_BPF:
    case SO.SO_ATTACH_REUSEPORT_EBPF:
      return attachBpf(socket, task, value);
    case SO.SO_TXTIME:
      return value.length === 8 ? EPERM : EINVAL;
    case SO.SO_MAX_PACING_RATE:
      setPacing(socket.settings, value);
      return 0;
    case SO.SO_RESERVE_MEM:
      return int32At(value, 0) < 0 ? EINVAL : EOPNOTSUPP;
    default:
      return setInt(socket, task, name, int32At(value, 0));
  }
};
