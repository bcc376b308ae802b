/** The texts of sysfs by path, and its links. */
import { cpuMask, cpuRanges, type HostFacts, possibleCpus } from "../proc/host-facts.ts";

type Text = readonly [string, () => string];

const constants = (directory: string, values: Readonly<Record<string, string | number>>): Text[] =>
  Object.entries(values).map(([name, value]) => [`${directory}/${name}`, () => `${value}\n`]);

const one = (cpu: number, count: number): string => cpuMask((other) => other === cpu, count);
const mask = (facts: HostFacts): string => cpuMask((cpu) => facts.cpus.includes(cpu), possibleCpus(facts));
const cpuList = (facts: HostFacts): string => cpuRanges((cpu) => facts.cpus.includes(cpu), possibleCpus(facts));
/** What may change with the container's limits. */
const live = (directory: string, values: Readonly<Record<string, () => string>>): Text[] =>
  Object.entries(values).map(([name, make]) => [`${directory}/${name}`, () => `${make()}\n`]);

/** One socket of cores with a single thread each. */
const cpuTexts = (facts: HostFacts): Text[] => {
  const texts: Text[] = [];
  const count = possibleCpus(facts);
  for (const cpu of facts.cpus) {
    texts.push(
      ...constants(`devices/system/cpu/cpu${cpu}/topology`, {
        physical_package_id: 0,
        die_id: 0,
        core_id: cpu,
        thread_siblings: one(cpu, count),
        thread_siblings_list: cpu,
        core_cpus: one(cpu, count),
        core_cpus_list: cpu,
        core_siblings: mask(facts),
        core_siblings_list: cpuList(facts),
        package_cpus: mask(facts),
        package_cpus_list: cpuList(facts),
      }),
    );
    if (cpu > 0) texts.push(...constants(`devices/system/cpu/cpu${cpu}`, { online: 1 }));
  }
  return texts;
};

const nodeTexts = (facts: HostFacts): Text[] => [
  ...constants("devices/system/node", { online: 0, possible: 0, has_cpu: 0, has_memory: 0, has_normal_memory: 0 }),
  ...constants("devices/system/node/node0", { distance: 10 }),
  ...live("devices/system/node/node0", { cpulist: () => cpuList(facts), cpumap: () => mask(facts) }),
  [
    "devices/system/node/node0/meminfo",
    () => {
      const total = String(Math.floor(facts.memTotalBytes / 1024)).padStart(8);
      return `Node 0 MemTotal:       ${total} kB\nNode 0 MemFree:        ${total} kB\nNode 0 MemUsed:        ${"0".padStart(8)} kB\n`;
    },
  ],
];

export const sysfsTexts = (facts: HostFacts): Text[] => {
  const list = (): string => cpuList(facts);
  return [
    ...live("devices/system/cpu", { online: list, possible: list, present: list }),
    ...constants("devices/system/cpu", { offline: "", isolated: "", kernel_max: 8191 }),
    ...constants("devices/system/cpu/smt", { active: 0, control: "notsupported" }),
    ...cpuTexts(facts),
    ...nodeTexts(facts),
    ...constants("kernel/mm/transparent_hugepage", {
      enabled: "always [madvise] never",
      defrag: "always defer defer+madvise [madvise] never",
      shmem_enabled: "always within_size advise [never] deny force",
      hpage_pmd_size: 2_097_152,
      use_zero_page: 1,
    }),
    ...constants("kernel/mm/hugepages/hugepages-2048kB", { nr_hugepages: 0, free_hugepages: 0, resv_hugepages: 0, surplus_hugepages: 0 }),
    ...constants("kernel", { profiling: 0, rcu_expedited: 0, uevent_seqnum: 0 }),
  ];
};

export const sysfsLinks = (): (readonly [string, string])[] => [["bus/cpu/devices/cpu0", "../../../devices/system/cpu/cpu0"]];
