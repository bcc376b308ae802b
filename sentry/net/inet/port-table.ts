/** Ports of one protocol: who is bound, who conflicts (inet_csk_get_port, udp_lib_get_port). */
import { EADDRINUSE } from "../../abi/errno.ts";
import type { IpAddress } from "./address.ts";
import { TCP_TIME_WAIT } from "./tcp-state.ts";

/** What the rules of bind(2) look at. */
export interface Binding {
  readonly localAddress: IpAddress;
  /** IPV6_V6ONLY */
  readonly isV6Only: boolean;
  readonly interfaceIndex: number;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  /** The owner, for SO_REUSEPORT. */
  readonly uid: number;
  readonly isListening: boolean;
  /** Bound by connect(2) alone: does not stand in the way of another connect. */
  readonly isConnectOnly: boolean;
}

/** A closed connection that keeps its port for a while. */
export class TimeWait implements Binding {
  readonly localAddress: IpAddress;
  readonly isV6Only: boolean;
  readonly interfaceIndex: number;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly uid: number;
  readonly isListening = false;
  readonly isConnectOnly = true;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  untilNs: number;
  /** TCP_FIN_WAIT2 while the peer has not closed. */
  state = TCP_TIME_WAIT;

  constructor(from: Binding, localPort: number, remoteAddress: IpAddress, remotePort: number, untilNs: number) {
    this.localPort = localPort;
    this.localAddress = from.localAddress;
    this.isV6Only = from.isV6Only;
    this.interfaceIndex = from.interfaceIndex;
    this.reuseAddress = from.reuseAddress;
    this.reusePort = from.reusePort;
    this.uid = from.uid;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.untilNs = untilNs;
  }
}

/** inet_rcv_saddr_equal() with wildcards: could both be meant by one packet? */
export const addressesMeet = (one: Binding, other: Binding): boolean => {
  const a = one.localAddress;
  const b = other.localAddress;
  if (a.isV4 && b.isV4) return a.d === 0 || b.d === 0 || a.d === b.d;
  if (!a.isV4 && !b.isV4) return a.isAny || b.isAny || a.equals(b);
  const six = a.isV4 ? other : one;
  return six.localAddress.isAny && !six.isV6Only;
};

/** Does a packet for `destination` reach a socket so bound? */
export const receives = (binding: Binding, destination: IpAddress): boolean => {
  const own = binding.localAddress;
  if (!own.isAny) return own.equals(destination);
  return own.isV4 ? destination.isV4 : !destination.isV4 || !binding.isV6Only;
};

const devicesMeet = (one: Binding, other: Binding): boolean =>
  one.interfaceIndex === 0 || other.interfaceIndex === 0 || one.interfaceIndex === other.interfaceIndex;

/** SO_REUSEPORT on both, and one owner. */
const sharePort = (one: Binding, other: Binding): boolean =>
  one.reusePort && other.reusePort && (other instanceof TimeWait || one.uid === other.uid);

export class PortTable {
  readonly #ports = new Map<number, Binding[]>();

  bound(port: number): readonly Binding[] {
    return this.#ports.get(port) ?? [];
  }

  add(port: number, binding: Binding): void {
    const list = this.#ports.get(port);
    if (list === undefined) this.#ports.set(port, [binding]);
    else list.push(binding);
  }

  remove(port: number, binding: Binding): void {
    const list = this.#ports.get(port);
    const at = list?.indexOf(binding) ?? -1;
    if (list === undefined || at < 0) return;
    if (list.length === 1) this.#ports.delete(port);
    else list.splice(at, 1);
  }

  *entries(): Generator<[number, Binding]> {
    for (const [port, list] of this.#ports) for (const binding of list) yield [port, binding];
  }

  /** inet_csk_bind_conflict(), or that of UDP, where a listener plays no part. */
  conflicts(port: number, binding: Binding, nowNs: number): boolean {
    const list = this.#ports.get(port);
    if (list === undefined) return false;
    for (let i = list.length - 1; i >= 0; i--) {
      const other = list[i];
      if (other instanceof TimeWait && other.untilNs <= nowNs) {
        this.remove(port, other);
        continue;
      }
      if (other === binding || !devicesMeet(binding, other) || !addressesMeet(binding, other)) continue;
      if (binding.reuseAddress && other.reuseAddress && !other.isListening) continue;
      if (!sharePort(binding, other)) return true;
    }
    return false;
  }

  /** A free port of the range for `binding`, or EADDRINUSE. `parity` (0, 1) is tried first: bind(2) and connect(2) keep apart. */
  pick(first: number, last: number, start: number, parity: number, isFree: (port: number) => boolean): number {
    const size = last - first + 1;
    for (let round = 0; round < 2; round++) {
      const wanted = round === 0 ? parity : 1 - parity;
      for (let i = 0; i < size; i++) {
        const offset = (start + i) % size;
        if ((offset & 1) !== wanted) continue;
        const port = first + offset;
        if (isFree(port)) return port;
      }
    }
    return EADDRINUSE;
  }
}
