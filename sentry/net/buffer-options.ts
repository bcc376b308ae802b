/** Options about a socket's buffers and its speed (socket(7), net/core/sock.c). */

import { AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM } from "../../syscall-tables/flags/socket.ts";
import * as SO from "../../syscall-tables/flags/socket-options.ts";
import { INT_MAX } from "../../syscall-tables/limits.ts";
import { int32At, int32Bytes } from "./control.ts";
import { BUFFER_DEFAULT, SOCK_MIN_RCVBUF, SOCK_MIN_SNDBUF, type SocketSettings } from "./settings.ts";
import type { Socket } from "./socket.ts";

const SNDBUF_LOCK = 1;
const RCVBUF_LOCK = 2;

/** An unsigned int, or an unsigned long of which only the whole and the lower half are shown; nothing here is paced. */
export const setPacing = (settings: SocketSettings, value: Uint8Array): void => {
  const isLong = value.length === 8;
  const low = int32At(value, 0);
  settings.pacingRate = int32Bytes(low, isLong ? int32At(value, 4) : low === -1 ? -1 : 0);
};

/** tcp_set_rcvlowat(): never more than half of what the buffer may become (net.ipv4.tcp_rmem). */
const TCP_RECEIVE_MAX = 6 << 20;

export const lowWaterLimit = ({ settings, family, type, protocol }: Socket): number => {
  if ((family !== AF_INET && family !== AF_INET6) || type !== SOCK_STREAM || protocol !== IPPROTO_TCP) return INT_MAX;
  return ((settings.bufferLocks & RCVBUF_LOCK) !== 0 ? settings.receiveBuffer : TCP_RECEIVE_MAX) >> 1;
};

/** For SO_SNDBUFFORCE and SO_RCVBUFFORCE, which know no limit on Linux: buffers lie in the sentry's memory. */
const FORCED_MAX = 16 << 20;

/** SO_SNDBUF, SO_RCVBUF: doubled for bookkeeping, within the limits. */
export const setBuffer = (settings: SocketSettings, name: number, value: number, isForced: boolean): number => {
  const wanted = (isForced ? Math.min(Math.max(0, value), FORCED_MAX) : Math.min(value >>> 0, BUFFER_DEFAULT)) * 2;
  if (name === SO.SO_SNDBUF || name === SO.SO_SNDBUFFORCE) {
    settings.sendBuffer = Math.max(wanted, SOCK_MIN_SNDBUF);
    settings.bufferLocks |= SNDBUF_LOCK;
  } else {
    settings.receiveBuffer = Math.max(wanted, SOCK_MIN_RCVBUF);
    settings.bufferLocks |= RCVBUF_LOCK;
  }
  return 0;
};
