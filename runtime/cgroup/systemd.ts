/**
 * The systemd driver: the container's cgroup is a transient scope (or slice) unit, which systemd makes around the first
 * process. Limits are told to systemd, so that it does not undo them, and written as without it.
 */
import { statSync } from "node:fs";
import type { CgroupManager } from "./manager.ts";
import type { CgroupPaths, SystemdUnit } from "./paths.ts";
import { CgroupError, type DeviceRule, type Resources } from "./resources.ts";
import type { CgroupStats } from "./stats.ts";
import type { SystemdBus } from "./systemd-bus.ts";
import { annotatedProperties, deviceProperties, flag, limitProperties, type Property } from "./systemd-properties.ts";
import { waitUntil } from "./tree.ts";

/** A systemd is at work. */
const isBooted = (): boolean => statSync("/run/systemd/system", { throwIfNoEntry: false })?.isDirectory() === true;

const PATIENCE_MS = 30_000;
/** The first that knows CPUWeight=idle. */
const IDLE_VERSION = 252;
/** How long a start may take before systemd is asked what has become of it. */
const ASK_MS = 500;

const unitProperties = (unit: SystemdUnit, pid: number, isV2: boolean): Property[] => {
  const isSlice = unit.unit.endsWith(".slice");
  const properties: Property[] = [
    ["Description", "s", `moat container ${unit.unit}`],
    isSlice ? ["Wants", "as", "1", unit.slice] : ["Slice", "s", unit.slice],
    ["DefaultDependencies", "b", "false"],
    ...["MemoryAccounting", "CPUAccounting", "TasksAccounting", isV2 ? "IOAccounting" : "BlockIOAccounting"].map(flag),
  ];
  if (!isSlice) properties.push(flag("Delegate"), ["PIDs", "au", "1", String(pid)]);
  return [...properties, ...annotatedProperties(unit.annotations)];
};

/** What is asked of systemd for one unit. */
export type UnitBus = Pick<SystemdBus, "start" | "set" | "stop" | "forget" | "stateOf" | "version">;

export class CgroupSystemd implements CgroupManager {
  readonly #inner: CgroupManager;
  readonly #unit: SystemdUnit;
  readonly #bus: UnitBus;
  readonly #isV2: boolean;
  readonly #isBooted: () => boolean;
  /** How long systemd may take to make or to end the unit. */
  readonly #patienceMs: number;
  #isPending = false;

  constructor(inner: CgroupManager, unit: SystemdUnit, bus: UnitBus, isV2: boolean, booted = isBooted, patienceMs = PATIENCE_MS) {
    this.#inner = inner;
    this.#unit = unit;
    this.#bus = bus;
    this.#isV2 = isV2;
    this.#isBooted = booted;
    this.#patienceMs = patienceMs;
  }

  get paths(): CgroupPaths {
    return this.#inner.paths;
  }

  exists(): boolean {
    return this.#inner.exists();
  }

  /** The unit needs a process to begin with. */
  create(): void {
    if (!this.#isBooted()) {
      throw new CgroupError("systemd not running on this host, cannot use systemd cgroups manager");
    }
    this.#isPending = true;
  }

  /** A unit that runs is taken as it is, as by runc; one that failed or is ending, of a container before this one, goes. */
  #queue(properties: readonly Property[]): boolean {
    const { unit } = this.#unit;
    if (this.#bus.start(unit, properties)) return true;
    const state = this.#bus.stateOf(unit);
    if (state === "failed") this.#bus.forget(unit);
    return state === "active" || state === "activating";
  }

  /** The job is queued when the call returns, and done when the cgroup is there; what fails leaves none. */
  async #start(pid: number): Promise<void> {
    const { unit } = this.#unit;
    const properties = unitProperties(this.#unit, pid, this.#isV2);
    const isQueued = await waitUntil(this.#patienceMs, () => this.#queue(properties));
    if (!isQueued) throw new CgroupError(`unable to start unit ${JSON.stringify(unit)}: another one of this name does not end`);
    const end = performance.now() + this.#patienceMs;
    while (!(await waitUntil(ASK_MS, () => this.#inner.exists()))) {
      const state = this.#bus.stateOf(unit);
      if (state === "failed" || state === "inactive" || performance.now() > end) {
        this.#bus.forget(unit);
        throw new CgroupError(`error creating systemd unit \`${unit}\`: it is ${state}`);
      }
    }
  }

  async join(pid: number): Promise<void> {
    if (this.#isPending) {
      this.#isPending = false;
      await this.#start(pid);
      this.#inner.create();
    }
    await this.#inner.join(pid);
  }

  set(resources: Resources, devices: readonly DeviceRule[] | null): void {
    const properties = [
      ...(devices === null ? [] : deviceProperties(devices)),
      ...limitProperties(resources, this.#isV2, () => this.#bus.version() >= IDLE_VERSION),
    ];
    if (properties.length > 0) this.#bus.set(this.#unit.unit, properties);
    this.#inner.set(resources, devices);
  }

  freeze(frozen: boolean): Promise<void> {
    return this.#inner.freeze(frozen);
  }

  isFrozen(): boolean {
    return this.#inner.isFrozen();
  }

  pids(): number[] {
    return this.#inner.pids();
  }

  stats(): CgroupStats {
    return this.#inner.stats();
  }

  /** The next container may have the same name: it is over when systemd says so, not when it was asked. */
  async destroy(): Promise<void> {
    const { unit } = this.#unit;
    const isOver =
      !this.#bus.stop(unit) || (await waitUntil(this.#patienceMs, () => ["inactive", "failed"].includes(this.#bus.stateOf(unit))));
    if (!isOver) throw new CgroupError(`Timed out while waiting for systemd to remove ${unit}`);
    await this.#inner.destroy();
  }
}
