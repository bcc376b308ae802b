import { MSG_DONTWAIT, MSG_ERRQUEUE, MSG_OOB, MSG_WAITFORONE } from "../../../syscall-tables/flags/socket.ts";
import { EAGAIN, EFAULT, EINTR, ERESTARTSYS, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { ReceiveMessage } from "../../net/message.ts";
import type { Socket } from "../../net/socket.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { UserIo } from "../../vfs/user-io.ts";
import { implement } from "../implement.ts";
import { readTimespec, writeTimeout } from "../poll/timeout.ts";
import { socketOf } from "./lookup.ts";
import { controlWriter, headerIo, type MessageHeader, MSGHDR_SIZE, readHeader } from "./message-header.ts";
import { deliverResults } from "./receive-op.ts";
import { MMSGHDR_SIZE } from "./send-many.ts";

const MOST_MESSAGES = 1024;

/** recvmmsg(2): an error after the first message is told by the next call. */
class ReceiveMessagesOp extends BlockingOp {
  readonly #socket: Socket;
  readonly #vectorAddr: UserAddr;
  readonly #count: number;
  #flags: number;
  readonly #timeoutAddr: UserAddr;
  /** The timeout is looked at after each message only (BUGS of the man page). */
  readonly #timeoutEndNs: number;
  #received = 0;
  #header: MessageHeader | null = null;
  #message: ReceiveMessage | null = null;
  #io: UserIo | null = null;
  #done = 0;

  constructor(task: Task, socket: Socket, vectorAddr: UserAddr, count: number, flags: number, timeoutAddr: UserAddr, timeoutNs: number) {
    super();
    this.#socket = socket.take();
    this.#vectorAddr = vectorAddr;
    this.#count = count;
    this.#flags = socket.isNonblocking || socket.settings.receiveTimeoutNs === 0 ? flags | MSG_DONTWAIT : flags;
    this.#timeoutAddr = timeoutAddr;
    const now = task.kernel.clock.monotonicNs();
    this.#timeoutEndNs = now + timeoutNs;
    this.deadlineNs = now + socket.settings.receiveTimeoutNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#socket.queue);
  }

  step(task: Task): number {
    while (this.#received < this.#count) {
      const n = this.#receiveNext(task);
      if (n === EAGAIN && (this.#flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) === 0) return BLOCKED;
      if (n < 0) return this.#finish(task, n);
      if (task.memory.storeU32(this.#vectorAddr + this.#received * MMSGHDR_SIZE + MSGHDR_SIZE, n) < 0) return this.#finish(task, EFAULT);
      this.#received++;
      if ((this.#flags & MSG_WAITFORONE) !== 0) this.#flags |= MSG_DONTWAIT;
      if (this.#timeoutAddr !== 0 && task.kernel.clock.monotonicNs() >= this.#timeoutEndNs) break;
      // Out-of-band data ends the call: the rest is ordinary data.
      if (((this.#message?.outFlags ?? 0) & MSG_OOB) !== 0) break;
    }
    return this.#finish(task, 0);
  }

  #receiveNext(task: Task): number {
    if (this.#header === null) {
      const error = this.#load(task);
      if (error < 0) return error;
    }
    const socket = this.#socket;
    const message = this.#message as unknown as ReceiveMessage;
    const io = this.#io as unknown as UserIo;
    message.flags = this.#flags & ~MSG_WAITFORONE;
    const target = socket.receiveTarget(message.flags, io.remaining + this.#done);
    for (;;) {
      const n = socket.receive(task, message, io);
      if (n === EAGAIN && (this.#flags & MSG_DONTWAIT) === 0) return n;
      if (n > 0) this.#done += n;
      if (n > 0 && this.#done < target && io.remaining > 0 && !message.isComplete) continue;
      return this.#complete(task, message, this.#done > 0 ? this.#done : n);
    }
  }

  #complete(task: Task, message: ReceiveMessage, n: number): number {
    const header = this.#header;
    this.#header = null;
    return deliverResults(
      task,
      message,
      { header, headerAddr: this.#vectorAddr + this.#received * MMSGHDR_SIZE, addr: 0, lengthAddr: 0 },
      n,
    );
  }

  #load(task: Task): number {
    const header = readHeader(task, this.#vectorAddr + this.#received * MMSGHDR_SIZE);
    if (isErrno(header)) return header;
    const io = headerIo(task, header);
    if (isErrno(io)) return io;
    this.#header = header;
    this.#io = io.detach();
    this.#message = new ReceiveMessage().reset(this.#flags, controlWriter(header));
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
    const count = this.#received;
    if (this.#header !== null && this.#done > 0 && this.#message !== null) {
      this.#complete(task, this.#message, this.#done);
      task.memory.storeU32(this.#vectorAddr + count * MMSGHDR_SIZE + MSGHDR_SIZE, this.#done);
      this.#received++;
    } else if (count > 0 && result < 0 && result > ERESTARTSYS && result !== EAGAIN && result !== EINTR) socket.error = result;
    socket.put();
    if (this.#timeoutAddr !== 0) {
      const leftNs = Math.max(0, this.#timeoutEndNs - task.kernel.clock.monotonicNs());
      if (this.#received > 0 && !writeTimeout(task, this.#timeoutAddr, leftNs, 1)) return EFAULT;
    }
    return this.#received > 0 ? this.#received : result;
  }

  describe(): string {
    return "recvmmsg";
  }
}

/** recvmmsg(2) */
export const sys_recvmmsg = implement("recvmmsg", { level: "full" }, (task, fd, vectorAddr, count, flags, timeoutAddr) => {
  const timeoutNs = readTimespec(task, timeoutAddr);
  if (timeoutNs < 0) return timeoutNs;
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const error = socket.takeError();
  if (error < 0) return error;
  const op = new ReceiveMessagesOp(task, socket, vectorAddr, Math.min(count, MOST_MESSAGES), flags, timeoutAddr, timeoutNs);
  const result = op.step(task);
  return result === BLOCKED ? task.block(op) : result;
});
