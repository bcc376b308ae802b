import { closeSync, openSync, readSync } from "node:fs";
import { availableParallelism, release, totalmem, version } from "node:os";
import type { HostFacts } from "../runtime/sandbox/config.ts";

/** The first processor only: a machine with hundreds takes milliseconds to print them all. */
const firstProcessor = (): string => {
  const chunk = Buffer.alloc(8192);
  try {
    const fd = openSync("/proc/cpuinfo", "r");
    const length = readSync(fd, chunk, 0, chunk.length, 0);
    closeSync(fd);
    return chunk.toString("latin1", 0, length).split("\n\n", 1)[0];
  } catch {
    return "";
  }
};

export const readHostFacts = (): HostFacts => ({
  cpuinfo: firstProcessor(),
  cpuCount: availableParallelism(),
  memTotalBytes: totalmem(),
  kernelRelease: release(),
  kernelVersion: version(),
});
