/** What takes time with cgroups: they freeze, and become empty, when the kernel is done. */
import { setTimeout as pause } from "node:timers/promises";
import { type CgroupFiles, errorCode } from "./files.ts";
import { CgroupError } from "./resources.ts";

const PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;
const REMOVE_MS = 3000;

/** Tries until it is so; false when the time is over. */
export const waitUntil = async (milliseconds: number, isSo: () => boolean): Promise<boolean> => {
  const end = performance.now() + milliseconds;
  for (let length = PAUSE_MS; ; length = Math.min(LONGEST_PAUSE_MS, length * 2)) {
    if (isSo()) return true;
    if (performance.now() >= end) return false;
    await pause(length);
  }
};

const below = (files: CgroupFiles, directory: string): string[] => [
  ...files.directories(directory).flatMap((name) => below(files, `${directory}/${name}`)),
  directory,
];

/** A cgroup with those below it. Whoever is in it yet is on the way out: waited for, and no error when gone already. */
export const removeTree = async (files: CgroupFiles, directory: string): Promise<void> => {
  if (!files.exists(directory)) return;
  for (const path of below(files, directory)) {
    let reason = "";
    const isGone = await waitUntil(REMOVE_MS, () => {
      try {
        files.removeDirectory(path);
        return true;
      } catch (error) {
        if (errorCode(error) === "ENOENT") return true;
        reason = (error as Error).message;
        return errorCode(error) !== "EBUSY";
      }
    });
    if (!isGone || files.exists(path)) throw new CgroupError(`unable to remove cgroup ${path}: ${reason}`);
  }
};
