/**
 * A socket of the host's network: every call goes to a host fd that the broker has made, without
 * ever waiting there. Waiting, timeouts and signals are the sentry's; addresses, states, queues
 * and most options are the host kernel's, whose errnos are the guest's.
 */

import * as HOST from "../../../native/ffi/socket-calls-unsafe.ts";
import { hostClose } from "../../../native/ffi/syscall-unsafe.ts";
import { FIONREAD, SIOCATMARK } from "../../../syscall-tables/flags/ioctl.ts";
import { O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { POLLIN, POLLOUT, POLLPRI, POLLRDBAND, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import * as MSG from "../../../syscall-tables/flags/socket.ts";
import * as SO from "../../../syscall-tables/flags/socket-options.ts";
import { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_NET_RAW } from "../../../syscall-tables/flags/system.ts";

import {
  EACCES,
  EAGAIN,
  EALREADY,
  EFAULT,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
  type Errno,
} from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";

import { type ControlMessage, int32At } from "../control.ts";
import type { ReceiveMessage, SendMessage } from "../message.ts";
import { type OptionValue, Socket, type SocketOptions } from "../socket.ts";
import { getSocketOption, setSocketOption } from "../socket-options.ts";
import { sendSigurg } from "../urgent.ts";
import type { Broker } from "./broker.ts";
import { placeControl, takeControl } from "./control.ts";
import { runOnReceived } from "./filter.ts";
import { isPrivileged, isReadable, isWritable, ownOptions } from "./options.ts";
import { HostQueue } from "./queue.ts";

const SIOCOUTQ = 0x5411;

const POLL_ALL = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND | POLLRDHUP;
/** The stub has the bytes of a shorter write at hand. */
const DIRECT_MAX = 65_536;
const CHUNK = 131_072;
/** What one read moves at most, from the host and into the guest. */
const READ_MAX = 1 << 20;

const SEND_FLAGS = MSG.MSG_OOB | MSG.MSG_DONTROUTE | MSG.MSG_EOR | MSG.MSG_CONFIRM | MSG.MSG_MORE | MSG.MSG_FASTOPEN;
const RECEIVE_FLAGS = MSG.MSG_OOB | MSG.MSG_PEEK | MSG.MSG_TRUNC | MSG.MSG_ERRQUEUE;

const isInetAddress = (address: Uint8Array): boolean => {
  const family = address.length >= 2 ? address[0] | (address[1] << 8) : MSG.AF_UNSPEC;
  return family === MSG.AF_INET || family === MSG.AF_INET6 || family === MSG.AF_UNSPEC;
};

export class HostSocket extends Socket {
  readonly hostFd: number;
  readonly broker: Broker;
  #isListening = false;
  /** The peer that accept(2) has told, for the call that made this socket. */
  #acceptedFrom: Uint8Array | null = null;

  /** Takes over `hostFd`. */
  constructor(options: SocketOptions, broker: Broker, hostFd: number) {
    super({ ...options, queue: new HostQueue(options.kernel.hostPoller, hostFd) });
    this.hostFd = hostFd;
    this.broker = broker;
    // What /proc/net shows beside the socket.
    this.inode.ino = HOST.hostInode(hostFd);
    (this.queue as HostQueue).onEvents = (events) => {
      if ((events & POLLPRI) !== 0) sendSigurg(this);
    };
  }

  override get isListening(): boolean {
    return this.#isListening;
  }

  protected addressError(address: Uint8Array): number {
    return isInetAddress(address) ? 0 : EINVAL;
  }

  override bind(task: Task, address: Uint8Array): number {
    const error = HOST.hostBind(this.hostFd, address);
    // A privileged port is the broker's affair.
    if (error !== EACCES || !task.creds.hasIn(this.net.userNamespace, CAP_NET_BIND_SERVICE)) return error;
    return this.broker.bind(this.hostFd, address);
  }

  override connect(_task: Task, address: Uint8Array, isNonblocking: boolean): number {
    this.kernel.hostPoller.expect();
    let result = HOST.hostConnect(this.hostFd, address);
    if (isNonblocking || (result !== EINPROGRESS && result !== EALREADY)) return result;
    // On lo the answer is there by now; and the second call completes the first (inet_stream_connect).
    result = this.connected(_task, address);
    return result === EAGAIN ? EINPROGRESS : result;
  }

  override connected(_task: Task, address: Uint8Array): number {
    const result = HOST.hostConnect(this.hostFd, address);
    if (result === EALREADY || result === EINPROGRESS) return EAGAIN;
    return result === EISCONN ? 0 : result;
  }

  override listen(_task: Task, backlog: number): number {
    const error = HOST.hostListen(this.hostFd, backlog);
    if (error === 0) this.#isListening = true;
    return error;
  }

  override accept(task: Task, flags: number): Socket | Errno {
    const hostFd = HOST.hostAccept(this.hostFd);
    if (hostFd < 0) return hostFd as Errno;
    const { kernel, net, family, type, protocol } = this;
    const options = {
      kernel,
      net,
      family,
      type,
      protocol,
      flags: (flags & MSG.SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0,
      uid: task.creds.fsuid,
      gid: task.creds.fsgid,
    };
    const from = HOST.received.name;
    const made = new HostSocket(options, this.broker, hostFd);
    made.#acceptedFrom = from;
    made.settings.inherit(this.settings);
    return made;
  }

  override localName(): Uint8Array | Errno {
    return HOST.hostName(this.hostFd, false) as Uint8Array | Errno;
  }

  override peerName(): Uint8Array | Errno {
    const from = this.#acceptedFrom;
    this.#acceptedFrom = null;
    return from ?? (HOST.hostName(this.hostFd, true) as Uint8Array | Errno);
  }

  override shutdown(_task: Task, how: number): number {
    this.kernel.hostPoller.expect();
    return HOST.hostShutdown(this.hostFd, how);
  }

  // ---- data

  override prepareControl(_task: Task, message: SendMessage, control: ControlMessage[]): number {
    message.control = control;
    return 0;
  }

  override send(task: Task, message: SendMessage, io: Io): number {
    const flags = (message.flags & SEND_FLAGS) | MSG.MSG_DONTWAIT | MSG.MSG_NOSIGNAL;
    if (message.address === null && message.control === null && this.isStream && io.remaining > 0)
      return this.#sendStream(io, message.flags, flags);
    return this.sendMessage(task, message, io, flags);
  }

  #sendStream(io: Io, wanted: number, flags: number): number {
    const length = io.remaining;
    this.kernel.hostPoller.expect();
    // Node ignores SIGPIPE, which write(2) would raise.
    if (length <= DIRECT_MAX && (wanted & SEND_FLAGS) === 0) return io.takeToHost(this.hostFd, -1, length);
    let done = 0;
    while (done < length) {
      const taken = io.take(HOST.socketData, 0, Math.min(CHUNK, length - done));
      if (taken < 0) return done > 0 ? done : taken;
      const n = HOST.hostSend(this.hostFd, taken, flags);
      if (n < taken) io.giveBack(taken - Math.max(0, n));
      if (n < 0) return done > 0 ? done : n;
      done += n;
      if (n < taken) break;
    }
    return done;
  }

  protected sendMessage(_task: Task, message: SendMessage, io: Io, flags: number): number {
    const { address } = message;
    // sendmsg(2), which stands for all of them here, takes an address of no bytes for none; sendto(2) does not.
    if (address?.length === 0 && !this.isStream) return EINVAL;
    if (address !== null && this.addressError(address) < 0) return this.addressError(address);
    const controlLength = placeControl(message.control);
    if (controlLength < 0) return controlLength;
    if (io.remaining > HOST.DATA_ROOM && !this.isStream) return EMSGSIZE;
    const length = Math.min(io.remaining, HOST.DATA_ROOM);
    const taken = length === 0 ? 0 : io.take(HOST.socketData, 0, length);
    if (taken < length) {
      if (taken > 0) io.giveBack(taken);
      return EFAULT;
    }
    this.kernel.hostPoller.expect();
    const n = HOST.hostSendMessage(this.hostFd, length, address, controlLength, flags);
    if (n < length && length > 0) io.giveBack(length - Math.max(0, n));
    if (n === EINPROGRESS && (message.flags & MSG.MSG_FASTOPEN) !== 0 && (message.flags & MSG.MSG_DONTWAIT) === 0) {
      // The connection is on its way; the data follows when it is there.
      message.flags &= ~MSG.MSG_FASTOPEN;
      message.address = null;
      return EAGAIN;
    }
    return n;
  }

  override receive(_task: Task, message: ReceiveMessage, io: Io): number {
    const flags = (message.flags & RECEIVE_FLAGS) | MSG.MSG_DONTWAIT;
    if (this.isStream && message.control === null && (message.flags & RECEIVE_FLAGS) === 0 && io.remaining > 0) {
      return io.putFromHost(this.hostFd, -1, Math.min(io.remaining, READ_MAX));
    }
    const kept = this.#filtered();
    const room = Math.min(io.remaining, HOST.DATA_ROOM);
    const whole = HOST.hostReceiveMessage(this.hostFd, room, message.control !== null, flags);
    if (whole < 0) return whole;
    const n = Math.min(whole, kept);
    if (n <= room && n < whole) HOST.received.flags &= ~MSG.MSG_TRUNC;
    if (!this.isStream || (message.flags & RECEIVE_FLAGS) !== 0) message.isComplete = true;
    const isDropped = this.isStream && (message.flags & MSG.MSG_TRUNC) !== 0;
    const length = isDropped ? 0 : Math.min(n, room);
    if (length > 0 && io.put(HOST.socketData, 0, length) !== length) return EFAULT;
    // With a buffer it is the guest's that may be too short, not the one here.
    message.outFlags |= HOST.received.flags & ~(message.control === null ? MSG.MSG_CMSG_CLOEXEC : MSG.MSG_CMSG_CLOEXEC | MSG.MSG_CTRUNC);
    message.address = HOST.received.name;
    if (message.control !== null) takeControl(message);
    return n;
  }

  /** Throws away what the socket's filter does not take. How many bytes it leaves of the next packet. */
  #filtered(): number {
    const { filter } = this.settings;
    if (filter === null) return Number.POSITIVE_INFINITY;
    for (;;) {
      const n = HOST.hostReceiveMessage(this.hostFd, HOST.DATA_ROOM, false, MSG.MSG_PEEK | MSG.MSG_TRUNC | MSG.MSG_DONTWAIT);
      if (n < 0) return Number.POSITIVE_INFINITY;
      const kept = runOnReceived(this, filter, n);
      if (kept >= 0) return kept;
      if (HOST.hostReceiveMessage(this.hostFd, 0, false, MSG.MSG_DONTWAIT) < 0) return Number.POSITIVE_INFINITY;
    }
  }

  override readiness(): number {
    this.#filtered();
    return HOST.hostReadiness(this.hostFd, POLL_ALL);
  }

  override inputQueue(): number {
    return Math.min(this.#filtered(), HOST.hostIntIoctl(this.hostFd, FIONREAD));
  }

  override outputQueue(): number {
    return HOST.hostIntIoctl(this.hostFd, SIOCOUTQ);
  }

  override atMark(): number {
    return HOST.hostIntIoctl(this.hostFd, SIOCATMARK);
  }

  /** SIGURG is due though nobody waits. */
  override ownerChanged(): void {
    (this.queue as HostQueue).watch();
  }

  // ---- options

  override option(task: Task, level: number, name: number, length: number): OptionValue {
    if (level === SO.SOL_SOCKET && (ownOptions.has(name) || name === SO.SO_ZEROCOPY)) return getSocketOption(this, task, name, length);
    return isReadable(level, name) ? (HOST.hostGetOption(this.hostFd, level, name, length, null) as OptionValue) : ENOPROTOOPT;
  }

  override changeOption(task: Task, level: number, name: number, value: Uint8Array): number {
    if (level === SO.SOL_SOCKET) {
      // Its notifications would need the guest's pages to be the host's.
      if (name === SO.SO_ZEROCOPY) return EOPNOTSUPP;
      // The host chooses among its own sockets.
      if (name === SO.SO_ATTACH_REUSEPORT_CBPF || name === SO.SO_ATTACH_REUSEPORT_EBPF) return ENOPROTOOPT;
      if (ownOptions.has(name)) return this.#changeOwnOption(task, name, value);
    }
    const canHave = isWritable(level, name);
    if (!canHave && !isPrivileged(level, name)) return ENOPROTOOPT;
    const error = canHave ? HOST.hostSetOption(this.hostFd, level, name, value) : EPERM;
    if (error === 0 && level === SO.SOL_SOCKET && name === SO.SO_RCVLOWAT) {
      const wanted = int32At(value, 0);
      this.settings.receiveLowWater = wanted < 0 ? 0x7fff_ffff : wanted || 1;
    }
    if ((error !== EPERM && error !== EACCES) || !isPrivileged(level, name) || !this.#isPrivileged(task, name)) return error;
    return this.broker.setOption(this.hostFd, level, name, value);
  }

  #isPrivileged(task: Task, name: number): boolean {
    const { userNamespace } = this.net;
    if (task.creds.hasIn(userNamespace, CAP_NET_ADMIN)) return true;
    return (
      (name === SO.SO_BINDTODEVICE || name === SO.SO_BINDTOIFINDEX || name === SO.SO_MARK) && task.creds.hasIn(userNamespace, CAP_NET_RAW)
    );
  }

  #changeOwnOption(task: Task, name: number, value: Uint8Array): number {
    const error = setSocketOption(this, task, name, value);
    if (error < 0 || name !== SO.SO_LINGER) return error;
    // close(2) would wait in the host, and the sentry with it: the host hears only of "reset at once".
    const isAbort = this.settings.isLingering && this.settings.lingerSeconds === 0;
    const host = new Uint8Array(8);
    host[0] = isAbort ? 1 : 0;
    return HOST.hostSetOption(this.hostFd, SO.SOL_SOCKET, SO.SO_LINGER, host);
  }

  protected override close(): void {
    (this.queue as HostQueue).unwatch();
    hostClose(this.hostFd);
    this.kernel.hostPoller.expect();
  }
}
