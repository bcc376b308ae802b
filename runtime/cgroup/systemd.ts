/**
 * The systemd driver: the container's cgroup is a transient scope (or slice) unit, which systemd makes around the first
 * process. Limits are told to systemd, so that it does not undo them, and written as without it.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { cpuWeight, parseList } from "./convert.ts";
import type { CgroupManager } from "./manager.ts";
import type { CgroupPaths, SystemdUnit } from "./paths.ts";
import { CgroupError, type DeviceRule, type Resources } from "./resources.ts";
import type { CgroupStats } from "./stats.ts";
import { waitUntil } from "./tree.ts";

const MANAGER = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"];
const CALL_MS = 30_000;
const START_MS = 10_000;
const SECOND_US = 1_000_000;
const DEFAULT_PERIOD = 100_000;

/** A unit's property in busctl's notation: name, type, values. */
type Property = readonly [name: string, type: string, ...values: string[]];

const flag = (name: string): Property => [name, "b", "true"];
/** A 64-bit number; -1: without limit. */
const number = (name: string, value: number): Property => [name, "t", value < 0 ? "18446744073709551615" : String(value)];

/** CPUs as the bits of a byte string. */
const mask = (name: string, list: string): Property => {
  const bytes: number[] = [];
  for (const cpu of parseList(list)) {
    while (bytes.length <= cpu >> 3) bytes.push(0);
    bytes[cpu >> 3] |= 1 << (cpu & 7);
  }
  return [name, "ay", String(bytes.length), ...bytes.map(String)];
};

export const limitProperties = ({ cpu, memory, pids }: Resources, isV2: boolean): Property[] => {
  const properties: Property[] = [];
  if (memory.limit) properties.push(number(isV2 ? "MemoryMax" : "MemoryLimit", memory.limit));
  if (memory.reservation && isV2) properties.push(number("MemoryLow", memory.reservation));
  if (cpu.shares) properties.push(isV2 ? number("CPUWeight", cpuWeight(cpu.shares)) : number("CPUShares", cpu.shares));
  if (cpu.quota) {
    const perSecond = cpu.quota < 0 ? -1 : Math.ceil((cpu.quota * SECOND_US) / (cpu.period || DEFAULT_PERIOD) / 10_000) * 10_000;
    properties.push(number("CPUQuotaPerSecUSec", perSecond));
  }
  if (cpu.period) properties.push(number("CPUQuotaPeriodUSec", cpu.period));
  if (cpu.cpus !== "" && isV2) properties.push(mask("AllowedCPUs", cpu.cpus));
  if (cpu.mems !== "" && isV2) properties.push(mask("AllowedMemoryNodes", cpu.mems));
  if (pids) properties.push(number("TasksMax", pids));
  return properties;
};

const flattened = (properties: readonly Property[]): string[] => [String(properties.length), ...properties.flat()];

export class CgroupSystemd implements CgroupManager {
  readonly #inner: CgroupManager;
  readonly #unit: SystemdUnit;
  readonly #isRootless: boolean;
  #isPending = false;

  constructor(inner: CgroupManager, unit: SystemdUnit, isRootless: boolean) {
    this.#inner = inner;
    this.#unit = unit;
    this.#isRootless = isRootless;
  }

  get paths(): CgroupPaths {
    return this.#inner.paths;
  }

  get #isV2(): boolean {
    return Object.keys(this.paths).join() === "";
  }

  #call(method: string, signature: string, ...values: string[]): void {
    const bus = this.#isRootless ? "--user" : "--system";
    const result = spawnSync("busctl", [bus, "--quiet", "call", ...MANAGER, method, signature, ...values], {
      encoding: "utf8",
      timeout: CALL_MS,
    });
    if (result.error) throw new CgroupError(`unable to reach systemd over D-Bus: busctl: ${result.error.message}`);
    if (result.status !== 0) throw new CgroupError(`systemd refused ${method} of ${this.#unit.unit}: ${result.stderr.trim()}`);
  }

  exists(): boolean {
    return this.#inner.exists();
  }

  /** The unit needs a process to begin with. */
  create(): void {
    if (statSync("/run/systemd/system", { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new CgroupError("systemd not running on this host, cannot use systemd cgroups manager");
    }
    this.#isPending = true;
  }

  #start(pid: number): void {
    const { slice, unit } = this.#unit;
    const isSlice = unit.endsWith(".slice");
    const properties: Property[] = [
      ["Description", "s", `moat container ${unit}`],
      isSlice ? ["Wants", "as", "1", slice] : ["Slice", "s", slice],
      ["DefaultDependencies", "b", "false"],
      ...["MemoryAccounting", "CPUAccounting", "TasksAccounting", this.#isV2 ? "IOAccounting" : "BlockIOAccounting"].map(flag),
    ];
    if (!isSlice) properties.push(flag("Delegate"), ["PIDs", "au", "1", String(pid)]);
    this.#call("StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace", ...flattened(properties), "0");
  }

  async join(pid: number): Promise<void> {
    if (this.#isPending) {
      this.#isPending = false;
      this.#start(pid);
      // The job is queued when the call returns.
      if (!(await waitUntil(START_MS, () => this.#inner.exists())))
        throw new CgroupError(`systemd did not start ${this.#unit.unit} in time`);
      this.#inner.create();
    }
    await this.#inner.join(pid);
  }

  set(resources: Resources, devices: readonly DeviceRule[] | null): void {
    const properties = limitProperties(resources, this.#isV2);
    if (properties.length > 0) this.#call("SetUnitProperties", "sba(sv)", this.#unit.unit, "true", ...flattened(properties));
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

  async destroy(): Promise<void> {
    try {
      this.#call("StopUnit", "ss", this.#unit.unit, "replace");
    } catch {
      // It went with its last process.
    }
    await this.#inner.destroy();
  }
}
