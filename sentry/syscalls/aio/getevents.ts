import { EFAULT, EINTR, EINVAL } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { deadlineAfter, readTimespec, useTemporaryMask } from "../poll/timeout.ts";
import { type AioContext, findContext } from "./context.ts";

const IO_EVENT_SIZE = 32;

const bytes = new Uint8Array(IO_EVENT_SIZE);
const view = new DataView(bytes.buffer);

const putWord = (at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
};

class GetEventsOp extends BlockingOp {
  readonly #context: AioContext;
  readonly #least: number;
  readonly #most: number;
  readonly #eventsAddr: UserAddr;
  #done = 0;

  constructor(context: AioContext, least: number, most: number, eventsAddr: UserAddr, deadlineNs: number) {
    super();
    this.#context = context;
    this.#least = least;
    this.#most = most;
    this.#eventsAddr = eventsAddr;
    this.deadlineNs = deadlineNs;
  }

  subscribe(task: Task): void {
    task.waitOn(this.#context.queue);
  }

  step(task: Task): number {
    const { completions } = this.#context;
    let taken = 0;
    for (; taken < completions.length && this.#done < this.#most; taken++) {
      const { dataLo, dataHi, iocbAddr, result } = completions[taken];
      view.setUint32(0, dataLo, true);
      view.setUint32(4, dataHi, true);
      putWord(8, iocbAddr);
      putWord(16, result);
      putWord(24, 0);
      if (task.memory.writeFrom(this.#eventsAddr + this.#done * IO_EVENT_SIZE, bytes, 0, IO_EVENT_SIZE) !== IO_EVENT_SIZE) {
        completions.splice(0, taken);
        return this.#done > 0 ? this.#done : EFAULT;
      }
      this.#done++;
    }
    completions.splice(0, taken);
    if (this.#done >= this.#least) return this.#done;
    return this.#context.isDead ? this.#done || EINVAL : BLOCKED;
  }

  override interrupted(_task: Task): number {
    return this.#done > 0 ? this.#done : EINTR;
  }

  override timedOut(_task: Task): number {
    return this.#done;
  }

  describe(): string {
    return "read_events";
  }
}

const getEvents = (task: Task, id: number, least: number, most: number, eventsAddr: UserAddr, timeoutNs: number): number => {
  const context = findContext(task, id);
  if (typeof context === "number") return context;
  if (least > most || least < 0) return EINVAL;
  const op = new GetEventsOp(context, least, most, eventsAddr, deadlineAfter(task, timeoutNs));
  const result = op.step(task);
  if (result !== BLOCKED) return result;
  return timeoutNs === 0 ? op.timedOut(task) : task.block(op);
};

/** io_getevents(2) */
export const sys_io_getevents = implement("io_getevents", { level: "full" }, (task, id, least, most, eventsAddr, timeoutAddr) => {
  const timeoutNs = readTimespec(task, timeoutAddr);
  return timeoutNs < 0 ? timeoutNs : getEvents(task, id, least, most, eventsAddr, timeoutNs);
});

/** io_pgetevents(2): the last argument points at the mask's address and size. */
export const sys_io_pgetevents = implement(
  "io_pgetevents",
  { level: "full" },
  (task, id, least, most, eventsAddr, timeoutAddr, sigAddr) => {
    const timeoutNs = readTimespec(task, timeoutAddr);
    if (timeoutNs < 0) return timeoutNs;
    if (sigAddr !== 0) {
      const maskAddr = task.memory.loadU64(sigAddr);
      const maskSize = task.memory.loadU64(sigAddr + 8);
      if (maskAddr < 0 || maskSize < 0) return EFAULT;
      const error = useTemporaryMask(task, maskAddr, maskSize);
      if (error < 0) return error;
    }
    return getEvents(task, id, least, most, eventsAddr, timeoutNs);
  },
);
