/** The guest kernel's roots, joined. */
import { allocateMemory, hostCall3 } from "../../native/ffi/syscall-unsafe.ts";
import type { SandboxConfig } from "../../runtime/sandbox/config.ts";
import type { SeenResources } from "../../runtime/sandbox/seen-resources.ts";
import { possibleCpus } from "../fs/proc/host-facts.ts";
import { wakeHook } from "../futex/queues.ts";
import type { Log } from "../host/log.ts";
import type { Kernel } from "../kernel.ts";
import type { Clock } from "../loop/clock.ts";
import { HandOver } from "../loop/hand-over.ts";
import type { HostPoller } from "../loop/host-poller.ts";
import { Loop } from "../loop/loop.ts";
import { TimerWheel } from "../loop/timers.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import { machine, narrowMachine } from "../task/machine.ts";
import { PidNamespace } from "../task/pid-namespace.ts";
import type { Task } from "../task/task.ts";
import { Vfs } from "../vfs/vfs.ts";

const SYS_getrandom = 318;
const RANDOM_POOL = 4096;

export class MoatKernel implements Kernel {
  readonly platform: SystrapPlatform;
  readonly clock: Clock;
  readonly timers = new TimerWheel();
  readonly hostPoller: HostPoller;
  readonly pids = new PidNamespace();
  readonly vfs: Vfs;
  readonly log: Log;
  readonly loop: Loop;
  readonly facts = machine;
  readonly handOver: HandOver;
  hostname: string;
  domainname: string;
  /** A pool of host randomness, so that short requests cost no host call. */
  readonly #random = allocateMemory(RANDOM_POOL);
  #randomUsed = RANDOM_POOL;

  constructor(platform: SystrapPlatform, hostPoller: HostPoller, clock: Clock, config: SandboxConfig, log: Log) {
    this.platform = platform;
    this.clock = clock;
    this.hostPoller = hostPoller;
    this.log = log;
    Object.assign(machine, config.hostFacts, { possibleCpus: possibleCpus(config.hostFacts) });
    this.hostname = config.hostname;
    this.domainname = config.domainname;
    wakeHook.looks = () => platform.futexWakes();
    this.vfs = new Vfs(this);
    this.handOver = new HandOver(platform, clock);
    this.loop = new Loop(platform, clock, this.timers, hostPoller, this.handOver);
    if (config.resources !== null) this.limit(config.resources);
  }

  /** The container's cgroup leaves so much, from now on. */
  limit(resources: SeenResources): void {
    narrowMachine(resources);
    this.handOver.limitCpus(resources.cpus, resources.cpuTime ?? Number.POSITIVE_INFINITY);
  }

  schedule(task: Task): void {
    this.loop.schedule(task);
  }

  random(target: Uint8Array, at: number, length: number): void {
    let done = 0;
    while (done < length) {
      if (this.#randomUsed === RANDOM_POOL) {
        // Pools of up to 256 bytes are never cut short (getrandom(2)); larger ones may be.
        const got = hostCall3(SYS_getrandom, this.#random.address, RANDOM_POOL, 0);
        if (got <= 0) continue;
        this.#randomUsed = RANDOM_POOL - got;
        if (got < RANDOM_POOL) this.#random.u8.copyWithin(this.#randomUsed, 0, got);
      }
      const piece = Math.min(length - done, RANDOM_POOL - this.#randomUsed);
      const from = this.#random.u8.subarray(this.#randomUsed, this.#randomUsed + piece);
      target.set(from, at + done);
      // What was given out must not be read a second time.
      from.fill(0);
      this.#randomUsed += piece;
      done += piece;
    }
  }
}
