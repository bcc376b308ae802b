/** What the container's cgroup leaves of the machine, as it is seen inside. Sent at the start, and anew by `update`. */
import { checkInteger, checkText, type Fields, integer, list, nullable, record, texts } from "./fields.ts";

export interface SeenResources {
  /** CPUs by number, ascending. */
  readonly cpus: readonly number[];
  readonly memTotalBytes: number;
  /** Processes and threads; null: no limit. */
  readonly maxTasks: number | null;
  /** CPUs' worth of time, such as 0.5; null: no limit. */
  readonly cpuTime: number | null;
  readonly cgroup: CgroupView;
}

/** The container's cgroup as a cgroup mount shows it. */
export interface CgroupView {
  readonly version: 1 | 2;
  /** The lines of /proc/PID/cgroup without their last field: "8:cpu,cpuacct". */
  readonly hierarchies: readonly string[];
  /** By controller ("" for v2): what /proc/self/cgroup says of the place without a cgroup namespace of one's own, and limits by file name. */
  readonly controllers: Readonly<Record<string, CgroupFilesView>>;
}

export interface CgroupFilesView {
  /** Where the mount shows it; "" for v2: at its root. */
  readonly directory: string;
  readonly path: string;
  readonly files: Readonly<Record<string, string>>;
}

const MAX_CPUS = 65_536;

export const checkCpus = (from: Fields, path: string): number[] => {
  const cpus = list(from, "cpus", path).map((cpu, index) => checkInteger(cpu, `${path}.cpus[${index}]`, 0, MAX_CPUS - 1));
  if (cpus.length === 0) checkInteger(undefined, `${path}.cpus[0]`, 0, MAX_CPUS - 1);
  return cpus;
};

const textsByName = (value: unknown, path: string): Record<string, string> =>
  Object.fromEntries(Object.entries(record(value, path)).map(([name, text]) => [name, checkText(text, `${path}.${name}`)]));

const view = (value: unknown, path: string): CgroupView => {
  const from = record(value, path);
  const controllers = Object.entries(record(from.controllers, `${path}.controllers`)).map(([name, item]): [string, CgroupFilesView] => {
    const place = `${path}.controllers.${name}`;
    const one = record(item, place);
    return [
      name,
      {
        directory: checkText(one.directory, `${place}.directory`),
        path: checkText(one.path, `${place}.path`),
        files: textsByName(one.files, `${place}.files`),
      },
    ];
  });
  return {
    version: integer(from, "version", path, 1, 2) === 1 ? 1 : 2,
    hierarchies: texts(from, "hierarchies", path),
    controllers: Object.fromEntries(controllers),
  };
};

export const readSeenResources = (value: unknown, path: string): SeenResources => {
  const from = record(value, path);
  return {
    cpus: checkCpus(from, path),
    memTotalBytes: integer(from, "memTotalBytes", path, 0, Number.MAX_SAFE_INTEGER),
    maxTasks: nullable(from.maxTasks, (limit) => checkInteger(limit, `${path}.maxTasks`, 0, Number.MAX_SAFE_INTEGER)),
    // Thousandths: whole numbers are what is checked.
    cpuTime: nullable(from.cpuTime, (time) => checkInteger(Math.ceil(Number(time) * 1000), `${path}.cpuTime`, 0, MAX_CPUS * 1000) / 1000),
    cgroup: view(from.cgroup, `${path}.cgroup`),
  };
};
