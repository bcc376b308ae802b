/** What a stopped thread does for those who look into its process (ptrace): in the guest process, by its own host thread. */
import { type Errno, isErrno } from "../../abi/errno.ts";
import { OP_MAX, OP_POKE, OP_READ_FPU, OP_WRITE_FPU, SLOT_FAILED_OP } from "./layout.generated.ts";
import type { SystrapThread } from "./thread.ts";

/** GuestThread.settle */
export const settleThread = (thread: SystrapThread, done: (failed: number | null) => void): void => {
  const { patches } = thread.process;
  if (patches !== null && patches.patched.size > 0) patches.restore(thread, thread.platform.handler);
  if (!thread.ops.isEmpty || thread.memory.hasCopyouts || thread.owesFpu) {
    settleOps(thread, done);
    return;
  }
  thread.memory.forgetPrefetched();
  done(null);
};

const settleOps = (thread: SystrapThread, done: (failed: number | null) => void): void =>
  thread.runOps((failed) => {
    const { ops } = thread;
    if (failed === 0 && !ops.isEmpty) {
      settleOps(thread, done);
      return;
    }
    let result: number | null = null;
    if (failed !== 0) {
      const index = thread.u32[thread.word + SLOT_FAILED_OP / 4];
      if (index < OP_MAX && ops.onFailure === null) {
        thread.platform.handler.broken(thread, failed);
        return;
      }
      result = index < OP_MAX ? (ops.onFailure?.(ops.ownerOf(index), failed) ?? failed) : failed;
    }
    stayStopped(thread);
    done(result);
  });

const stayStopped = (thread: SystrapThread): void => {
  thread.ops.reset();
  thread.memory.forgetPrefetched();
  thread.park();
};

/** One operation of a settled thread. */
const runOne = (thread: SystrapThread, done: (result: Errno | 0) => void, nr: number, ...args: number[]): void => {
  thread.ops.push(nr, ...args);
  thread.runOps((failed) => {
    stayStopped(thread);
    done(failed);
  });
};

/** GuestThread.poke */
export const pokeThread = (thread: SystrapThread, addr: number, bytes: Uint8Array, prot: number, done: (result: number) => void): void => {
  thread.memory.stage(bytes);
  runOne(thread, done, OP_POKE, addr, bytes.length, prot);
};

/** GuestThread.readFpu */
export const readThreadFpu = (thread: SystrapThread, done: (state: Uint8Array | Errno) => void): void =>
  runOne(thread, (result) => done(isErrno(result) ? result : thread.memory.staged(thread.platform.fpuStateSize)), OP_READ_FPU);

/** GuestThread.writeFpu */
export const writeThreadFpu = (thread: SystrapThread, state: Uint8Array, done: (result: number) => void): void => {
  thread.memory.stage(state);
  runOne(thread, done, OP_WRITE_FPU);
};
