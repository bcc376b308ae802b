/** A container's cgroup on a machine with cgroup v2 alone. */

import { applyDevicesV2 } from "./device-program.ts";
import { type CgroupFiles, errorCode, isPermissionError, readText, refusedWrite, writeValue } from "./files.ts";
import type { CgroupHost } from "./host.ts";
import type { CgroupManager } from "./manager.ts";
import type { CgroupPaths } from "./paths.ts";
import { CgroupError, type DeviceRule, limitsAnything, type Resources } from "./resources.ts";
import type { CgroupStats } from "./stats.ts";
import { statsV2 } from "./stats-v2.ts";
import { removeTrees, waitUntil } from "./tree.ts";
import { applyV2 } from "./v2-settings.ts";

const FREEZE_MS = 10_000;

export class CgroupV2 implements CgroupManager {
  readonly #files: CgroupFiles;
  readonly #host: () => CgroupHost;
  readonly #isRootless: boolean;
  readonly #attach: ((pid: number) => void) | null;
  #directory: string | null;

  /** `attach` moves a process that its user may not move by himself. */
  constructor(
    files: CgroupFiles,
    host: () => CgroupHost,
    directory: string | undefined,
    isRootless: boolean,
    attach: ((pid: number) => void) | null = null,
  ) {
    this.#files = files;
    this.#host = host;
    this.#directory = directory ?? null;
    this.#isRootless = isRootless;
    this.#attach = attach;
  }

  get paths(): CgroupPaths {
    return this.#directory === null ? {} : { "": this.#directory };
  }

  exists(): boolean {
    return this.#directory !== null && this.#files.exists(this.#directory);
  }

  /** Each level hands its controllers down, one at a time: one that cannot be is no reason to lose the others. */
  create(): void {
    if (this.#directory === null) return;
    const mountPoint = this.#host().unified?.mountPoint ?? "/sys/fs/cgroup";
    const steps = this.#directory.slice(mountPoint.length + 1).split("/");
    const controllers = readText(this.#files, `${mountPoint}/cgroup.controllers`).split(" ").filter(Boolean);
    let at = mountPoint;
    try {
      for (const step of steps) {
        for (const controller of controllers) {
          try {
            this.#files.write(`${at}/cgroup.subtree_control`, `+${controller}`);
          } catch {
            // Processes in it, or not ours: what is then missing shows when a limit needs it.
          }
        }
        at = `${at}/${step}`;
        this.#files.makeDirectory(at);
        // A threaded cgroup would refuse the domain controllers.
        if (readText(this.#files, `${at}/cgroup.type`) === "domain invalid") writeValue(this.#files, `${at}/cgroup.type`, "threaded");
      }
    } catch (error) {
      if (!this.#isRootless || !isPermissionError(error)) throw new CgroupError(`mkdir ${at}: ${(error as Error).message}`);
      this.#directory = null;
    }
  }

  join(pid: number): void {
    if (this.#directory === null) return;
    const file = `${this.#directory}/cgroup.procs`;
    try {
      this.#files.write(file, String(pid));
    } catch (error) {
      if (errorCode(error) === "ESRCH") return;
      if (!this.#isRootless || !isPermissionError(error)) throw refusedWrite(file, String(pid), error);
      if (this.#attach !== null) this.#attach(pid);
      else this.#directory = null;
    }
  }

  set(resources: Resources, devices: readonly DeviceRule[] | null): void {
    if (this.#isRootless && !limitsAnything(resources)) return;
    if (this.#directory === null) throw new CgroupError("cannot set limits: container could not join or create cgroup");
    applyV2(this.#files, this.#directory, resources);
    if (devices !== null && !this.#isRootless) applyDevicesV2(this.#directory, devices);
  }

  async freeze(frozen: boolean): Promise<void> {
    const directory = this.#directory;
    if (directory === null) throw new CgroupError("cannot toggle freezer: cgroups not configured for container");
    writeValue(this.#files, `${directory}/cgroup.freeze`, frozen ? 1 : 0);
    const isSo = (): boolean => readText(this.#files, `${directory}/cgroup.events`).includes(`frozen ${frozen ? 1 : 0}`);
    if (await waitUntil(FREEZE_MS, isSo)) return;
    if (frozen) writeValue(this.#files, `${directory}/cgroup.freeze`, 0);
    throw new CgroupError("unable to freeze");
  }

  isFrozen(): boolean {
    return this.#directory !== null && readText(this.#files, `${this.#directory}/cgroup.freeze`) === "1";
  }

  pids(): number[] {
    return this.#directory === null ? [] : readText(this.#files, `${this.#directory}/cgroup.procs`).split("\n").filter(Boolean).map(Number);
  }

  stats(): CgroupStats {
    return statsV2(this.#files, this.#directory ?? "");
  }

  async destroy(): Promise<void> {
    if (this.#directory !== null) await removeTrees(this.#files, [this.#directory]);
  }
}
