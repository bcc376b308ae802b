import { EAGAIN, EINPROGRESS, EINTR, ERESTARTSYS, isErrno } from "../../abi/errno.ts";
import { mayConnectTcp } from "../../landlock/network.ts";
import type { Socket } from "../../net/socket.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { readAddress, socketOf } from "./lookup.ts";

class ConnectOp extends BlockingOp {
  readonly #socket: Socket;
  readonly #address: Uint8Array;
  /** What a timeout reports: EINPROGRESS when the attempt goes on without the caller. */
  readonly #pending: number;

  constructor(task: Task, socket: Socket, address: Uint8Array, pending: number) {
    super();
    this.#socket = socket.take();
    this.#address = address;
    this.#pending = pending;
    this.deadlineNs = task.kernel.clock.monotonicNs() + socket.settings.sendTimeoutNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#socket.queue);
  }

  step(task: Task): number {
    const result = this.#socket.connected(task, this.#address);
    return result === EAGAIN ? BLOCKED : this.#finish(result);
  }

  override interrupted(_task: Task): number {
    return this.#finish(this.deadlineNs === Number.POSITIVE_INFINITY ? ERESTARTSYS : EINTR);
  }

  override timedOut(_task: Task): number {
    return this.#finish(this.#pending);
  }

  #finish(result: number): number {
    this.#socket.put();
    return result;
  }

  describe(): string {
    return "connect";
  }
}

/** connect(2) */
export const sys_connect = implement("connect", { level: "full" }, (task, fd, addr, length) => {
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const address = readAddress(task, addr, length);
  if (isErrno(address)) return address;
  const kept = mayConnectTcp(task.creds, socket, address);
  if (kept < 0) return kept;
  const isNonblocking = socket.isNonblocking || socket.settings.sendTimeoutNs === 0;
  const result = socket.connect(task, address, isNonblocking);
  if ((result !== EINPROGRESS && result !== EAGAIN) || isNonblocking) return result;
  return task.block(new ConnectOp(task, socket, address, result));
});
