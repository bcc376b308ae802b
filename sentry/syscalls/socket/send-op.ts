/** The sleep of sendto, sendmsg and sendmmsg. */
import { MSG_DONTWAIT, MSG_NOSIGNAL } from "../../../syscall-tables/flags/socket.ts";
import { EAGAIN, EINTR, EPIPE, ERESTARTSYS } from "../../abi/errno.ts";
import type { SendMessage } from "../../net/message.ts";
import { raiseSigpipe, type Socket } from "../../net/socket.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { UserIo } from "../../vfs/user-io.ts";

/** The end of a send: partial progress beats an error, EPIPE comes with a signal. */
const settle = (task: Task, socket: Socket, message: SendMessage, done: number, result: number): number => {
  message.release();
  if (done > 0) return done;
  if (result === EPIPE && socket.raisesSigpipe && (message.flags & MSG_NOSIGNAL) === 0) raiseSigpipe(task);
  return result;
};

class SendOp extends BlockingOp {
  readonly #socket: Socket;
  readonly #message: SendMessage;
  readonly #io: UserIo;
  #done: number;

  constructor(task: Task, socket: Socket, message: SendMessage, io: UserIo, done: number) {
    super();
    this.#socket = socket.take();
    this.#message = message.detach();
    this.#io = io.detach();
    this.#done = done;
    this.deadlineNs = task.kernel.clock.monotonicNs() + socket.settings.sendTimeoutNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#socket.queue);
  }

  step(task: Task): number {
    for (;;) {
      const n = this.#socket.send(task, this.#message, this.#io);
      if (n === EAGAIN) return BLOCKED;
      if (n < 0) return this.#finish(task, n);
      this.#done += n;
      if (n === 0 || this.#io.remaining === 0 || !this.#socket.isStream) return this.#finish(task, 0);
    }
  }

  override interrupted(task: Task): number {
    return this.#finish(task, this.deadlineNs === Number.POSITIVE_INFINITY ? ERESTARTSYS : EINTR);
  }

  override timedOut(task: Task): number {
    return this.#finish(task, EAGAIN);
  }

  #finish(task: Task, result: number): number {
    const settled = settle(task, this.#socket, this.#message, this.#done, result);
    this.#socket.put();
    return settled;
  }

  describe(): string {
    return "sock_sendmsg";
  }
}

export const isDontWait = (socket: Socket, flags: number): boolean => (flags & MSG_DONTWAIT) !== 0 || socket.isNonblocking;

/** Sends `message`, whose references it releases in the end. */
export const sendOrBlock = (task: Task, socket: Socket, message: SendMessage, io: UserIo): number => {
  const n = socket.send(task, message, io);
  const wantsMore = n === EAGAIN || (n > 0 && io.remaining > 0 && socket.isStream);
  if (!wantsMore || (message.flags & MSG_DONTWAIT) !== 0 || socket.settings.sendTimeoutNs === 0)
    return settle(task, socket, message, Math.max(n, 0), n);
  return task.block(new SendOp(task, socket, message, io, Math.max(n, 0)));
};
