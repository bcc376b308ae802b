/** linux.resources in the files of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst). */
import { cpuWeight, ioWeight, orMax, swapAlone } from "./convert.ts";
import { type CgroupFiles, errorCode, readText, writeValue } from "./files.ts";
import {
  type BlockIoResources,
  CgroupError,
  type CpuResources,
  type DeviceRate,
  type MemoryResources,
  type Resources,
} from "./resources.ts";
import { rdmaLines } from "./v1-settings.ts";

const DEFAULT_PERIOD = 100_000;

type Set = (file: string, value: string | number) => void;

const setMemory = (files: CgroupFiles, directory: string, set: Set, memory: MemoryResources): void => {
  const { limit } = memory;
  const swap = swapAlone(memory.swap, limit);
  if (limit && limit > 0 && memory.checkBeforeUpdate) {
    const usage = Number(readText(files, `${directory}/memory.current`));
    if (usage > limit) throw new CgroupError(`rejecting memory limit ${limit} < usage ${usage}`);
  }
  if (swap !== null) {
    try {
      set("memory.swap.max", orMax(swap));
    } catch (error) {
      // A kernel without swap accounting has no such file; there is nothing to limit without swap.
      if (errorCode(error) !== "ENOENT" || swap > 0) throw error;
    }
  }
  if (limit) set("memory.max", orMax(limit));
  if (memory.reservation) set("memory.low", orMax(memory.reservation));
};

const setCpu = (files: CgroupFiles, directory: string, set: Set, cpu: CpuResources): void => {
  if (cpu.idle !== null) set("cpu.idle", cpu.idle);
  // An idle group has no weight.
  if (cpu.shares && cpu.idle !== 1) set("cpu.weight", cpuWeight(cpu.shares));
  const changesMax = Boolean(cpu.quota) || Boolean(cpu.period);
  const quota = cpu.quota ? (cpu.quota > 0 ? String(cpu.quota) : "max") : readText(files, `${directory}/cpu.max`).split(" ")[0] || "max";
  if (cpu.burst !== null && !changesMax) set("cpu.max.burst", cpu.burst);
  if (cpu.burst !== null && changesMax && files.exists(`${directory}/cpu.max.burst`)) set("cpu.max.burst", 0);
  if (changesMax) set("cpu.max", `${quota} ${cpu.period || DEFAULT_PERIOD}`);
  if (cpu.burst !== null && changesMax) set("cpu.max.burst", cpu.burst);
};

const setBlockIo = (files: CgroupFiles, directory: string, set: Set, io: BlockIoResources): void => {
  if (io.weight) {
    if (files.exists(`${directory}/io.bfq.weight`)) set("io.bfq.weight", io.weight);
    else set("io.weight", ioWeight(io.weight));
  }
  for (const { major, minor, weight } of io.weightDevice) if (weight) set("io.bfq.weight", `${major}:${minor} ${weight}`);
  const rates: readonly (readonly [string, readonly DeviceRate[]])[] = [
    ["rbps", io.throttleReadBpsDevice],
    ["wbps", io.throttleWriteBpsDevice],
    ["riops", io.throttleReadIopsDevice],
    ["wiops", io.throttleWriteIopsDevice],
  ];
  for (const [name, list] of rates) {
    for (const { major, minor, rate } of list) set("io.max", `${major}:${minor} ${name}=${rate === 0 ? "max" : rate}`);
  }
};

const setUnified = (files: CgroupFiles, directory: string, unified: Resources["unified"]): void => {
  const available = readText(files, `${directory}/cgroup.controllers`).split(" ");
  for (const [file, value] of Object.entries(unified)) {
    if (file.includes("/")) throw new CgroupError(`unified resource ${JSON.stringify(file)} must be a file name (no slashes)`);
    for (const line of value.split("\n")) {
      try {
        writeValue(files, `${directory}/${file}`, line);
      } catch (error) {
        const [controller] = file.split(".");
        if (errorCode(error) === "ENOENT" && controller !== "cgroup" && !available.includes(controller)) {
          throw new CgroupError(
            `unified resource ${JSON.stringify(file)} can't be set: controller ${JSON.stringify(controller)} not available`,
          );
        }
        throw new CgroupError(`unable to set unified resource ${JSON.stringify(file)}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
};

/** Devices are a program of their own (device-program.ts). */
export const applyV2 = (files: CgroupFiles, directory: string, resources: Resources): void => {
  const set: Set = (file, value) => writeValue(files, `${directory}/${file}`, value);
  const { memory, cpu, pids, blockIo } = resources;
  if (cpu.realtimePeriod || cpu.realtimeRuntime) throw new CgroupError("realtime cpu limits do not exist on cgroup v2");
  if (pids !== null && pids !== 0) set("pids.max", pids > 0 ? pids : "max");
  setMemory(files, directory, set, memory);
  setBlockIo(files, directory, set, blockIo);
  setCpu(files, directory, set, cpu);
  if (cpu.cpus !== "") set("cpuset.cpus", cpu.cpus);
  if (cpu.mems !== "") set("cpuset.mems", cpu.mems);
  for (const { pageSize, limit } of resources.hugepages) {
    set(`hugetlb.${pageSize}.max`, limit);
    if (files.exists(`${directory}/hugetlb.${pageSize}.rsvd.max`)) set(`hugetlb.${pageSize}.rsvd.max`, limit);
  }
  for (const [device, line] of rdmaLines(resources)) set("rdma.max", `${device} ${line}`);
  setUnified(files, directory, resources.unified);
};
