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

/** A cgroup with those below it: what is yet in them is on the way out. null: it is gone. */
const removed = async (files: CgroupFiles, path: string, end: number): Promise<string | null> => {
  let reason = "";
  const isGone = await waitUntil(end - performance.now(), () => {
    try {
      files.removeDirectory(path);
      return true;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return true;
      reason = (error as Error).message;
      return errorCode(error) !== "EBUSY";
    }
  });
  return isGone && !files.exists(path) ? null : reason;
};

/** Cgroups with those below them. One in which somebody stays keeps no other; the first such is told. */
export const removeTrees = async (files: CgroupFiles, directories: readonly string[]): Promise<void> => {
  const end = performance.now() + REMOVE_MS;
  let complaint = "";
  for (const directory of directories) {
    if (!files.exists(directory)) continue;
    for (const path of below(files, directory)) {
      const reason = await removed(files, path, end);
      if (reason !== null && complaint === "") complaint = `unable to remove cgroup ${path}: ${reason}`;
    }
  }
  if (complaint !== "") throw new CgroupError(complaint);
};
