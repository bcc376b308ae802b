/** What `events` tells of a container, in runc's shape (libcontainer's types.Stats). What is undefined is left out. */

/** Counters may pass 2^53. */
export type Counter = bigint;

export interface MemoryEntry {
  readonly limit: Counter;
  readonly usage?: Counter | undefined;
  readonly max?: Counter | undefined;
  readonly failcnt: Counter;
}

export interface BlockIoEntry {
  readonly major?: Counter | undefined;
  readonly minor?: Counter | undefined;
  readonly op?: string | undefined;
  readonly value?: Counter | undefined;
}

export interface CgroupStats {
  readonly cpu: {
    readonly usage: {
      readonly total?: Counter | undefined;
      readonly percpu?: readonly Counter[] | undefined;
      readonly percpu_kernel?: readonly Counter[] | undefined;
      readonly percpu_user?: readonly Counter[] | undefined;
      readonly kernel: Counter;
      readonly user: Counter;
    };
    readonly throttling: {
      readonly periods?: Counter | undefined;
      readonly throttledPeriods?: Counter | undefined;
      readonly throttledTime?: Counter | undefined;
    };
  };
  readonly cpuset: Readonly<Record<string, Counter | readonly number[] | undefined>>;
  readonly memory: {
    readonly cache?: Counter | undefined;
    readonly usage: MemoryEntry;
    readonly swap: MemoryEntry;
    readonly kernel: MemoryEntry;
    readonly kernelTCP: MemoryEntry;
    readonly raw: Readonly<Record<string, Counter>>;
  };
  readonly pids: { readonly current?: Counter | undefined; readonly limit?: Counter | undefined };
  readonly blkio: Readonly<Record<string, readonly BlockIoEntry[] | undefined>>;
  readonly hugetlb: Readonly<
    Record<string, { readonly usage?: Counter | undefined; readonly max?: Counter | undefined; readonly failcnt: Counter }>
  >;
  readonly intel_rdt: Readonly<Record<string, never>>;
  readonly network_interfaces: null;
}

/** Files of v1's cpuset, in runc's order; without them they are 0. */
export const CPUSET_NUMBERS = [
  "cpu_exclusive",
  "mem_hardwall",
  "mem_exclusive",
  "memory_migrate",
  "memory_spread_page",
  "memory_spread_slab",
  "memory_pressure",
  "sched_load_balance",
  "sched_relax_domain_level",
] as const;

/** The largest that a limit can be: no limit. */
export const NO_LIMIT = 2n ** 64n - 1n;

/** A number of a file; 0 where there is none, the largest for "max". */
export const counter = (text: string): Counter => {
  const [first] = text.trim().split(/\s/, 1);
  if (first === "max") return NO_LIMIT;
  return /^-?\d+$/.test(first) ? BigInt(first) : 0n;
};

/** Go's omitempty. */
export const unlessZero = (value: Counter): Counter | undefined => (value === 0n ? undefined : value);
export const unlessEmpty = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list);

/** "name 17" lines. */
export const keyed = (text: string): Record<string, Counter> =>
  Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const [name, value] = line.trim().split(/\s+/);
      return value === undefined ? [] : [[name.replace(/:$/, ""), counter(value)]];
    }),
  );

/** JSON with whole numbers of any size. */
export const statsJson = (value: unknown): string => {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(statsJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${statsJson(item)}`).join(",")}}`;
};
