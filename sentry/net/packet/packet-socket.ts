/** AF_PACKET on the sandbox's own loopback (packet(7), net/packet/af_packet.c): frames as `lo` would carry them. */
import * as PACKET from "../../../syscall-tables/flags/ip-options.ts";
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { AF_PACKET, MSG_DONTWAIT, MSG_ERRQUEUE, MSG_PEEK, MSG_TRUNC, SOCK_RAW } from "../../../syscall-tables/flags/socket.ts";
import { SOL_PACKET } from "../../../syscall-tables/flags/socket-options.ts";
import { EAGAIN, EFAULT, EINVAL, EMSGSIZE, ENETDOWN, ENODEV, ENOPROTOOPT, ENXIO, EOPNOTSUPP, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import { int32At, int32Bytes } from "../control.ts";
import { truesize } from "../inet/datagram.ts";
import { putStamps } from "../inet/inet-control.ts";
import type { ReceiveMessage, SendMessage } from "../message.ts";
import { type OptionValue, Socket, type SocketOptions } from "../socket.ts";
import { ETH_HEADER, type Frame, LOOPBACK_INDEX } from "./frame.ts";
import { transmitFrame } from "./wire.ts";

const SOCKADDR_LL = 20;
const ADDRESS_AT = 12;
const ETHER_LENGTH = 6;
const ARPHRD_LOOPBACK = 772;
const ETH_P_ALL = 3;
const PACKET_OUTGOING = 4;
const LOOPBACK_MTU = 65536;
const MEMBERSHIP_SIZE = 16;
const MEMBERSHIP_TYPES = 4;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_QDISC_BYPASS = 20;
const TP_STATUS_USER = 1;

/** Switches that concern rings and queues, which `lo` has not: kept and shown. */
const KEPT: ReadonlySet<number> = new Set([
  PACKET.PACKET_AUXDATA,
  PACKET.PACKET_ORIGDEV,
  PACKET.PACKET_COPY_THRESH,
  PACKET_QDISC_BYPASS,
  PACKET_IGNORE_OUTGOING,
]);

interface ReceivedFrame extends Frame {
  readonly packetType: number;
  readonly kept: number;
  readonly truesize: number;
  readonly sec: number;
  readonly nsec: number;
}

const swapped = (value: number): number => ((value & 0xff) << 8) | ((value >>> 8) & 0xff);

export class PacketSocket extends Socket {
  /** ETH_P_*; 0: it gets nothing. */
  #wanted: number;
  #interfaceIndex = 0;
  readonly #received: ReceivedFrame[] = [];
  #charged = 0;
  #packets = 0;
  #drops = 0;
  readonly #kept = new Map<number, number>();
  readonly #memberships = new Map<string, number>();

  constructor(options: SocketOptions) {
    super(options);
    this.#wanted = swapped(options.protocol & 0xffff);
    this.net.packets.add(this);
  }

  override get isStream(): boolean {
    return false;
  }

  get #isRaw(): boolean {
    return this.type === SOCK_RAW;
  }

  override bind(_task: Task, address: Uint8Array): number {
    if (address.length < SOCKADDR_LL || (address[0] | (address[1] << 8)) !== AF_PACKET) return EINVAL;
    const index = int32At(address, 4);
    if (index !== 0 && this.net.interfaceByIndex(index) === null) return ENODEV;
    const protocol = (address[2] << 8) | address[3];
    if (protocol !== 0) this.#wanted = protocol;
    this.#interfaceIndex = index;
    if (index !== 0 && !this.net.loopback.isUp) {
      this.error = ENETDOWN;
      this.queue.notify(POLLERR);
    }
    return 0;
  }

  #name(protocol: number, index: number, packetType: number, hardware: Uint8Array | null): Uint8Array {
    const address = new Uint8Array(SOCKADDR_LL);
    address.set([AF_PACKET, 0, protocol >>> 8, protocol]);
    address.set(int32Bytes(index), 4);
    if (hardware === null) return address;
    address[8] = ARPHRD_LOOPBACK & 0xff;
    address[9] = ARPHRD_LOOPBACK >>> 8;
    address[10] = packetType;
    address[11] = ETHER_LENGTH;
    address.set(hardware, ADDRESS_AT);
    return address;
  }

  override localName(): Uint8Array {
    const index = this.#interfaceIndex;
    const name = this.#name(this.#wanted, index, 0, index === 0 ? null : new Uint8Array(ETHER_LENGTH));
    return name.subarray(0, index === 0 ? ADDRESS_AT : ADDRESS_AT + ETHER_LENGTH);
  }

  override peerName(): Errno {
    return EOPNOTSUPP;
  }

  /** packet_snd() */
  override send(_task: Task, message: SendMessage, io: Io): number {
    const { address } = message;
    let index = this.#interfaceIndex;
    let protocol = this.#wanted;
    const target = new Uint8Array(ETHER_LENGTH);
    if (address !== null) {
      if (address.length < SOCKADDR_LL || address.length < ADDRESS_AT + address[11]) return EINVAL;
      index = int32At(address, 4);
      protocol = (address[2] << 8) | address[3];
      target.set(address.subarray(ADDRESS_AT, ADDRESS_AT + ETHER_LENGTH));
    }
    if (index === 0 || this.net.interfaceByIndex(index) === null) return ENXIO;
    if (!this.net.loopback.isUp) return ENETDOWN;
    const length = io.remaining;
    const header = this.#isRaw ? 0 : ETH_HEADER;
    if (length > LOOPBACK_MTU + ETH_HEADER - header) return EMSGSIZE;
    if (this.#isRaw && length < ETH_HEADER) return EINVAL;
    const bytes = new Uint8Array(header + length);
    if (io.take(bytes, header, length) !== length) return EFAULT;
    if (!this.#isRaw) {
      bytes.set(target);
      bytes[12] = protocol >>> 8;
      bytes[13] = protocol;
    }
    transmitFrame(this.net, { bytes, protocol: (bytes[12] << 8) | bytes[13] }, this);
    return length;
  }

  /** tpacket_rcv()'s plain brother packet_rcv(). */
  takeFrame(frame: Frame, packetType: number): void {
    if (this.isReleased || (this.#wanted !== ETH_P_ALL && this.#wanted !== frame.protocol)) return;
    if (packetType === PACKET_OUTGOING && (this.#wanted !== ETH_P_ALL || this.#kept.get(PACKET_IGNORE_OUTGOING) === 1)) return;
    if (this.#interfaceIndex !== 0 && this.#interfaceIndex !== LOOPBACK_INDEX) return;
    const { bytes, protocol } = frame;
    const dataAt = this.#isRaw ? 0 : ETH_HEADER;
    const { filter } = this.settings;
    const packet = { bytes, dataAt, networkAt: ETH_HEADER, linkAt: 0, payloadAt: ETH_HEADER, protocol, interfaceIndex: LOOPBACK_INDEX };
    const kept = filter === null ? bytes.length : filter.run(packet);
    if (kept === 0) return;
    this.#packets++;
    const size = truesize(bytes.length);
    if (this.#charged > 0 && this.#charged + size > this.settings.receiveBuffer) {
      this.#drops++;
      return;
    }
    this.#charged += size;
    const { clock } = this.kernel;
    clock.readRealtime();
    this.#received.push({ ...frame, packetType, kept, truesize: size, sec: clock.sec, nsec: clock.nsec });
    this.queue.notify(POLLIN | POLLRDNORM);
  }

  override receive(_task: Task, message: ReceiveMessage, io: Io): number {
    message.isComplete = true;
    if ((message.flags & ~(MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_ERRQUEUE)) !== 0) return EINVAL;
    if ((message.flags & MSG_ERRQUEUE) !== 0) return EAGAIN;
    if (this.error !== 0) return this.takeError();
    const frame = this.#received.at(0);
    if (frame === undefined) return EAGAIN;
    const data = frame.bytes.subarray(this.#isRaw ? 0 : ETH_HEADER).subarray(0, frame.kept);
    if ((message.flags & MSG_PEEK) === 0) {
      this.#received.shift();
      this.#charged -= frame.truesize;
    }
    const length = Math.min(io.remaining, data.length);
    if (length > 0 && io.put(data, 0, length) !== length) return EFAULT;
    if (length < data.length) message.outFlags |= MSG_TRUNC;
    const source = frame.bytes.subarray(ETHER_LENGTH, 2 * ETHER_LENGTH);
    message.address = this.#name(frame.protocol, LOOPBACK_INDEX, frame.packetType, source);
    if (this.settings.wantsStamps) putStamps(message, this.settings, this.kernel.clock, frame);
    if (this.#kept.get(PACKET.PACKET_AUXDATA) === 1) {
      const whole = frame.bytes.length - (this.#isRaw ? 0 : ETH_HEADER);
      const network = this.#isRaw ? ETH_HEADER : 0;
      message.putControl(SOL_PACKET, PACKET.PACKET_AUXDATA, int32Bytes(TP_STATUS_USER, whole, data.length, network << 16, 0));
    }
    return (message.flags & MSG_TRUNC) !== 0 ? data.length : length;
  }

  override readiness(): number {
    return POLLOUT | POLLWRNORM | (this.error !== 0 ? POLLERR : 0) | (this.#received.length > 0 ? POLLIN | POLLRDNORM : 0);
  }

  override inputQueue(): number {
    const frame = this.#received.at(0);
    return frame === undefined ? 0 : Math.min(frame.kept, frame.bytes.length - (this.#isRaw ? 0 : ETH_HEADER));
  }

  override getOption(_task: Task, level: number, name: number, _length: number): OptionValue {
    if (level !== SOL_PACKET) return ENOPROTOOPT;
    if (name === PACKET.PACKET_STATISTICS) {
      const counts = int32Bytes(this.#packets, this.#drops);
      this.#packets = 0;
      this.#drops = 0;
      return counts;
    }
    return KEPT.has(name) ? int32Bytes(this.#kept.get(name) ?? 0) : ENOPROTOOPT;
  }

  override setOption(_task: Task, level: number, name: number, value: Uint8Array): number {
    if (level !== SOL_PACKET) return ENOPROTOOPT;
    if (name === PACKET.PACKET_ADD_MEMBERSHIP || name === PACKET.PACKET_DROP_MEMBERSHIP) {
      return this.#changeMembership(name === PACKET.PACKET_ADD_MEMBERSHIP, value);
    }
    if (!KEPT.has(name)) return ENOPROTOOPT;
    if (value.length < 4) return EINVAL;
    const number = int32At(value, 0);
    if (name === PACKET_IGNORE_OUTGOING && (number < 0 || number > 1)) return EINVAL;
    this.#kept.set(name, name === PACKET.PACKET_COPY_THRESH || number === 0 ? number : 1);
    return 0;
  }

  /** packet_mc_add(), packet_mc_drop(): `lo` gets everything anyway. */
  #changeMembership(isAdded: boolean, value: Uint8Array): number {
    if (value.length < MEMBERSHIP_SIZE) return EINVAL;
    const addressLength = value[6] | (value[7] << 8);
    if (value.length < 8 + addressLength) return EINVAL;
    const key = value.subarray(0, 8 + Math.min(8, addressLength)).join();
    const known = this.#memberships.get(key) ?? 0;
    if (!isAdded) {
      if (known <= 1) this.#memberships.delete(key);
      else this.#memberships.set(key, known - 1);
      return 0;
    }
    if (this.net.interfaceByIndex(int32At(value, 0)) === null) return ENODEV;
    const type = value[4] | (value[5] << 8);
    if (addressLength > ETHER_LENGTH || type >= MEMBERSHIP_TYPES) return EINVAL;
    this.#memberships.set(key, known + 1);
    return 0;
  }

  protected override close(): void {
    this.net.packets.delete(this);
  }
}
