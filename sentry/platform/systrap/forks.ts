/** fork(2) of guest processes: the stub clones its process, and the child reports from a slot region of its own. */
import { type HostMemory, hostCall3, hostClose } from "../../../native/ffi/syscall-unsafe.ts";
import { EAGAIN, type Errno } from "../../abi/errno.ts";
import type { Region, SlotArena } from "./arena.ts";
import { Carrier } from "./carrier.ts";
import { FORK_FDS, SystrapProcess, sendFds } from "./guest-process.ts";
import { OP_FORK, OP_RECEIVE_FDS, REGION_SIZE, SLOT_NONCE, SLOT_SIZE, SLOTS_PER_REGION, STUB_SLOTS } from "./layout.generated.ts";
import type { SystrapPlatform } from "./systrap.ts";
import { type PendingClone, pendingClone, SystrapThread } from "./thread.ts";

const SYS_getrandom = 318;

/** What a fork needs of the host: the child's slots and the two ends of its control socket. */
interface ForkKit {
  readonly pair: readonly [number, number];
  readonly region: Region;
}

const KITS = 2;

/** The first carrier of a process: its frame holds `thread` from the start. */
export const holdAtStart = (carrier: Carrier, thread: SystrapThread): void => {
  carrier.isLeader = true;
  carrier.thread = thread;
  carrier.frame = thread;
  thread.carrier = carrier;
};

export class Forks {
  readonly #platform: SystrapPlatform;
  readonly #arena: SlotArena;
  readonly #scratch: HostMemory;
  /** Clones that wait for the child's first report. */
  readonly #starting = new Map<SystrapThread, () => void>();

  /** Children that are known to exist and have not reported, with what to do at their death. */
  readonly #unsettled = new Map<number, () => void>();
  /** Host pids killed before their parents could tell who they are. */
  readonly #diedEarly = new Set<number>();

  constructor(platform: SystrapPlatform, arena: SlotArena, scratch: HostMemory) {
    this.#platform = platform;
    this.#arena = arena;
    this.#scratch = scratch;
  }

  readonly #kits: ForkKit[] = [];

  #makeKit(): ForkKit | Errno {
    const pair = SystrapProcess.socketPair();
    if (typeof pair === "number") return pair as Errno;
    const region = this.#arena.take();
    if (typeof region !== "number") return { pair, region };
    hostClose(pair[0]);
    hostClose(pair[1]);
    return region as Errno;
  }

  /** Work ahead for the next fork: true when something was done, false when the host has nothing to give, null when all is there. */
  prepare(): boolean | null {
    if (this.#kits.length >= KITS) return null;
    const kit = this.#makeKit();
    if (typeof kit === "number") return false;
    this.#kits.push(kit);
    return true;
  }

  /** The first report of a child. False: nobody waits for it. */
  started(child: SystrapThread): boolean {
    const done = this.#starting.get(child);
    this.#starting.delete(child);
    done?.();
    return done !== undefined;
  }

  /** fork: the parent clones itself; the child reports from a slot region of its own. */
  fork(parent: SystrapThread, done: ((child: SystrapThread | Errno) => void) | null): PendingClone {
    const request = pendingClone();
    const finish = (result: SystrapThread | Errno): void => {
      request.result = result;
      done?.(result);
      request.queue.notify();
    };
    const kit = this.#kits.pop() ?? this.#makeKit();
    if (typeof kit === "number") {
      request.result = kit;
      return request;
    }
    const { pair, region } = kit;
    const process = new SystrapProcess(this.#arena, pair[0], this.#platform.canIdentify);
    process.regions[Math.floor(parent.index / SLOTS_PER_REGION)] = region;
    const child = new SystrapThread(this.#platform, process, parent.index);
    child.reset();
    // The child's stub takes its only slot for its bed, on the stacks it was cloned with.
    const carrier = new Carrier(process, parent.carrier.block, parent.index);
    carrier.inheritPlace(parent.carrier);
    holdAtStart(carrier, child);
    const nonce = this.#writeNonce(child);
    const sent = sendFds(parent.process.controlFd, [region.memfd, pair[1]]);
    region.closeMemfd();
    hostClose(pair[1]);
    if (sent < 0) {
      process.release();
      request.result = sent as Errno;
      return request;
    }
    process.inheritFds(parent.process);

    let hostPid = 0;
    let hasStarted = false;
    const giveUp = (error: Errno): void => {
      this.#starting.delete(child);
      child.detach();
      process.threads.clear();
      process.release();
      finish(error);
    };
    const settle = (): void => {
      if (hostPid === 0) return;
      if (this.#diedEarly.delete(hostPid)) {
        giveUp(EAGAIN);
        return;
      }
      if (!hasStarted) {
        this.#unsettled.set(hostPid, () => giveUp(EAGAIN));
        return;
      }
      this.#unsettled.delete(hostPid);
      process.setHostPid(hostPid);
      carrier.hostTid = hostPid;
      if (!this.#checkNonce(process, child, nonce)) {
        this.#platform.handler.broken(parent, EAGAIN);
        return;
      }
      this.#platform.processes.set(hostPid, process);
      finish(child);
    };
    this.#starting.set(child, () => {
      hasStarted = true;
      settle();
    });
    this.#platform.addRunning(child);
    parent.ops.push(OP_RECEIVE_FDS, FORK_FDS);
    parent.ops.push(OP_FORK, FORK_FDS, FORK_FDS + 1, STUB_SLOTS + Math.floor(parent.index / SLOTS_PER_REGION) * REGION_SIZE);
    const forkOp = parent.ops.length - 1;
    parent.forkedCarrier = carrier;
    parent.runOps((failed) => {
      if (failed && parent.process.isDead) {
        // Killed on the way: a child there may be, which ends when it reports.
        this.#starting.set(child, () => process.kill());
        finish(failed);
        return;
      }
      if (failed) {
        giveUp(failed);
        return;
      }
      hostPid = parent.ops.result(forkOp);
      parent.ops.reset();
      // The child needs more than the parent would spin for, and maybe its CPU.
      if (!hasStarted) this.#platform.deliveries.park(parent);
      settle();
    });
    return request;
  }

  /** The host has ended a process that nobody knows yet. */
  childDied(hostPid: number, wasKilled: boolean): void {
    const giveUp = this.#unsettled.get(hostPid);
    this.#unsettled.delete(hostPid);
    if (giveUp) giveUp();
    else if (wasKilled) this.#diedEarly.add(hostPid);
  }

  /** Random words that only the child's region holds. */
  #writeNonce(child: SystrapThread): Uint32Array {
    hostCall3(SYS_getrandom, this.#scratch.address, 16, 0);
    const nonce = this.#scratch.u32.slice(0, 4);
    child.u32.set(nonce, child.word + SLOT_NONCE / 4);
    return nonce;
  }

  /**
   * The pid came through guest-writable memory: it is the child's only if that process maps the
   * child's region. Otherwise a guest could point the sentry at someone else's memory.
   */
  #checkNonce(process: SystrapProcess, child: SystrapThread, nonce: Uint32Array): boolean {
    const found = new Uint8Array(16);
    const at = STUB_SLOTS + child.index * SLOT_SIZE + SLOT_NONCE;
    if (process.memory.readInto(at, found, 0, 16) !== 16) return false;
    return Buffer.from(nonce.buffer, nonce.byteOffset, 16).equals(found);
  }
}
