/** The netlink sockets of a network namespace by protocol and port id. */
import type { NetlinkSocket } from "./netlink-socket.ts";

export class NetlinkTable {
  readonly #sockets = new Map<string, NetlinkSocket>();

  find(protocol: number, portId: number): NetlinkSocket | null {
    return this.#sockets.get(`${protocol}:${portId}`) ?? null;
  }

  /** False when the port id is taken. */
  add(protocol: number, portId: number, socket: NetlinkSocket): boolean {
    const key = `${protocol}:${portId}`;
    if (this.#sockets.has(key)) return false;
    this.#sockets.set(key, socket);
    return true;
  }

  remove(protocol: number, portId: number): void {
    this.#sockets.delete(`${protocol}:${portId}`);
  }

  /** A message of the kernel's to a multicast group. */
  announce(protocol: number, group: number, data: Uint8Array): void {
    for (const socket of this.#sockets.values()) if (socket.protocol === protocol) socket.hear(group, data);
  }

  sockets(): IterableIterator<NetlinkSocket> {
    return this.#sockets.values();
  }
}
