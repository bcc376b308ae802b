/** AF_NETLINK: requests to the kernel, answered at once, and messages between processes (netlink(7)). */

import * as NL from "../../../syscall-tables/flags/ip-options.ts";
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import {
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  NETLINK_KOBJECT_UEVENT,
  NETLINK_ROUTE,
  NETLINK_SOCK_DIAG,
  NETLINK_USERSOCK,
  SCM_CREDENTIALS,
} from "../../../syscall-tables/flags/socket.ts";
import { SOL_NETLINK, SOL_SOCKET } from "../../../syscall-tables/flags/socket-options.ts";
import { CAP_NET_ADMIN } from "../../../syscall-tables/flags/system.ts";

import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOBUFS,
  ENODATA,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
} from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";

import { type ControlMessage, int32At, int32Bytes, uint32At } from "../control.ts";
import { answerSockDiag } from "../diag/sock-diag.ts";
import { plainPacket } from "../filter/filter-packet.ts";
import { truesize } from "../inet/datagram.ts";
import type { ReceiveMessage, SendMessage } from "../message.ts";
import { type OptionValue, Socket } from "../socket.ts";
import { prepareScm } from "../unix/scm.ts";
import { isNetlinkAddress, netlinkAddress } from "./netlink-address.ts";
import {
  align4,
  NetlinkBuilder,
  type NetlinkRequest,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER,
  NLMSG_MIN_TYPE,
} from "./netlink-message.ts";
import { answerRoute } from "./route.ts";
import { Note } from "./route-change.ts";

/** sizeof(struct sockaddr_nl) */
/** Port ids that the kernel invents lie above this, as unsigned numbers. */
const NLMSGERR_ATTR_MSG = 1;
const INVENTED_FIRST = 0x8000_0000;
const MAX_GROUPS = 64;
/** NLMSG_GOODSIZE: programs give buffers of a page. */
const DUMP_PIECE_BYTES = 3776;

interface NetlinkPacket {
  readonly data: Uint8Array;
  /** The sender: 0 is the kernel. */
  readonly portId: number;
  readonly group: number;
  readonly truesize: number;
}

export class NetlinkSocket extends Socket {
  /** 0: not bound. */
  portId = 0;
  #isBound = false;
  /** Groups 1 to 32, as in sockaddr_nl. */
  #groups = 0;
  readonly #highGroups = new Set<number>();
  #peerPortId = 0;
  #peerGroups = 0;
  readonly #received: NetlinkPacket[] = [];
  #charged = 0;
  /** What is still to come of a dump. */
  #dump: Uint8Array[] = [];
  readonly #options = new Map<number, number>();

  override get isStream(): boolean {
    return false;
  }

  get groups(): number {
    return this.#groups >>> 0;
  }

  get peerPortId(): number {
    return this.#peerPortId;
  }

  get queuedBytes(): number {
    return this.#charged;
  }

  /** May any process listen, send to others? */
  get #isOpenToAll(): boolean {
    return this.protocol === NETLINK_ROUTE || this.protocol === NETLINK_KOBJECT_UEVENT || this.protocol === NETLINK_USERSOCK;
  }

  #isAdmin(task: Task): boolean {
    return task.creds.hasIn(this.net.userNamespace, CAP_NET_ADMIN);
  }

  override bind(task: Task, bytes: Uint8Array): number {
    if (!isNetlinkAddress(bytes)) return EINVAL;
    const portId = uint32At(bytes, 4);
    const groups = uint32At(bytes, 8);
    if (groups !== 0 && !this.#isOpenToAll && !this.#isAdmin(task)) return EPERM;
    if (this.#isBound) {
      if (portId !== this.portId) return EINVAL;
    } else {
      const error = portId === 0 ? this.#autobind(task) : this.#take(portId);
      if (error < 0) return error;
    }
    this.#groups = groups;
    return 0;
  }

  #take(portId: number): number {
    if (!this.net.netlink.add(this.protocol, portId, this)) return EADDRINUSE;
    this.portId = portId;
    this.#isBound = true;
    return 0;
  }

  /** netlink_autobind(): the process id, else an invented number. */
  #autobind(task: Task): number {
    if (this.#isBound) return 0;
    let portId = task.process.leader.pid.in(task.pidNamespace);
    while (this.#take(portId) < 0) portId = INVENTED_FIRST + this.net.random(0x7fff_e000);
    return 0;
  }

  override connect(task: Task, bytes: Uint8Array, _isNonblocking: boolean): number {
    if (bytes.length < 2) return EINVAL;
    if ((bytes[0] | (bytes[1] << 8)) === 0) {
      this.#peerPortId = 0;
      this.#peerGroups = 0;
      return 0;
    }
    if (!isNetlinkAddress(bytes)) return EINVAL;
    const portId = uint32At(bytes, 4);
    const groups = uint32At(bytes, 8);
    if ((portId !== 0 || groups !== 0) && this.protocol !== NETLINK_USERSOCK && !this.#isAdmin(task)) return EPERM;
    this.#autobind(task);
    this.#peerPortId = portId;
    this.#peerGroups = groups;
    return 0;
  }

  override localName(): Uint8Array {
    return netlinkAddress(this.portId, this.#groups);
  }

  override peerName(): Uint8Array {
    return netlinkAddress(this.#peerPortId, this.#peerGroups);
  }

  override prepareControl(task: Task, message: SendMessage, control: ControlMessage[]): number {
    return prepareScm(task, message, control);
  }

  override send(task: Task, message: SendMessage, io: Io): number {
    if ((message.flags & MSG_OOB) !== 0) return EOPNOTSUPP;
    const length = io.remaining;
    if (length === 0) return ENODATA;
    let portId = this.#peerPortId;
    let groups = this.#peerGroups;
    if (message.address !== null) {
      if (!isNetlinkAddress(message.address)) return EINVAL;
      portId = uint32At(message.address, 4);
      groups = uint32At(message.address, 8);
      if ((portId !== 0 || groups !== 0) && this.protocol !== NETLINK_USERSOCK && !this.#isAdmin(task)) return EPERM;
    }
    this.#autobind(task);
    if (length > this.settings.sendBuffer - 32) return EMSGSIZE;
    const data = new Uint8Array(length);
    if (io.take(data, 0, length) !== length) return EFAULT;
    if (groups !== 0) this.#broadcast(data, groups);
    if (portId === 0) {
      if (groups === 0) this.#toKernel(task, data);
      return length;
    }
    const receiver = this.net.netlink.find(this.protocol, portId);
    if (receiver === null) return groups === 0 ? ECONNREFUSED : length;
    return receiver.#enqueue(data, this.portId, 0) ? length : EAGAIN;
  }

  #broadcast(data: Uint8Array, groups: number): void {
    const group = 32 - Math.clz32(groups & -groups);
    for (const socket of this.net.netlink.sockets()) {
      if (socket !== this && socket.protocol === this.protocol && (socket.#groups & groups) !== 0)
        socket.#enqueue(data, this.portId, group);
    }
  }

  /** False when the receive buffer is full. */
  #enqueue(whole: Uint8Array, portId: number, group: number): boolean {
    const kept = this.settings.filter?.run(plainPacket(whole)) ?? whole.length;
    if (kept === 0) return true;
    const data = kept < whole.length ? whole.slice(0, kept) : whole;
    const size = truesize(data.length);
    if (this.#charged > 0 && this.#charged + size > this.settings.receiveBuffer) return false;
    this.#charged += size;
    this.#received.push({ data, portId, group, truesize: size });
    this.queue.notify(POLLIN | POLLRDNORM);
    return true;
  }

  /** An answer of the kernel; one that finds no room is lost, which the next receive reports. */
  answer(data: Uint8Array): void {
    if (this.#enqueue(data, 0, 0) || this.#options.get(NL.NETLINK_NO_ENOBUFS) === 1) return;
    this.error = ENOBUFS;
    this.queue.notify(POLLERR);
  }

  /** A message to one of the groups that are numbered in an address; what finds no room is lost like an answer. */
  hear(group: number, data: Uint8Array): void {
    if ((this.#groups & (1 << (group - 1))) === 0) return;
    if (this.#enqueue(data, 0, group) || this.#options.get(NL.NETLINK_NO_ENOBUFS) === 1) return;
    this.error = ENOBUFS;
    this.queue.notify(POLLERR);
  }

  /** netlink_dump(): a piece at a time, the next when somebody has read. */
  #continueDump(): void {
    while (this.#charged <= this.settings.receiveBuffer / 2) {
      const piece = this.#dump.shift();
      if (piece === undefined) return;
      this.answer(piece);
    }
  }

  /** netlink_rcv_skb() */
  #toKernel(task: Task, data: Uint8Array): void {
    let at = 0;
    while (data.length - at >= NLMSG_HEADER) {
      const length = uint32At(data, at);
      if (length < NLMSG_HEADER || length > data.length - at) return;
      this.#request(task, {
        type: data[at + 4] | (data[at + 5] << 8),
        flags: data[at + 6] | (data[at + 7] << 8),
        sequence: uint32At(data, at + 8),
        portId: this.portId,
        bytes: data.subarray(at, at + length),
      });
      at += align4(length);
    }
  }

  #request(task: Task, request: NetlinkRequest): void {
    if ((request.flags & NLM_F_REQUEST) === 0) return;
    const note = new Note();
    let error = 0;
    if (request.type >= NLMSG_MIN_TYPE) {
      const answers = new NetlinkBuilder();
      if (this.protocol === NETLINK_SOCK_DIAG) error = answerSockDiag(this.net, task, request, answers);
      else error = this.protocol === NETLINK_ROUTE ? answerRoute(this.net, task, request, answers, this.#isStrict, note) : EOPNOTSUPP;
      const isDump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP && error === 0;
      const endsDump = isDump && (this.protocol === NETLINK_SOCK_DIAG || request.type % 4 === 2);
      if (endsDump) {
        this.#dump = [...answers.pieces(DUMP_PIECE_BYTES)];
        this.#dump.push(
          new NetlinkBuilder().begin(NLMSG_DONE, NLM_F_MULTI, request.sequence, this.portId).u32(answers.dumpResult).finish().bytes(),
        );
        this.#continueDump();
        return;
      }
      if (!answers.isEmpty) this.answer(answers.bytes());
    }
    if (error !== 0 || (request.flags & NLM_F_ACK) !== 0) this.#acknowledge(request, error, note.text);
  }

  get #isStrict(): boolean {
    return this.#options.get(NL.NETLINK_GET_STRICT_CHK) === 1;
  }

  /** struct nlmsgerr: the error and the request, whole only after an error, and what there is to say of it (netlink_ack()). */
  #acknowledge(request: NetlinkRequest, error: number, note: string | null): void {
    const isWhole = error !== 0 && this.#options.get(NL.NETLINK_CAP_ACK) !== 1;
    const said = this.#options.get(NL.NETLINK_EXT_ACK) === 1 ? note : null;
    const flags = (isWhole ? 0 : NLM_F_CAPPED) | (said === null ? 0 : NLM_F_ACK_TLVS);
    const answer = new NetlinkBuilder().begin(NLMSG_ERROR, flags, request.sequence, this.portId).u32(error);
    answer.raw(isWhole ? request.bytes : request.bytes.subarray(0, NLMSG_HEADER));
    if (said !== null) answer.attributeText(NLMSGERR_ATTR_MSG, said);
    this.answer(answer.finish().bytes());
  }

  override receive(_task: Task, message: ReceiveMessage, io: Io): number {
    message.isComplete = true;
    if ((message.flags & MSG_OOB) !== 0) return EOPNOTSUPP;
    if (this.error !== 0) return this.takeError();
    if (this.#received.length === 0) return EAGAIN;
    const packet = this.#received[0];
    const length = Math.min(io.remaining, packet.data.length);
    const moved = length > 0 ? io.put(packet.data, 0, length) : 0;
    if ((message.flags & MSG_PEEK) === 0) {
      this.#received.shift();
      this.#charged -= packet.truesize;
      this.#continueDump();
    }
    if (moved !== length) return EFAULT;
    if (length < packet.data.length) message.outFlags |= MSG_TRUNC;
    message.address = netlinkAddress(packet.portId, packet.group === 0 ? 0 : 2 ** (packet.group - 1));
    if (this.#options.get(NL.NETLINK_PKTINFO) === 1) message.putControl(SOL_NETLINK, NL.NETLINK_PKTINFO, int32Bytes(packet.group));
    if (this.settings.passCredentials) message.putControl(SOL_SOCKET, SCM_CREDENTIALS, int32Bytes(0, 0, 0));
    return (message.flags & MSG_TRUNC) !== 0 ? packet.data.length : length;
  }

  override readiness(): number {
    let events = POLLOUT | POLLWRNORM;
    if (this.error !== 0) events |= POLLERR;
    if (this.#received.length > 0) events |= POLLIN | POLLRDNORM;
    return events;
  }

  override getOption(_task: Task, level: number, name: number, length: number): OptionValue {
    if (level !== SOL_NETLINK) return ENOPROTOOPT;
    switch (name) {
      case NL.NETLINK_PKTINFO:
      case NL.NETLINK_BROADCAST_ERROR:
      case NL.NETLINK_NO_ENOBUFS:
      case NL.NETLINK_CAP_ACK:
      case NL.NETLINK_EXT_ACK:
      case NL.NETLINK_GET_STRICT_CHK:
        return length < 4 ? EINVAL : int32Bytes(this.#options.get(name) ?? 0);
      case NL.NETLINK_LIST_MEMBERSHIPS:
        return int32Bytes(this.#groups, 0);
      default:
        return ENOPROTOOPT;
    }
  }

  override setOption(task: Task, level: number, name: number, value: Uint8Array): number {
    if (level !== SOL_NETLINK) return ENOPROTOOPT;
    const int = value.length >= 4 ? int32At(value, 0) : 0;
    switch (name) {
      case NL.NETLINK_ADD_MEMBERSHIP:
      case NL.NETLINK_DROP_MEMBERSHIP:
        return this.#changeMembership(task, int, name === NL.NETLINK_ADD_MEMBERSHIP);
      case NL.NETLINK_PKTINFO:
      case NL.NETLINK_BROADCAST_ERROR:
      case NL.NETLINK_NO_ENOBUFS:
      case NL.NETLINK_CAP_ACK:
      case NL.NETLINK_EXT_ACK:
      case NL.NETLINK_GET_STRICT_CHK:
        this.#options.set(name, int !== 0 ? 1 : 0);
        return 0;
      case NL.NETLINK_LISTEN_ALL_NSID:
        return EPERM;
      default:
        return ENOPROTOOPT;
    }
  }

  #changeMembership(task: Task, group: number, isAdd: boolean): number {
    if (!this.#isOpenToAll && !this.#isAdmin(task)) return EPERM;
    if (group < 1 || group > MAX_GROUPS) return EINVAL;
    if (group > 32) {
      if (isAdd) this.#highGroups.add(group);
      else this.#highGroups.delete(group);
    } else if (isAdd) this.#groups |= 1 << (group - 1);
    else this.#groups &= ~(1 << (group - 1));
    return 0;
  }

  protected override close(): void {
    if (this.#isBound) this.net.netlink.remove(this.protocol, this.portId);
    this.#received.length = 0;
  }
}
