/** sendmmsg(2): one message after the other; an error after the first one is not told. */
import { MSG_DONTWAIT, MSG_NOSIGNAL } from "../../../syscall-tables/flags/socket.ts";
import { EAGAIN, EFAULT, EINTR, EPIPE, ERESTARTSYS, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { SendMessage } from "../../net/message.ts";
import { raiseSigpipe, type Socket } from "../../net/socket.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { UserIo } from "../../vfs/user-io.ts";
import { headerIo, MSGHDR_SIZE, prepareSend, readHeader } from "./message-header.ts";
import { isDontWait } from "./send-op.ts";

/** sizeof(struct mmsghdr): a msghdr, msg_len and padding. */
export const MMSGHDR_SIZE = 64;

export class SendMessagesOp extends BlockingOp {
  readonly #socket: Socket;
  readonly #vectorAddr: UserAddr;
  readonly #count: number;
  readonly #flags: number;
  /** Messages sent. */
  #sent = 0;
  /** The message under way, and the bytes of it that are sent. */
  #message: SendMessage | null = null;
  #io: UserIo | null = null;
  #done = 0;

  constructor(task: Task, socket: Socket, vectorAddr: UserAddr, count: number, flags: number) {
    super();
    this.#socket = socket.take();
    this.#vectorAddr = vectorAddr;
    this.#count = count;
    this.#flags = isDontWait(socket, flags) || socket.settings.sendTimeoutNs === 0 ? flags | MSG_DONTWAIT : flags;
    this.deadlineNs = task.kernel.clock.monotonicNs() + socket.settings.sendTimeoutNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#socket.queue);
  }

  step(task: Task): number {
    while (this.#sent < this.#count) {
      const result = this.#sendNext(task);
      if (result === EAGAIN && (this.#flags & MSG_DONTWAIT) === 0) return BLOCKED;
      if (result < 0) return this.#finish(task, result);
      const stored = task.memory.storeU32(this.#vectorAddr + this.#sent * MMSGHDR_SIZE + MSGHDR_SIZE, result);
      if (stored < 0) return this.#finish(task, EFAULT);
      this.#sent++;
    }
    return this.#finish(task, 0);
  }

  /** The bytes of the next message once it is sent, or an errno. */
  #sendNext(task: Task): number {
    const socket = this.#socket;
    if (this.#message === null) {
      const error = this.#load(task);
      if (error < 0) return error;
    }
    const message = this.#message as unknown as SendMessage;
    const io = this.#io as unknown as UserIo;
    for (;;) {
      const n = socket.send(task, message, io);
      if (n === EAGAIN && (this.#flags & MSG_DONTWAIT) === 0) return n;
      if (n > 0) this.#done += n;
      if (n > 0 && io.remaining > 0 && socket.isStream) continue;
      message.release();
      this.#message = null;
      return this.#done > 0 ? this.#done : n;
    }
  }

  #load(task: Task): number {
    const header = readHeader(task, this.#vectorAddr + this.#sent * MMSGHDR_SIZE);
    if (isErrno(header)) return header;
    const io = headerIo(task, header);
    if (isErrno(io)) return io;
    const message = new SendMessage().reset(this.#flags, null);
    const error = prepareSend(task, this.#socket, header, message);
    if (error < 0) return error;
    this.#message = message;
    this.#io = io.detach();
    this.#done = 0;
    return 0;
  }

  override interrupted(task: Task): number {
    return this.#finish(task, this.deadlineNs === Number.POSITIVE_INFINITY ? ERESTARTSYS : EINTR);
  }

  override timedOut(task: Task): number {
    return this.#finish(task, EAGAIN);
  }

  #finish(task: Task, result: number): number {
    const socket = this.#socket;
    this.#message?.release();
    // A message that was cut short counts as sent.
    if (this.#message !== null && this.#done > 0) {
      task.memory.storeU32(this.#vectorAddr + this.#sent * MMSGHDR_SIZE + MSGHDR_SIZE, this.#done);
      this.#sent++;
    }
    if (result === EPIPE && socket.raisesSigpipe && (this.#flags & MSG_NOSIGNAL) === 0) raiseSigpipe(task);
    socket.put();
    return this.#sent > 0 ? this.#sent : result;
  }

  describe(): string {
    return "sendmmsg";
  }
}
