/** The options every socket has (socket(7), struct sock). */
import { SOF_TIMESTAMPING_RX_SOFTWARE } from "../../syscall-tables/flags/socket-options.ts";
import type { SocketFilter } from "./filter/socket-filter.ts";

/** net.core.wmem_default and rmem_default, also the largest value that SO_SNDBUF and SO_RCVBUF take. */
export const BUFFER_DEFAULT = 212_992;
/** SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF */
export const SOCK_MIN_SNDBUF = 4608;
export const SOCK_MIN_RCVBUF = 2304;

/** A program that chooses among sockets that share a port; the one with the highest number counts. */
export interface ReuseportChoice {
  readonly filter: SocketFilter;
  readonly serial: number;
}

export class SocketSettings {
  reuseAddress = false;
  reusePort = false;
  isLingering = false;
  lingerSeconds = 0;
  /** SO_SNDBUF and SO_RCVBUF as getsockopt shows them. */
  sendBuffer = BUFFER_DEFAULT;
  receiveBuffer = BUFFER_DEFAULT;
  /** SOCK_SNDBUF_LOCK (1), SOCK_RCVBUF_LOCK (2): the user has set it. */
  bufferLocks = 0;
  receiveLowWater = 1;
  receiveTimeoutNs = Number.POSITIVE_INFINITY;
  sendTimeoutNs = Number.POSITIVE_INFINITY;
  isOobInline = false;
  isBroadcast = false;
  passCredentials = false;
  passPidfd = false;
  /** SO_PASSRIGHTS: SCM_RIGHTS are taken (the default). */
  passRights = true;
  /** SO_TIMESTAMP or SO_TIMESTAMPNS (their option number), or 0. */
  timestamp = 0;
  /** SO_TIMESTAMPING: its SOF_* flags, and by which of its two numbers it was set. */
  readonly stamping = { flags: 0, option: 0 };
  /** SO_MAX_PACING_RATE: an unsigned long. */
  pacingRate: Uint8Array = new Uint8Array(8).fill(0xff);
  /** SO_PEEK_OFF; -1: off. */
  peekOffset = -1;
  /** SO_BINDTODEVICE as an interface index, 0: any. */
  interfaceIndex = 0;
  /** SO_LOCK_FILTER */
  isFilterLocked = false;
  filter: SocketFilter | null = null;
  /** SO_ATTACH_REUSEPORT_CBPF */
  reuseportChoice: ReuseportChoice | null = null;
  /** Received data is stamped with the time when it came. */
  get wantsStamps(): boolean {
    return this.timestamp !== 0 || (this.stamping.flags & SOF_TIMESTAMPING_RX_SOFTWARE) !== 0;
  }
  /** Options that are only remembered, by number. */
  readonly remembered = new Map<number, number>();

  /** What accept(2) hands on to the new socket (sk_clone_lock). */
  inherit(from: SocketSettings): void {
    this.reuseAddress = from.reuseAddress;
    this.reusePort = from.reusePort;
    this.isLingering = from.isLingering;
    this.lingerSeconds = from.lingerSeconds;
    this.sendBuffer = from.sendBuffer;
    this.receiveBuffer = from.receiveBuffer;
    this.bufferLocks = from.bufferLocks;
    this.receiveLowWater = from.receiveLowWater;
    this.receiveTimeoutNs = from.receiveTimeoutNs;
    this.sendTimeoutNs = from.sendTimeoutNs;
    this.isOobInline = from.isOobInline;
    this.isBroadcast = from.isBroadcast;
    this.timestamp = from.timestamp;
    Object.assign(this.stamping, from.stamping);
    this.interfaceIndex = from.interfaceIndex;
    this.filter = from.filter;
    this.isFilterLocked = from.isFilterLocked;
    for (const [name, value] of from.remembered) this.remembered.set(name, value);
  }
}
