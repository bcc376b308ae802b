/** `exec --cgroup`: a place below the container's cgroup, in runc's notation and with its refusals. */
import { posix } from "node:path";
import type { CgroupFiles } from "./files.ts";
import type { CgroupPaths } from "./paths.ts";
import { CgroupError } from "./resources.ts";

/** Controller → path below the container's cgroup; "" for all of them. */
const innerPaths = (options: readonly string[]): Map<string, string> => {
  const places = new Map<string, string>();
  for (const option of options) {
    const [first, second, ...more] = option.split(":");
    if (more.length > 0) throw new CgroupError(`invalid --cgroup argument: ${option}`);
    if (second !== undefined) for (const controller of first.split(",")) places.set(controller, second);
    else if (options.length === 1) places.set("", option);
    else throw new CgroupError(`invalid --cgroup argument: ${option} (missing <controller>: prefix)`);
  }
  return places;
};

/** Refuses all but the container's own: a program's host process is forked by another one of the container, and is where that is. */
export const checkInnerCgroups = (files: CgroupFiles, options: readonly string[], paths: CgroupPaths): void => {
  for (const [controller, inner] of innerPaths(options)) {
    for (const own of controller === "" ? Object.values(paths) : [paths[controller]]) {
      if (own === undefined)
        throw new CgroupError(`unable to create new parent process: unknown controller ${controller} in SubCgroupPaths`);
      const place = posix.join(own, inner);
      if (place !== own && !place.startsWith(`${own}/`)) {
        throw new CgroupError(`unable to create new parent process: ${inner} is not a sub cgroup path`);
      }
      if (posix.relative(own, place) === "") continue;
      if (files.exists(place)) throw new CgroupError(`--cgroup ${inner}: the programs of a container are in one cgroup`);
      const { pid } = process;
      const reason = `failed to write ${pid}: openat2 ${place}/cgroup.procs: no such file or directory`;
      throw new CgroupError(`unable to start container process: error adding pid ${pid} to cgroups: ${reason}`);
    }
  }
};
