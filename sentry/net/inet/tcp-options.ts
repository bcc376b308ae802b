/** getsockopt and setsockopt of level SOL_TCP (tcp(7), net/ipv4/tcp.c). */

import * as TCP from "../../../syscall-tables/flags/ip-options.ts";
import { CAP_NET_ADMIN } from "../../../syscall-tables/flags/system.ts";

import { EINVAL, EISCONN, ENOENT, ENOPROTOOPT, EPERM } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { int32At, int32Bytes } from "../control.ts";
import type { OptionValue } from "../socket.ts";
import { tcpInfo } from "./tcp-info.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import { TCP_CLOSE, TCP_LISTEN } from "./tcp-state.ts";

const ALGORITHMS = ["cubic", "reno"];
const NAME_MAX = 16;
/** The segment size on the loopback interface. */
export const LOOPBACK_MSS = 32768;
const MSS_DEFAULT = 536;
/** TCP_FIN_TIMEOUT_MAX, in seconds. */
const FIN_TIMEOUT_MAX = 120;
/** The number of retransmissions that TCP_DEFER_ACCEPT is kept as is a byte. */
const RETRANSMISSIONS_MAX = 255;

/** name → [initial value, smallest, largest] */
const ints = new Map<number, readonly [number, number, number]>([
  [TCP.TCP_KEEPIDLE, [7200, 1, 32767]],
  [TCP.TCP_KEEPINTVL, [75, 1, 32767]],
  [TCP.TCP_KEEPCNT, [9, 1, 127]],
  [TCP.TCP_SYNCNT, [6, 1, 127]],
  [TCP.TCP_USER_TIMEOUT, [0, 0, 0x7fff_ffff]],
  [TCP.TCP_THIN_LINEAR_TIMEOUTS, [0, 0, 1]],
  [TCP.TCP_THIN_DUPACK, [0, 0, 1]],
  [TCP.TCP_FASTOPEN_CONNECT, [0, 0, 1]],
  [TCP.TCP_FASTOPEN_NO_COOKIE, [0, 0, 1]],
  [TCP.TCP_TX_DELAY, [0, 0, 0x7fff_ffff]],
  [TCP.TCP_SAVE_SYN, [0, 0, 2]],
  [TCP.TCP_INQ, [0, 0, 1]],
]);

/** Any value is taken; flags become 0 or 1. */
const loose = new Map<number, "flag" | "int">([
  [TCP.TCP_NODELAY, "flag"],
  [TCP.TCP_CORK, "flag"],
  [TCP.TCP_NOTSENT_LOWAT, "int"],
]);

export class TcpSettings {
  readonly values = new Map<number, number>();
  congestion = "cubic";
  maxSegment = 0;

  inherit(from: TcpSettings): void {
    for (const [name, value] of from.values) this.values.set(name, value);
    this.congestion = from.congestion;
    this.maxSegment = from.maxSegment;
  }
}

const congestionName = (name: string): Uint8Array => {
  const bytes = new Uint8Array(NAME_MAX);
  bytes.set(Buffer.from(name, "latin1"));
  return bytes;
};

export const getTcpOption = (socket: TcpSocket, name: number, _length: number): OptionValue => {
  const { tcp } = socket;
  const range = ints.get(name);
  if (range !== undefined) return int32Bytes(tcp.values.get(name) ?? range[0]);
  if (loose.has(name)) return int32Bytes(tcp.values.get(name) ?? 0);
  switch (name) {
    case TCP.TCP_MAXSEG: {
      const isClosed = socket.state === TCP_CLOSE || socket.state === TCP_LISTEN;
      return int32Bytes(isClosed ? tcp.maxSegment || MSS_DEFAULT : Math.min(tcp.maxSegment || LOOPBACK_MSS, LOOPBACK_MSS));
    }
    case TCP.TCP_LINGER2:
      return int32Bytes(tcp.values.get(name) || 60);
    case TCP.TCP_DEFER_ACCEPT:
    case TCP.TCP_FASTOPEN:
    case TCP.TCP_REPAIR:
      return int32Bytes(tcp.values.get(name) ?? 0);
    case TCP.TCP_WINDOW_CLAMP:
      return int32Bytes(tcp.values.get(name) ?? 0);
    case TCP.TCP_QUICKACK:
      return int32Bytes(tcp.values.get(name) ?? 1);
    case TCP.TCP_CONGESTION:
      return congestionName(tcp.congestion);
    case TCP.TCP_INFO:
      return tcpInfo(socket);
    case TCP.TCP_CC_INFO:
      return new Uint8Array(20);
    case TCP.TCP_SAVED_SYN:
    case TCP.TCP_ULP:
    case TCP.TCP_FASTOPEN_KEY:
      return new Uint8Array(0);
    case TCP.TCP_TIMESTAMP:
      return int32Bytes(Math.floor(socket.kernel.clock.monotonicNs() / 1e6) | 0);
    case TCP.TCP_REPAIR_QUEUE:
    case TCP.TCP_QUEUE_SEQ:
    case TCP.TCP_REPAIR_WINDOW:
    case TCP.TCP_ZEROCOPY_RECEIVE:
      return EINVAL;
    default:
      return ENOPROTOOPT;
  }
};

const setCongestion = (socket: TcpSocket, value: Uint8Array): number => {
  if (value.length < 1) return EINVAL;
  const end = value.indexOf(0);
  const name = Buffer.from(value.subarray(0, Math.min(NAME_MAX - 1, end < 0 ? value.length : end))).toString("latin1");
  if (!ALGORITHMS.includes(name)) return ENOENT;
  socket.tcp.congestion = name;
  return 0;
};

/** TCP_DEFER_ACCEPT is kept as a number of retransmissions: seconds come back rounded up to 1, 3, 7, 15… */
const deferSeconds = (seconds: number): number => {
  if (seconds <= 0) return 0;
  let shown = 1;
  let step = 1;
  for (let count = 1; shown < seconds && count < RETRANSMISSIONS_MAX; count++) {
    step = Math.min(step * 2, 120);
    shown += step;
  }
  return shown;
};

export const setTcpOption = (socket: TcpSocket, task: Task, name: number, value: Uint8Array): number => {
  const { tcp } = socket;
  if (name === TCP.TCP_CONGESTION) return setCongestion(socket, value);
  if (name === TCP.TCP_ULP) return value.length < 1 ? EINVAL : ENOENT;
  if (name === TCP.TCP_FASTOPEN_KEY) return value.length === 16 || value.length === 32 ? 0 : EINVAL;
  if (value.length < 4) return EINVAL;
  const int = int32At(value, 0);
  const range = ints.get(name);
  if (range !== undefined) {
    if (int < range[1] || int > range[2]) return EINVAL;
    if ((name === TCP.TCP_FASTOPEN_CONNECT || name === TCP.TCP_FASTOPEN_NO_COOKIE) && socket.state !== TCP_CLOSE) return EINVAL;
    // Since Linux 5.8 thin streams have no early retransmission: the flag is checked and forgotten.
    tcp.values.set(name, name === TCP.TCP_THIN_DUPACK ? 0 : int);
    return 0;
  }
  const kind = loose.get(name);
  if (kind !== undefined) {
    tcp.values.set(name, kind === "flag" ? (int !== 0 ? 1 : 0) : int);
    return 0;
  }
  switch (name) {
    case TCP.TCP_MAXSEG:
      if (int !== 0 && (int < 88 || int > 32767)) return EINVAL;
      tcp.maxSegment = int;
      return 0;
    case TCP.TCP_LINGER2:
      tcp.values.set(name, int < 0 ? -1 : Math.min(int, FIN_TIMEOUT_MAX));
      return 0;
    case TCP.TCP_DEFER_ACCEPT:
      tcp.values.set(name, deferSeconds(int));
      return 0;
    case TCP.TCP_WINDOW_CLAMP:
      if (int === 0 && socket.state !== TCP_CLOSE) return EINVAL;
      tcp.values.set(name, int === 0 ? 0 : Math.max(1152, int));
      return 0;
    case TCP.TCP_QUICKACK:
      tcp.values.set(name, int !== 0 ? 1 : 0);
      return 0;
    case TCP.TCP_FASTOPEN:
      if (int < 0 || (socket.state !== TCP_CLOSE && socket.state !== TCP_LISTEN)) return EINVAL;
      tcp.values.set(name, Math.min(int, socket.net.somaxconn));
      return 0;
    case TCP.TCP_REPAIR:
      return task.creds.hasIn(socket.net.userNamespace, CAP_NET_ADMIN) && int === 0 ? 0 : EPERM;
    case TCP.TCP_REPAIR_QUEUE:
    case TCP.TCP_TIMESTAMP:
    case TCP.TCP_REPAIR_WINDOW:
      return EPERM;
    case TCP.TCP_QUEUE_SEQ:
      return socket.state === TCP_CLOSE ? EINVAL : EISCONN;
    case TCP.TCP_MD5SIG:
    case TCP.TCP_MD5SIG_EXT:
    case TCP.TCP_REPAIR_OPTIONS:
      return EINVAL;
    case TCP.TCP_CC_INFO:
    case TCP.TCP_INFO:
      return ENOPROTOOPT;
    default:
      return ENOPROTOOPT;
  }
};
