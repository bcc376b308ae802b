import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { availableParallelism, release, totalmem, version } from "node:os";
import { parseList } from "../runtime/cgroup/convert.ts";
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

const allowedCpus = (): number[] => {
  const status = readFileSync("/proc/self/status", "latin1");
  const cpus = parseList(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? "");
  return cpus.length > 0 ? cpus : Array.from({ length: availableParallelism() }, (_, cpu) => cpu);
};

export const readHostFacts = (): HostFacts => ({
  cpuinfo: firstProcessor(),
  cpus: allowedCpus(),
  memTotalBytes: totalmem(),
  kernelRelease: release(),
  kernelVersion: version(),
});
