/** From the numbers of cgroup v1, in which config.json speaks, to those of v2. */
import { CgroupError } from "./resources.ts";

/** cpu.shares 2..262144 → cpu.weight 1..10000. */
export const cpuWeight = (shares: number): number =>
  shares <= 0 ? 0 : Math.min(10_000, 1 + Math.floor(((Math.max(shares, 2) - 2) * 9999) / 262_142));

/** blkio weight 10..1000 → io.weight 1..10000. */
export const ioWeight = (weight: number): number => (weight <= 0 ? 0 : 1 + Math.floor(((weight - 10) * 9999) / 990));

/** v1 counts memory and swap together, v2 swap alone. null: leave it; -1: without limit. */
export const swapAlone = (swap: number | null, memory: number | null): number | null => {
  if (memory === -1 && (swap === null || swap === 0)) return -1;
  if (swap === null || swap === 0) return null;
  if (swap === -1) return -1;
  if (memory === null || memory === 0 || memory === -1) throw new CgroupError("unable to set swap limit without memory limit");
  if (memory < 0) throw new CgroupError(`invalid memory value: ${memory}`);
  if (swap < memory) throw new CgroupError("memory+swap limit should be >= memory limit");
  return swap - memory;
};

/** -1 is "max". */
export const orMax = (value: number): string => (value < 0 ? "max" : String(value));

/** "0-2,5" → [0, 1, 2, 5]. */
export const parseList = (text: string): number[] =>
  text
    .trim()
    .split(",")
    .flatMap((part) => {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
      if (!match) return [];
      const first = Number(match[1]);
      const last = Number(match[2] ?? match[1]);
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
    });
