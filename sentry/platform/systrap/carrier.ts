/**
 * One host thread of a guest process. It obeys a command word in its bed (a slot's carrier
 * half, native/stub/layout.h) and runs whichever guest thread of the process it is told to:
 * its frame holds one, and one that was saved to its slot can be loaded into it instead.
 */

import { type HostMemory, hostCall3 } from "../../../native/ffi/syscall-unsafe.ts";
import { FUTEX_WAKE } from "../../../syscall-tables/flags/time.ts";
import type { SystrapProcess } from "./guest-process.ts";
import {
  COMMAND_DROP,
  COMMAND_EXIT,
  COMMAND_LOAD,
  COMMAND_PARK,
  COMMAND_QUIT,
  COMMAND_SAVE,
  SLOT_ALIVE,
  SLOT_COMMAND,
  SLOT_CPU,
  SLOT_SIZE,
  SLOT_SLEEPING,
  SLOTS_PER_REGION,
} from "./layout.generated.ts";
import type { SystrapThread } from "./thread.ts";
import { TURNS } from "./turn-taking.ts";

const SYS_futex = 202;

export class Carrier {
  readonly process: SystrapProcess;
  /** Number of its block: its stacks (STUB_THREADS). Of a fork's child: that of the carrier which clones itself, known when it does (run). */
  block: number;
  /** Number of the slot that is its bed. */
  readonly bed: number;
  hostTid = 0;
  /** The guest thread that it runs, or runs next; null: none. */
  thread: SystrapThread | null = null;
  /** Whose state is in its frame; null: nobody's, or one's that is gone. */
  frame: SystrapThread | null = null;
  hasQuit = false;
  /** The host process's first thread must not end before the process: its memory is reached by this thread's id. */
  isLeader = false;
  /** The CPU the host keeps it off; -1: none. A clone inherits it. */
  keptOff = -1;
  /** The CPUs it was bound to, as its guest thread wished (sched_setaffinity(2)); null: any. */
  boundTo: Uint32Array | null = null;
  /** It interrupts nobody when it is woken (turn-taking.ts), the turns that it has taken so far, and those after which it does not. */
  isPolite = false;
  turns = 0;
  turnsNeeded = TURNS;
  readonly #i32: Int32Array;
  readonly #command: number;
  readonly #sleeping: number;
  readonly #alive: number;
  readonly #cpu: number;
  readonly #address: number;

  constructor(process: SystrapProcess, block: number, bed: number) {
    this.process = process;
    this.block = block;
    this.bed = bed;
    const region = process.regions[Math.floor(bed / SLOTS_PER_REGION)];
    if (!region) throw new Error(`no region for bed ${bed}`);
    const memory: HostMemory = region.memory;
    const offset = region.offset + (bed % SLOTS_PER_REGION) * SLOT_SIZE;
    this.#i32 = memory.i32;
    this.#command = (offset + SLOT_COMMAND) / 4;
    this.#sleeping = (offset + SLOT_SLEEPING) / 4;
    this.#alive = (offset + SLOT_ALIVE) / 4;
    this.#cpu = (offset + SLOT_CPU) / 4;
    this.#address = memory.address + offset + SLOT_COMMAND;
    Atomics.store(this.#i32, this.#command, 0);
    Atomics.store(this.#i32, this.#sleeping, 0);
    Atomics.store(this.#i32, this.#alive, 1);
    process.carriers.add(this);
  }

  /** It sleeps or is about to: a command needs a wake-up. (Guest-controlled, like all that it writes.) */
  get isAsleep(): boolean {
    return this.#i32[this.#sleeping] !== 0;
  }

  /** Where it was at its last request. */
  get cpu(): number {
    return this.#i32[this.#cpu];
  }

  /** The last command was not taken yet: it may still touch the slot of the guest thread it had. */
  get hasCommand(): boolean {
    return Atomics.load(this.#i32, this.#command) !== 0;
  }

  /** A clone starts where its parent may run, and as polite. */
  inheritPlace(parent: Carrier): void {
    this.keptOff = parent.keptOff;
    this.boundTo = parent.boundTo;
    this.isPolite = parent.isPolite;
  }

  /** The host thread has not ended yet. */
  get isAlive(): boolean {
    return Atomics.load(this.#i32, this.#alive) !== 0;
  }

  #send(command: number): void {
    Atomics.store(this.#i32, this.#command, command);
    // The store is a barrier; Atomics.load would be a call.
    if (this.#i32[this.#sleeping] !== 0) hostCall3(SYS_futex, this.#address, FUTEX_WAKE, 1);
  }

  /** Lets it carry out the answer of its guest thread. */
  run(thread: SystrapThread): void {
    let command = thread.index + 1;
    if (this.frame !== thread) command += this.frame === null ? COMMAND_LOAD + COMMAND_DROP : COMMAND_LOAD;
    this.frame = thread;
    // Another carrier may have gone on with a parent that was about to fork: the child lives on the stacks of the one that does.
    if (thread.forkedCarrier !== null) {
      thread.forkedCarrier.block = this.block;
      thread.forkedCarrier = null;
    }
    this.#send(command);
  }

  /** The call of its guest thread sleeps, and maybe (`isShared`) another carrier will go on with it. */
  park(isShared: boolean): void {
    Atomics.compareExchange(this.#i32, this.#command, 0, isShared ? COMMAND_PARK + COMMAND_SAVE : COMMAND_PARK);
  }

  /** Its guest thread is gone, or someone else's. */
  forget(): void {
    this.thread = null;
    this.frame = null;
  }

  /** It has to forget by itself, being awake. */
  release(): void {
    this.forget();
    this.#send(COMMAND_DROP);
  }

  /** The host thread ends. */
  quit(): void {
    this.forget();
    this.hasQuit = true;
    this.#send(COMMAND_QUIT);
  }

  /** The whole process exits. */
  exitProcess(): void {
    this.#send(COMMAND_EXIT);
  }
}
