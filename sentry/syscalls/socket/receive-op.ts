/** The sleep of recvfrom and recvmsg. */
import { MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_ERRQUEUE } from "../../../syscall-tables/flags/socket.ts";
import { EAGAIN, EINTR, ERESTARTSYS } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { ReceiveMessage } from "../../net/message.ts";
import type { Socket } from "../../net/socket.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import type { UserIo } from "../../vfs/user-io.ts";
import { writeAddress } from "./lookup.ts";
import { type MessageHeader, writeHeader } from "./message-header.ts";

/** Where the results go besides the bytes: the arguments of recvfrom(2), or the header of recvmsg(2). */
export interface ReceiveResults {
  readonly header: MessageHeader | null;
  readonly headerAddr: UserAddr;
  readonly addr: UserAddr;
  readonly lengthAddr: UserAddr;
}

/** `n` bytes are received: copies out what belongs to them. `n`, or an errno. */
export const deliverResults = (task: Task, message: ReceiveMessage, results: ReceiveResults, n: number): number => {
  if (n < 0) return n;
  let error = 0;
  if (results.header !== null) {
    const flags = message.outFlags | (message.flags & MSG_CMSG_CLOEXEC);
    error = writeHeader(task, results.headerAddr, results.header, message.address, flags, message.control);
  } else if (results.addr !== 0) error = writeAddress(task, message.address ?? new Uint8Array(0), results.addr, results.lengthAddr);
  return error < 0 ? error : n;
};

class ReceiveOp extends BlockingOp {
  readonly #socket: Socket;
  readonly #message: ReceiveMessage;
  readonly #io: UserIo;
  readonly #results: ReceiveResults;
  readonly #target: number;
  #done: number;

  constructor(task: Task, socket: Socket, message: ReceiveMessage, io: UserIo, results: ReceiveResults, target: number, done: number) {
    super();
    this.#socket = socket.take();
    this.#message = message.detach();
    this.#io = io.detach();
    this.#results = results;
    this.#target = target;
    this.#done = done;
    this.deadlineNs = task.kernel.clock.monotonicNs() + socket.settings.receiveTimeoutNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#socket.queue);
  }

  step(task: Task): number {
    for (;;) {
      const n = this.#socket.receive(task, this.#message, this.#io);
      if (n === EAGAIN) return BLOCKED;
      if (n < 0) return this.#finish(task, n);
      this.#done += n;
      if (n === 0 || this.#message.isComplete || this.#done >= this.#target || this.#io.remaining === 0) return this.#finish(task, 0);
    }
  }

  override interrupted(task: Task): number {
    return this.#finish(task, this.deadlineNs === Number.POSITIVE_INFINITY ? ERESTARTSYS : EINTR);
  }

  override timedOut(task: Task): number {
    return this.#finish(task, EAGAIN);
  }

  #finish(task: Task, result: number): number {
    this.#socket.put();
    return deliverResults(task, this.#message, this.#results, this.#done > 0 ? this.#done : result);
  }

  describe(): string {
    return "sock_recvmsg";
  }
}

export const receiveOrBlock = (task: Task, socket: Socket, message: ReceiveMessage, io: UserIo, results: ReceiveResults): number => {
  const target = socket.receiveTarget(message.flags, io.remaining);
  const n = socket.receive(task, message, io);
  const wantsMore = n === EAGAIN || (n > 0 && n < target && io.remaining > 0 && !message.isComplete);
  const mayWait = (message.flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) === 0 && socket.settings.receiveTimeoutNs !== 0;
  if (!wantsMore || !mayWait) return deliverResults(task, message, results, n);
  return task.block(new ReceiveOp(task, socket, message, io, results, target, Math.max(n, 0)));
};
