/**
 * The transport of a network that has only `lo`: a connection is two byte queues, each in
 * the socket that reads it, and a datagram goes straight into the receiver's queue.
 */
import { POLLOUT, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { EADDRNOTAVAIL, ECONNREFUSED, ENETUNREACH, type Errno, ETIMEDOUT } from "../../abi/errno.ts";
import type { Timer } from "../../loop/timers.ts";
import type { Io } from "../../vfs/io.ts";
import { chooseReuseport } from "../filter/attach.ts";
import { plainPacket } from "../filter/filter-packet.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import type { IpAddress } from "./address.ts";
import { LOOPBACK4, LOOPBACK6 } from "./address.ts";
import type { Datagram } from "./datagram.ts";
import { deliverDatagram, receiveDatagram } from "./delivery.ts";
import type { InetSocket } from "./inet-socket.ts";
import { receives } from "./port-table.ts";
import type { TcpConnecting } from "./tcp-connecting.ts";
import type { TcpEndpoint } from "./tcp-endpoint.ts";
import { TcpSocket } from "./tcp-socket.ts";
import type { InetTransport, TcpConnection } from "./transport.ts";

/** A SYN without an answer is repeated 6 times (tcp_syn_retries): 127 s. */
const SYN_TIMEOUT_NS = 127e9;

/** What a SYN carries. */
const NO_DATA = new Uint8Array(0);

class LoopbackConnection implements TcpConnection {
  readonly #socket: TcpEndpoint;
  readonly #peer: TcpEndpoint;

  constructor(socket: TcpEndpoint, peer: TcpEndpoint) {
    this.#socket = socket;
    this.#peer = peer;
  }

  get unsent(): number {
    return Math.max(0, this.#peer.incoming.length - this.#peer.settings.receiveBuffer);
  }

  get space(): number {
    return this.#socket.settings.sendBuffer + this.#peer.settings.receiveBuffer - this.#peer.incoming.length;
  }

  write(io: Io, max: number, isUrgent: boolean): number {
    const peer = this.#peer;
    if (peer.isReleased || peer.connection === null) return this.#refused(io, max);
    const n = peer.incoming.fill(io, max);
    if (n <= 0) return n;
    if (peer.settings.wantsStamps) this.#stamp(peer.arrival);
    if (isUrgent && io.remaining === 0) {
      peer.incoming.markUrgent();
      peer.onData(true);
    } else peer.onData(false);
    return n;
  }

  #stamp(arrival: { sec: number; nsec: number }): void {
    const { clock } = this.#socket.kernel;
    clock.readRealtime();
    arrival.sec = clock.sec;
    arrival.nsec = clock.nsec;
  }

  /** Nobody is there to read: the bytes are taken, and a RST comes back. */
  #refused(io: Io, max: number): number {
    const length = Math.min(io.remaining, max);
    const n = io.take(new Uint8Array(length), 0, length);
    if (n > 0) this.#socket.onReset();
    return n;
  }

  consumed(): void {
    const peer = this.#peer;
    if (!peer.isStarved || !peer.isWritable) return;
    peer.isStarved = false;
    peer.queue.notify(POLLOUT | POLLWRNORM);
  }

  finish(): void {
    this.#peer.onFin();
  }

  abort(): void {
    this.#peer.onReset();
  }

  orphan(): void {}
}

class PendingConnect {
  readonly socket: TcpConnecting;
  readonly timer: Timer;

  constructor(socket: TcpConnecting, deadlineNs: number, expire: () => void) {
    this.socket = socket;
    this.timer = { deadlineNs, fire: expire };
  }
}

export class LoopbackTransport implements InetTransport {
  readonly #net: NetworkNamespace;
  /** Connects that wait for room in a listener's queue. */
  readonly #pending = new Map<TcpConnecting, PendingConnect[]>();

  constructor(net: NetworkNamespace) {
    this.#net = net;
  }

  isLocal(address: IpAddress): boolean {
    const { loopback } = this.#net;
    if (loopback.isLocal(address)) return true;
    if (!address.isV4) return false;
    // A device that is down keeps its addresses' routes; a namespace without a table of routes refuses nothing (inet_addr_type()).
    return loopback.addresses.some((own) => own.address.equals(address)) || loopback.isUntouched;
  }

  route(destination: IpAddress, interfaceIndex: number): IpAddress | Errno {
    if (destination.isMulticast) return interfaceIndex === 0 ? ENETUNREACH : destination.isV4 ? LOOPBACK4 : LOOPBACK6;
    if (this.#net.loopback.isLocal(destination)) return this.#net.loopback.sourceFor(destination);
    // ::1 has a route even when no device has the address, but then no source.
    return !destination.isV4 && destination.isLoopback ? EADDRNOTAVAIL : ENETUNREACH;
  }

  connect(socket: TcpConnecting): void {
    const address = socket.remoteAddress as IpAddress;
    // tcp(7) allows a simultaneous open, of which a socket that calls itself is the plainest case.
    if (socket.remotePort === socket.localPort && address.equals(socket.localAddress)) {
      socket.onConnected(new LoopbackConnection(socket, socket));
      return;
    }
    const listener = this.#findListener(address, socket.remotePort, socket.localPort);
    if (listener === null) socket.onRefused(ECONNREFUSED);
    else if (listener.isAcceptQueueFull) this.#wait(listener, socket);
    else this.#establish(listener, socket);
  }

  #wait(listener: TcpConnecting, socket: TcpConnecting): void {
    const { clock, timers } = this.#net.kernel;
    const pending = new PendingConnect(socket, clock.monotonicNs() + SYN_TIMEOUT_NS, () => {
      this.cancel(socket);
      socket.onRefused(ETIMEDOUT);
    });
    const list = this.#pending.get(listener);
    if (list === undefined) this.#pending.set(listener, [pending]);
    else list.push(pending);
    timers.arm(pending.timer);
  }

  #establish(listener: TcpConnecting, socket: TcpConnecting): void {
    const child = listener.createChild(socket.remoteAddress as IpAddress, socket.localAddress, socket.localPort);
    child.onConnected(new LoopbackConnection(child, socket));
    socket.onConnected(new LoopbackConnection(socket, child));
    listener.enqueue(child);
  }

  cancel(socket: TcpEndpoint): void {
    for (const [listener, list] of this.#pending) {
      const at = list.findIndex((pending) => pending.socket === socket);
      if (at < 0) continue;
      this.#net.kernel.timers.cancel(list[at].timer);
      list.splice(at, 1);
      if (list.length === 0) this.#pending.delete(listener);
      return;
    }
  }

  acceptedOne(listener: TcpConnecting): void {
    if (this.#pending.size === 0) return;
    const next = this.#pending.get(listener)?.[0];
    if (next === undefined || listener.isAcceptQueueFull) return;
    this.cancel(next.socket);
    this.#establish(listener, next.socket);
  }

  unlisten(listener: TcpConnecting): void {
    const list = this.#pending.get(listener);
    if (list === undefined) return;
    for (const { socket } of [...list]) {
      this.cancel(socket);
      socket.onRefused(ECONNREFUSED);
    }
  }

  deliver(_from: InetSocket, datagram: Datagram): number {
    return deliverDatagram(this.#net, datagram);
  }

  inject(datagram: Datagram): void {
    receiveDatagram(this.#net, datagram);
  }

  /** inet_lookup_listener(): the closest address wins; SO_REUSEPORT spreads over its group. */
  #findListener(address: IpAddress, port: number, fromPort: number): TcpSocket | null {
    let best: TcpSocket[] = [];
    let bestScore = -1;
    for (const binding of this.#net.tcp.bound(port)) {
      if (!(binding instanceof TcpSocket) || !binding.isListening || binding.localAddress.isMulticast) continue;
      if (!receives(binding, address)) continue;
      const own = binding.localAddress;
      const score = (own.isAny ? 0 : 4) + (own.isV4 === address.isV4 ? 1 : 0) + (binding.interfaceIndex !== 0 ? 2 : 0);
      if (score > bestScore) {
        best = [binding];
        bestScore = score;
      } else if (score === bestScore) best.push(binding);
    }
    if (best.length === 0) return null;
    if (best.length === 1 || !best[0].reusePort) return best[best.length - 1];
    const chosen = chooseReuseport(best, () => plainPacket(NO_DATA));
    return best[chosen >= 0 ? chosen : spread(fromPort, port) % best.length];
  }
}

/** A number that stays the same for the same pair of ports, and differs for others. */
export const spread = (fromPort: number, port: number): number => {
  let hash = Math.imul(fromPort ^ (port << 16), 0x9e37_79b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85eb_ca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
};
