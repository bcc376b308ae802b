/** What is asked of systemd, the machine's or a user's, by busctl(1) (org.freedesktop.systemd1(5)). */
import { spawnSync } from "node:child_process";
import { CgroupError } from "./resources.ts";
import type { Property } from "./systemd-properties.ts";

const SERVICE = "org.freedesktop.systemd1";
const MANAGER_PATH = "/org/freedesktop/systemd1";
const MANAGER = `${SERVICE}.Manager`;
const CALL_MS = 30_000;

const flattened = (properties: readonly Property[]): string[] => [String(properties.length), ...properties.flat()];

/** A unit's place on the bus (sd_bus_path_encode(3)). */
export const unitPath = (unit: string): string =>
  `${MANAGER_PATH}/unit/${Buffer.from(unit, "latin1")
    .toString("latin1")
    .replace(/[^A-Za-z0-9]/g, (letter) => `_${letter.charCodeAt(0).toString(16).padStart(2, "0")}`)
    .replace(/^[0-9]/, (digit) => `_${digit.charCodeAt(0).toString(16)}`)}`;

/** A string as busctl prints it. */
const stringIn = (output: string): string => /^s "(.*)"\n?$/.exec(output)?.[1] ?? "";

export class SystemdBus {
  readonly #bus: string;

  constructor(isUser: boolean) {
    this.#bus = isUser ? "--user" : "--system";
  }

  #run(what: string, ...args: string[]): string {
    const result = spawnSync("busctl", [this.#bus, "--", ...args], { encoding: "latin1", timeout: CALL_MS });
    if (result.error) throw new CgroupError(`unable to reach systemd over D-Bus: busctl: ${result.error.message}`);
    if (result.status !== 0) throw new CgroupError(`systemd refused ${what}: ${result.stderr.trim()}`);
    return result.stdout;
  }

  #call(unit: string, method: string, signature: string, ...values: string[]): void {
    this.#run(`${method} of ${unit}`, "call", SERVICE, MANAGER_PATH, MANAGER, method, signature, ...values);
  }

  /** Queues the start; false when there is a unit of this name already. */
  start(unit: string, properties: readonly Property[]): boolean {
    try {
      this.#call(unit, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace", ...flattened(properties), "0");
      return true;
    } catch (error) {
      if (!(error instanceof CgroupError) || !/already (exists|loaded)/.test(error.message)) throw error;
      return false;
    }
  }

  /** Moves a process to where its user may not: the machine's systemd does it for the user's. */
  attach(unit: string, pid: number): void {
    this.#call(unit, "AttachProcessesToUnit", "ssau", unit, "", "1", String(pid));
  }

  set(unit: string, properties: readonly Property[]): void {
    this.#call(unit, "SetUnitProperties", "sba(sv)", unit, "true", ...flattened(properties));
  }

  /** Queues the end; false where there is none. */
  stop(unit: string): boolean {
    try {
      this.#call(unit, "StopUnit", "ss", unit, "replace");
      return true;
    } catch {
      // It went with its last process.
      return false;
    }
  }

  /** A unit that failed is kept, and its name with it, until somebody has seen it. */
  forget(unit: string): void {
    try {
      this.#call(unit, "ResetFailedUnit", "s", unit);
    } catch {
      // It did not fail, or is not there.
    }
  }

  /** "active", "activating", "failed", …; "inactive" for what there is not. */
  stateOf(unit: string): string {
    return stringIn(this.#run(`the state of ${unit}`, "get-property", SERVICE, unitPath(unit), `${SERVICE}.Unit`, "ActiveState"));
  }

  /** 252 of "252.39-1~deb12u2"; 0 when it does not say. */
  version(): number {
    const text = stringIn(this.#run("to tell its version", "get-property", SERVICE, MANAGER_PATH, MANAGER, "Version"));
    return Number(/\d+/.exec(text)?.[0] ?? 0);
  }

  /** The cgroup below which this systemd keeps its units. */
  controlGroup(): string {
    return stringIn(this.#run("to tell its cgroup", "get-property", SERVICE, MANAGER_PATH, MANAGER, "ControlGroup"));
  }
}
