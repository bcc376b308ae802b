/** A container's cgroups on a machine with cgroup v1, or v1 with an empty v2 hierarchy beside it. */

import { type CgroupFiles, errorCode, isPermissionError, readText, refusedWrite, writeValue } from "./files.ts";
import type { CgroupHost } from "./host.ts";
import type { CgroupManager } from "./manager.ts";
import type { CgroupPaths } from "./paths.ts";
import { CgroupError, type DeviceRule, limitsAnything, type Resources } from "./resources.ts";
import type { CgroupStats } from "./stats.ts";
import { statsV1 } from "./stats-v1.ts";
import { removeTrees, waitUntil } from "./tree.ts";
import { applyV1, inheritCpuset } from "./v1-settings.ts";

const FREEZE_MS = 10_000;

export class CgroupV1 implements CgroupManager {
  readonly #files: CgroupFiles;
  /** Asked for only when something is made: machines may have thousands of mounts. */
  readonly #host: () => CgroupHost;
  readonly #isRootless: boolean;
  paths: CgroupPaths;

  constructor(files: CgroupFiles, host: () => CgroupHost, paths: CgroupPaths, isRootless: boolean) {
    this.#files = files;
    this.#host = host;
    this.paths = paths;
    this.#isRootless = isRootless;
  }

  get #directories(): string[] {
    return [...new Set(Object.values(this.paths))];
  }

  exists(): boolean {
    return this.#directories.some((directory) => this.#files.exists(directory));
  }

  create(): void {
    const made: Record<string, string> = {};
    for (const [controller, directory] of Object.entries(this.paths)) {
      try {
        this.#files.makeDirectory(directory);
        if (controller === "cpuset") inheritCpuset(this.#files, directory, this.#host().controllers.get("cpuset")?.mountPoint ?? "");
        made[controller] = directory;
      } catch (error) {
        // The hierarchies that only name the container are not worth a failure.
        const isOptional = controller === "" || (this.#isRootless && isPermissionError(error));
        if (!isOptional) throw new CgroupError(`mkdir ${directory}: ${(error as Error).message}`);
      }
    }
    this.paths = made;
  }

  join(pid: number): void {
    for (const directory of this.#directories) {
      const file = `${directory}/cgroup.procs`;
      try {
        this.#files.write(file, String(pid));
      } catch (error) {
        if (errorCode(error) === "ESRCH") continue;
        if (this.#isRootless && isPermissionError(error)) {
          this.paths = Object.fromEntries(Object.entries(this.paths).filter(([, path]) => path !== directory));
          continue;
        }
        throw refusedWrite(file, String(pid), error);
      }
    }
  }

  set(resources: Resources, devices: readonly DeviceRule[] | null): void {
    if (this.#isRootless && !limitsAnything(resources)) return;
    applyV1(this.#files, this.paths, resources, this.#isRootless ? null : devices);
  }

  get #freezer(): string {
    const directory = this.paths.freezer;
    if (directory === undefined) throw new CgroupError("cannot toggle freezer: cgroups not configured for container");
    return `${directory}/freezer.state`;
  }

  /** FREEZING may need to be asked for again: what forks meanwhile escapes the first attempt. */
  async freeze(frozen: boolean): Promise<void> {
    const file = this.#freezer;
    const wanted = frozen ? "FROZEN" : "THAWED";
    const isDone = await waitUntil(FREEZE_MS, () => {
      writeValue(this.#files, file, wanted);
      return readText(this.#files, file) === wanted;
    });
    if (isDone) return;
    if (frozen) writeValue(this.#files, file, "THAWED");
    throw new CgroupError("unable to freeze");
  }

  isFrozen(): boolean {
    const directory = this.paths.freezer;
    return directory !== undefined && ["FROZEN", "FREEZING"].includes(readText(this.#files, `${directory}/freezer.state`));
  }

  pids(): number[] {
    const directory = this.paths.devices ?? this.#directories[0];
    return directory === undefined ? [] : readText(this.#files, `${directory}/cgroup.procs`).split("\n").filter(Boolean).map(Number);
  }

  stats(): CgroupStats {
    return statsV1(this.#files, this.paths);
  }

  async destroy(): Promise<void> {
    await removeTrees(this.#files, this.#directories);
  }
}
