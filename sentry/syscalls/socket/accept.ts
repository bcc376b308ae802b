import { SOCK_CLOEXEC, SOCK_NONBLOCK } from "../../../syscall-tables/flags/socket.ts";
import { EAGAIN, EBADF, EINTR, EINVAL, ERESTARTSYS, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Socket } from "../../net/socket.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { socketOf, writeAddress } from "./lookup.ts";

/** The new fd, or an errno; EAGAIN while there is nothing to accept. */
const tryAccept = (task: Task, socket: Socket, addr: UserAddr, lengthAddr: UserAddr, flags: number): number => {
  const room = task.files.canInstall();
  if (room < 0) return room;
  const made = socket.accept(task, flags);
  if (isErrno(made)) return made;
  if (addr !== 0) {
    const name = made.peerName();
    // do_accept(): a peer that has gone meanwhile.
    const error = isErrno(name)
      ? writeAddress(task, made.localName() as Uint8Array, addr, lengthAddr)
      : writeAddress(task, name, addr, lengthAddr);
    if (error < 0) {
      made.put();
      return error;
    }
  }
  return task.files.install(made, (flags & SOCK_CLOEXEC) !== 0);
};

class AcceptOp extends BlockingOp {
  readonly #socket: Socket;
  readonly #addr: UserAddr;
  readonly #lengthAddr: UserAddr;
  readonly #flags: number;

  constructor(task: Task, socket: Socket, addr: UserAddr, lengthAddr: UserAddr, flags: number) {
    super();
    this.#socket = socket.take();
    this.#addr = addr;
    this.#lengthAddr = lengthAddr;
    this.#flags = flags;
    this.deadlineNs = task.kernel.clock.monotonicNs() + socket.settings.receiveTimeoutNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#socket.queue);
  }

  step(task: Task): number {
    const result = tryAccept(task, this.#socket, this.#addr, this.#lengthAddr, this.#flags);
    return result === EAGAIN ? BLOCKED : this.#finish(result);
  }

  override interrupted(_task: Task): number {
    return this.#finish(this.deadlineNs === Number.POSITIVE_INFINITY ? ERESTARTSYS : EINTR);
  }

  override timedOut(_task: Task): number {
    return this.#finish(EAGAIN);
  }

  #finish(result: number): number {
    this.#socket.put();
    return result;
  }

  describe(): string {
    return "inet_csk_accept";
  }
}

const accept = (task: Task, fd: number, addr: UserAddr, lengthAddr: UserAddr, flags: number): number => {
  if (isErrno(task.file(fd))) return EBADF;
  if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) return EINVAL;
  const socket = socketOf(task, fd);
  if (isErrno(socket)) return socket;
  const result = tryAccept(task, socket, addr, lengthAddr, flags);
  if (result !== EAGAIN || socket.isNonblocking || socket.settings.receiveTimeoutNs === 0) return result;
  return task.block(new AcceptOp(task, socket, addr, lengthAddr, flags));
};

/** accept(2) */
export const sys_accept = implement("accept", { level: "full" }, (task, fd, addr, lengthAddr) => accept(task, fd, addr, lengthAddr, 0));

/** accept4(2) */
export const sys_accept4 = implement("accept4", { level: "full" }, accept);
