/**
 * A NETLINK_ROUTE socket of the host's: what a guest asks of links, addresses and routes the
 * namespace's own kernel answers, multicast groups included. The host refuses changes, for the
 * sentry has no capability there; a guest with CAP_NET_ADMIN has the broker send them.
 */

import * as HOST from "../../../native/ffi/socket-calls-unsafe.ts";
import { POLLIN, POLLRDNORM } from "../../../syscall-tables/flags/poll.ts";
import { MSG_OOB, MSG_PEEK, MSG_TRUNC } from "../../../syscall-tables/flags/socket.ts";
import { CAP_NET_ADMIN } from "../../../syscall-tables/flags/system.ts";

import { EADDRINUSE, EFAULT, EINVAL, EMSGSIZE, ENODATA, EPERM } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Io } from "../../vfs/io.ts";
import { uint32At } from "../control.ts";
import type { ReceiveMessage, SendMessage } from "../message.ts";
import { isNetlinkAddress, netlinkAddress } from "../netlink/netlink-address.ts";
import { align4, NLMSG_HEADER, NLMSG_MIN_TYPE } from "../netlink/netlink-message.ts";
import { HostSocket } from "./host-socket.ts";

const GET = 2;
const MOST_OWN = 256;

/** rtnetlink_rcv_msg(): message types come in fours, NEW, DEL, GET and SET. */
const isChange = (data: Uint8Array, length: number): boolean => {
  let at = 0;
  while (length - at >= NLMSG_HEADER) {
    const size = uint32At(data, at);
    if (size < NLMSG_HEADER || size > length - at) return false;
    const type = data[at + 4] | (data[at + 5] << 8);
    if (type >= NLMSG_MIN_TYPE && type % 4 !== GET) return true;
    at += align4(size);
  }
  return false;
};

export class HostNetlinkSocket extends HostSocket {
  #isBound = false;
  /** What Moat's kernel has put into it (mq_notify(3)); it comes before what the host's sends. */
  readonly #own: Uint8Array[] = [];

  answer(data: Uint8Array): void {
    if (this.#own.length >= MOST_OWN) return;
    this.#own.push(data);
    this.queue.notify(POLLIN | POLLRDNORM);
  }

  override readiness(): number {
    return super.readiness() | (this.#own.length > 0 ? POLLIN | POLLRDNORM : 0);
  }

  override receive(task: Task, message: ReceiveMessage, io: Io): number {
    const data = this.#own.at(0);
    if (data === undefined || (message.flags & MSG_OOB) !== 0) return super.receive(task, message, io);
    message.isComplete = true;
    const length = Math.min(io.remaining, data.length);
    if ((message.flags & MSG_PEEK) === 0) this.#own.shift();
    if (length > 0 && io.put(data, 0, length) !== length) return EFAULT;
    if (length < data.length) message.outFlags |= MSG_TRUNC;
    message.address = netlinkAddress(0, 0);
    return (message.flags & MSG_TRUNC) !== 0 ? data.length : length;
  }

  override get isStream(): boolean {
    return false;
  }

  protected override addressError(address: Uint8Array): number {
    if (!isNetlinkAddress(address)) return EINVAL;
    // Other processes of the namespace are not the guest's to talk to.
    return uint32At(address, 4) === 0 && uint32At(address, 8) === 0 ? 0 : EPERM;
  }

  /** netlink_autobind(): the guest's process id, as long as nobody has it. */
  #autobind(task: Task, groups: number): number {
    const portId = task.process.leader.pid.in(task.pidNamespace);
    const error = HOST.hostBind(this.hostFd, netlinkAddress(portId, groups));
    return error === EADDRINUSE ? HOST.hostBind(this.hostFd, netlinkAddress(0, groups)) : error;
  }

  override bind(task: Task, address: Uint8Array): number {
    if (!isNetlinkAddress(address)) return EINVAL;
    const wantsAny = uint32At(address, 4) === 0 && !this.#isBound;
    const error = wantsAny ? this.#autobind(task, uint32At(address, 8)) : HOST.hostBind(this.hostFd, address);
    if (error === 0) this.#isBound = true;
    return error;
  }

  override connect(task: Task, address: Uint8Array, _isNonblocking: boolean): number {
    const isUnspecified = address.length >= 2 && address[0] === 0 && address[1] === 0;
    const error = isUnspecified ? 0 : this.addressError(address);
    if (error < 0) return error;
    this.#bindFirst(task);
    return HOST.hostConnect(this.hostFd, address);
  }

  #bindFirst(task: Task): void {
    if (this.#isBound) return;
    this.#isBound = true;
    this.#autobind(task, 0);
  }

  override send(task: Task, message: SendMessage, io: Io): number {
    const length = io.remaining;
    if (length === 0) return ENODATA;
    if (length > HOST.DATA_ROOM) return EMSGSIZE;
    if (message.address !== null && this.addressError(message.address) < 0) return this.addressError(message.address);
    this.#bindFirst(task);
    if (io.take(HOST.socketData, 0, length) !== length) return EFAULT;
    this.kernel.hostPoller.expect();
    if (isChange(HOST.socketData, length) && task.creds.hasIn(this.net.userNamespace, CAP_NET_ADMIN)) {
      const error = this.broker.sendNetlink(this.hostFd, HOST.socketData.subarray(0, length));
      return error < 0 ? error : length;
    }
    return HOST.hostSendMessage(this.hostFd, length, netlinkAddress(0, 0), 0, 0x4040);
  }
}
