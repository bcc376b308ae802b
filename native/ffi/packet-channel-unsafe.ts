/**
 * One end of a SOCK_SEQPACKET pair: whole messages, each with at most one fd beside it
 * (SCM_RIGHTS, unix(7)). Both buffers are mmap memory, so their addresses are taken once.
 */
import { MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_TRUNC, SCM_RIGHTS } from "../../syscall-tables/flags/socket.ts";
import { SOL_SOCKET } from "../../syscall-tables/flags/socket-options.ts";
import { allocateMemory, hostCall3, hostClose } from "./syscall-unsafe.ts";

const SYS_sendmsg = 46;
const SYS_recvmsg = 47;
const EINTR = -4;
const EAGAIN = -11;
const EMSGSIZE = -90;

// struct msghdr and friends at fixed places of the first page.
const SEND_HEADER = 0;
const SEND_VECTOR = 64;
const SEND_CONTROL = 128;
const RECEIVE_HEADER = 256;
const RECEIVE_VECTOR = 320;
const RECEIVE_CONTROL = 384;
const BUFFERS = 4096;
/** CMSG_LEN(sizeof(int)): room for exactly one fd, so the kernel never installs a second. */
const CONTROL_LENGTH = 20;
const MSG_IOVLEN = 24;
const MSG_CONTROL = 32;
const MSG_CONTROLLEN = 40;
const MSG_FLAGS = 48;

export class PacketChannel {
  readonly fd: number;
  readonly sendBuffer: Buffer;
  readonly receiveBuffer: Buffer;
  /** The fd that came with the last message, or -1; its taker owns it and sets -1. */
  receivedFd = -1;
  /** How often a blocking `receive` looks before it sleeps. */
  spins = 0;
  readonly #view: DataView;
  readonly #address: number;
  readonly #acceptsFds: boolean;

  constructor(fd: number, options: { sendCapacity: number; receiveCapacity: number; acceptsFds: boolean }) {
    const memory = allocateMemory(BUFFERS + options.sendCapacity + options.receiveCapacity);
    this.fd = fd;
    this.#view = memory.view;
    this.#address = memory.address;
    this.#acceptsFds = options.acceptsFds;
    const buffer = memory.u8.buffer as ArrayBuffer;
    this.sendBuffer = Buffer.from(buffer, BUFFERS, options.sendCapacity);
    this.receiveBuffer = Buffer.from(buffer, BUFFERS + options.sendCapacity, options.receiveCapacity);
    this.#header(SEND_HEADER, SEND_VECTOR, BUFFERS, 0);
    this.#header(RECEIVE_HEADER, RECEIVE_VECTOR, BUFFERS + options.sendCapacity, options.receiveCapacity);
    this.#store64(SEND_CONTROL, CONTROL_LENGTH);
    this.#view.setInt32(SEND_CONTROL + 8, SOL_SOCKET, true);
    this.#view.setInt32(SEND_CONTROL + 12, SCM_RIGHTS, true);
  }

  /** Sends the first `length` bytes of `sendBuffer`, with `donatedFd` when it is not -1: `length` or a negative errno. */
  send(length: number, donatedFd = -1): number {
    const view = this.#view;
    view.setUint32(SEND_VECTOR + 8, length, true);
    if (donatedFd < 0) {
      this.#store64(SEND_HEADER + MSG_CONTROL, 0);
      view.setUint32(SEND_HEADER + MSG_CONTROLLEN, 0, true);
    } else {
      view.setInt32(SEND_CONTROL + 16, donatedFd, true);
      this.#store64(SEND_HEADER + MSG_CONTROL, this.#address + SEND_CONTROL);
      view.setUint32(SEND_HEADER + MSG_CONTROLLEN, 24, true);
    }
    for (;;) {
      const n = hostCall3(SYS_sendmsg, this.fd, this.#address + SEND_HEADER, MSG_NOSIGNAL);
      if (n !== EINTR) return n;
    }
  }

  /** Waits for one message: its length in `receiveBuffer`, 0 when the other end is closed, or a negative errno. */
  receive(): number {
    for (let i = this.spins; i > 0; i--) {
      const n = this.#receiveOnce(MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
      if (n !== EAGAIN) return n;
    }
    for (;;) {
      const n = this.#receiveOnce(MSG_CMSG_CLOEXEC);
      if (n !== EINTR) return n;
    }
  }

  /** Takes the fd of the last message, or -1. */
  takeFd(): number {
    const fd = this.receivedFd;
    this.receivedFd = -1;
    return fd;
  }

  close(): void {
    this.#dropFd();
    hostClose(this.fd);
  }

  #receiveOnce(flags: number): number {
    const view = this.#view;
    this.#dropFd();
    this.#store64(RECEIVE_HEADER + MSG_CONTROL, this.#acceptsFds ? this.#address + RECEIVE_CONTROL : 0);
    view.setUint32(RECEIVE_HEADER + MSG_CONTROLLEN, this.#acceptsFds ? CONTROL_LENGTH : 0, true);
    view.setUint32(RECEIVE_HEADER + MSG_FLAGS, 0, true);
    const n = hostCall3(SYS_recvmsg, this.fd, this.#address + RECEIVE_HEADER, flags);
    if (n < 0) return n;
    if (this.#acceptsFds && view.getUint32(RECEIVE_HEADER + MSG_CONTROLLEN, true) >= CONTROL_LENGTH) {
      const isRights = view.getInt32(RECEIVE_CONTROL + 8, true) === SOL_SOCKET && view.getInt32(RECEIVE_CONTROL + 12, true) === SCM_RIGHTS;
      if (isRights) this.receivedFd = view.getInt32(RECEIVE_CONTROL + 16, true);
    }
    return (view.getUint32(RECEIVE_HEADER + MSG_FLAGS, true) & MSG_TRUNC) === 0 ? n : EMSGSIZE;
  }

  #dropFd(): void {
    if (this.receivedFd >= 0) hostClose(this.receivedFd);
    this.receivedFd = -1;
  }

  #header(header: number, vector: number, bufferAt: number, length: number): void {
    this.#store64(vector, this.#address + bufferAt);
    this.#store64(vector + 8, length);
    this.#store64(header + 16, this.#address + vector);
    this.#store64(header + MSG_IOVLEN, 1);
  }

  #store64(at: number, value: number): void {
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }
}
