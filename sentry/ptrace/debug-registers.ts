/**
 * Debug registers as a tracer sets them through struct user (PTRACE_POKEUSER, u_debugreg). The host's
 * are not ours to set: while one is enabled, the task is stepped and each step is looked at. A watch
 * for reading notices changes only.
 */
import { TWO_32 } from "../../syscall-tables/limits.ts";
import { EINVAL, EIO, type Errno } from "../abi/errno.ts";
import { USER_ADDR_LIMIT } from "../mm/user-memory.ts";
import { R_RIP } from "../platform/registers.ts";
import type { Task } from "../task/task.ts";

const COUNT = 4;
const DR6 = 6;
const DR7 = 7;
/** In dr6: the step itself. */
const DR6_STEP = 0x4000;
const TYPE_EXECUTE = 0;
const TYPE_IO = 2;
const LENGTHS = [1, 2, 8, 4];

export class DebugRegisters {
  readonly #addrs = new Float64Array(COUNT);
  readonly #last: (Uint8Array | null)[] = [null, null, null, null];
  #status = 0;
  #control = 0;

  isEnabled(index: number): boolean {
    return ((this.#control >>> (index * 2)) & 3) !== 0;
  }

  get isActive(): boolean {
    return (this.#control & 0xff) !== 0;
  }

  get(index: number): number {
    if (index < COUNT) return this.#addrs[index];
    return index === DR6 ? this.#status : index === DR7 ? this.#control : 0;
  }

  set(index: number, lo: number, hi: number): 0 | Errno {
    if (index < COUNT) {
      const addr = hi * TWO_32 + lo;
      if (addr >= USER_ADDR_LIMIT) return EINVAL;
      this.#addrs[index] = addr;
      this.#last[index] = null;
      return 0;
    }
    if (index === DR6) {
      this.#status = lo;
      return 0;
    }
    return index === DR7 ? this.#setControl(lo) : EIO;
  }

  #type(index: number, control: number): number {
    return (control >>> (16 + index * 4)) & 3;
  }

  #length(index: number, control: number): number {
    return LENGTHS[(control >>> (18 + index * 4)) & 3];
  }

  #setControl(control: number): 0 | Errno {
    for (let i = 0; i < COUNT; i++) {
      if (((control >>> (i * 2)) & 3) === 0) continue;
      const type = this.#type(i, control);
      const length = this.#length(i, control);
      if (type === TYPE_IO || (type === TYPE_EXECUTE && length !== 1) || this.#addrs[i] % length !== 0) return EINVAL;
    }
    this.#control = control;
    this.#last.fill(null);
    return 0;
  }

  /** What is watched holds still now: what the task changes from here on is a hit. */
  begin(task: Task): void {
    for (let i = 0; i < COUNT; i++) if (this.isEnabled(i)) this.#last[i] = this.#read(task, i);
  }

  #read(task: Task, index: number): Uint8Array | null {
    if (this.#type(index, this.#control) === TYPE_EXECUTE) return null;
    const bytes = task.thread.process.memory.copyIn(this.#addrs[index], this.#length(index, this.#control));
    return typeof bytes === "number" ? null : bytes;
  }

  /** After a step of the task: true when a breakpoint or watch was hit, which dr6 then shows. */
  step(task: Task): boolean {
    let hits = 0;
    for (let i = 0; i < COUNT; i++) {
      if (!this.isEnabled(i)) continue;
      if (this.#type(i, this.#control) === TYPE_EXECUTE) {
        if (task.thread.regs.get(R_RIP) === this.#addrs[i]) hits |= 1 << i;
        continue;
      }
      const now = this.#read(task, i);
      const last = this.#last[i];
      if (now !== null && last !== null && !now.every((byte, at) => byte === last[at])) hits |= 1 << i;
      this.#last[i] = now;
    }
    if (hits !== 0) this.#status = hits;
    return hits !== 0;
  }

  noteStep(): void {
    this.#status |= DR6_STEP;
  }
}
