/**
 * The sentry's end of the network broker (native/launcher/broker.h): the one who makes sockets,
 * and does what takes a capability over the network namespace. One question, one answer, waited for.
 */
import { PacketChannel } from "../../../native/ffi/packet-channel-unsafe.ts";
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM } from "../../../syscall-tables/flags/socket.ts";
import { EIO, EMFILE, EMSGSIZE, EPROTO, type Errno, isErrno } from "../../abi/errno.ts";

const BROKER_SOCKET = 1;
const BROKER_BIND = 2;
const BROKER_OPTION = 3;
const BROKER_OPEN = 4;
const BROKER_LIST = 5;
const BROKER_WRITE = 6;
const BROKER_NETLINK = 7;
const BROKER_IOCTL = 8;
const BROKER_READ = 9;
const BROKER_ANSWER = 16;

const HEADER = 16;
const TEXT_MAX = 8192;

export class Broker {
  readonly #channel: PacketChannel;
  readonly #onLost: () => void;
  /** Kinds of sockets that were made before, that are asked for, and that are here. */
  readonly #known = new Set<number>();
  readonly #asked: number[] = [];
  readonly #ready = new Map<number, number>();

  /** `onLost`: the broker is gone; unless this ends the sandbox, calls answer EIO. */
  constructor(channelFd: number, onLost: () => void) {
    this.#channel = new PacketChannel(channelFd, { sendCapacity: HEADER + TEXT_MAX, receiveCapacity: HEADER + TEXT_MAX, acceptsFds: true });
    this.#onLost = onLost;
  }

  #send(kind: number, x: number, y: number, text: Uint8Array, donatedFd: number): boolean {
    const channel = this.#channel;
    const out = channel.sendBuffer;
    out.writeUInt32LE(kind, 0);
    out.writeInt32LE(x, 4);
    out.writeInt32LE(y, 8);
    out.writeUInt32LE(text.length, 12);
    out.set(text, HEADER);
    return channel.send(HEADER + text.length, donatedFd) >= 0;
  }

  /** Waits for one answer: 0 or an errno. */
  #answer(): number {
    const channel = this.#channel;
    const n = channel.receive();
    if (n < HEADER) {
      this.#onLost();
      return EIO;
    }
    const answer = channel.receiveBuffer;
    if (answer.readUInt32LE(0) !== BROKER_ANSWER || answer.readUInt32LE(12) !== n - HEADER) return EPROTO;
    const result = answer.readInt32LE(4);
    return result >= 0 || result > -4096 ? Math.min(result, 0) : EPROTO;
  }

  /** Asks; 0 or an errno. An fd that comes along is for `takeFd`. */
  #ask(kind: number, x: number, y: number, text: Uint8Array, donatedFd = -1): number {
    if (text.length > TEXT_MAX) return EMSGSIZE;
    this.#takeAhead();
    if (!this.#send(kind, x, y, text, donatedFd)) {
      this.#onLost();
      return EIO;
    }
    return this.#answer();
  }

  /** Answers come in order: those to what was asked ahead come first. */
  #takeAhead(): void {
    for (const kind of this.#asked.splice(0)) {
      if (this.#answer() < 0) continue;
      const fd = this.#channel.takeFd();
      if (fd >= 0) this.#ready.set(kind, fd);
    }
  }

  #askForFd(kind: number, x: number, y: number, text: Uint8Array): number {
    const error = this.#ask(kind, x, y, text);
    if (error < 0) return error;
    const fd = this.#channel.takeFd();
    // The answer was good and the fd is not there: the sentry has no number left for it.
    return fd < 0 ? EMFILE : fd;
  }

  /**
   * A socket (nonblocking, close-on-exec), or an errno. Of TCP and UDP the next one is asked for without waiting, from
   * the second on: who makes two makes more, and an answer takes two switches of processes.
   */
  socket(family: number, type: number, protocol: number): number {
    const text = Buffer.alloc(4);
    text.writeInt32LE(protocol, 0);
    const isCommon = (family === AF_INET || family === AF_INET6) && (type === SOCK_STREAM || type === SOCK_DGRAM) && protocol === 0;
    if (!isCommon) return this.#askForFd(BROKER_SOCKET, family, type, text);
    const kind = family * 16 + type;
    if (this.#asked.includes(kind)) this.#takeAhead();
    const fd = this.#ready.get(kind) ?? this.#askForFd(BROKER_SOCKET, family, type, text);
    if (fd < 0) return fd;
    this.#ready.delete(kind);
    if (!this.#known.has(kind)) this.#known.add(kind);
    else if (this.#send(BROKER_SOCKET, family, type, text, -1)) this.#asked.push(kind);
    return fd;
  }

  bind(hostFd: number, address: Uint8Array): number {
    return this.#ask(BROKER_BIND, 0, 0, address, hostFd);
  }

  setOption(hostFd: number, level: number, name: number, value: Uint8Array): number {
    return this.#ask(BROKER_OPTION, level, name, value, hostFd);
  }

  /** Opens a file below /proc/net for reading: an fd or an errno. */
  open(name: string): number {
    return this.#askForFd(BROKER_OPEN, 0, 0, Buffer.from(name, "latin1"));
  }

  #askForText(kind: number, path: string): string | Errno {
    const error = this.#ask(kind, 0, 0, Buffer.from(path, "latin1"));
    if (error < 0) return error as Errno;
    const answer = this.#channel.receiveBuffer;
    return answer.toString("latin1", HEADER, HEADER + answer.readUInt32LE(12));
  }

  /** The names in a directory below /proc/sys/net; those of directories end in a slash. */
  list(path: string): readonly string[] | Errno {
    const text = this.#askForText(BROKER_LIST, path);
    return isErrno(text) ? text : text.split("\0").filter((name) => name !== "");
  }

  /** The value of a file below /proc/sys/net. */
  read(path: string): string | Errno {
    return this.#askForText(BROKER_READ, path);
  }

  /** Writes to a file below /proc/sys/net. */
  write(path: string, value: string): number {
    return this.#ask(BROKER_WRITE, 0, 0, Buffer.from(`${path}\0${value}`, "latin1"));
  }

  /** Sends a request to the kernel over a netlink socket, with the broker's capabilities. */
  sendNetlink(hostFd: number, request: Uint8Array): number {
    return this.#ask(BROKER_NETLINK, 0, 0, request, hostFd);
  }

  /** An ioctl(2) that changes an interface. */
  changeInterface(hostFd: number, command: number, request: Uint8Array): number {
    return this.#ask(BROKER_IOCTL, command, 0, request, hostFd);
  }
}
