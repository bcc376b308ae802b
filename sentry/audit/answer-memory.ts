/**
 * Guest memory as it will be once a call's answer has arrived: what a handler wrote may
 * still wait in the slot, and what the stub prefetched is old by then.
 */
import { EFAULT, type Errno } from "../abi/errno.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import type { PeekMemory } from "./call.ts";

/** A copy-out that has not been made yet. */
export interface PendingWrite {
  readonly addr: UserAddr;
  readonly bytes: Uint8Array;
}

export class AnswerMemory implements PeekMemory {
  readonly #process: PeekMemory;
  readonly #writes: readonly PendingWrite[];

  /** `process`: memory that is not served from prefetched copies; `writes`: in the order in which they will be made. */
  constructor(process: PeekMemory, writes: readonly PendingWrite[]) {
    this.#process = process;
    this.#writes = writes;
  }

  copyIn(addr: UserAddr, length: number): Uint8Array | Errno {
    const bytes = this.#process.copyIn(addr, length);
    if (typeof bytes === "number") return bytes;
    for (const write of this.#writes) {
      const from = Math.max(addr, write.addr);
      const to = Math.min(addr + length, write.addr + write.bytes.length);
      if (from < to) bytes.set(write.bytes.subarray(from - write.addr, to - write.addr), from - addr);
    }
    return bytes;
  }

  viewIn(addr: UserAddr, length: number): DataView | Errno {
    const bytes = this.copyIn(addr, length);
    return typeof bytes === "number" ? bytes : new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  loadU64(addr: UserAddr): number {
    const view = this.viewIn(addr, 8);
    return typeof view === "number" ? EFAULT : view.getUint32(4, true) * 0x1_0000_0000 + view.getUint32(0, true);
  }

  /** Strings are inputs: no pending write is looked for beyond the string as it stands. */
  readCString(addr: UserAddr, max: number): string | Errno {
    const text = this.#process.readCString(addr, max);
    if (typeof text === "number") return text;
    const bytes = this.copyIn(addr, text.length);
    return typeof bytes === "number" ? bytes : String.fromCharCode(...bytes);
  }
}
