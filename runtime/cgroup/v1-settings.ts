/** linux.resources in the files of cgroup v1 (Documentation/admin-guide/cgroup-v1). */
import { deviceWrites, parseDeviceList, stateAfter } from "./devices.ts";
import { type CgroupFiles, errorCode, readText, writeValue } from "./files.ts";
import type { CgroupPaths } from "./paths.ts";
import { CgroupError, type CpuResources, type DeviceRate, type DeviceRule, type MemoryResources, type Resources } from "./resources.ts";

type Set = (file: string, value: string | number) => void;

const setCpuPeriod = (set: Set, { quota, period }: CpuResources): void => {
  if (period === null || period === 0) return;
  try {
    set("cpu.cfs_period_us", period);
  } catch (error) {
    // Too short for the quota there is: the new quota first.
    if (errorCode(error) !== "EINVAL" || quota === null || quota === 0) throw error;
    set("cpu.cfs_quota_us", quota);
    set("cpu.cfs_period_us", period);
  }
};

const setCpu = (files: CgroupFiles, directory: string, cpu: CpuResources): void => {
  const set: Set = (file, value) => writeValue(files, `${directory}/${file}`, value);
  if (cpu.idle !== null) set("cpu.idle", cpu.idle);
  if (cpu.shares !== null && cpu.shares !== 0) {
    set("cpu.shares", cpu.shares);
    // Out of range it is set to the bound without a word.
    const got = Number(readText(files, `${directory}/cpu.shares`));
    if (got < cpu.shares && cpu.idle !== 1) throw new CgroupError(`the maximum allowed cpu-shares is ${got}`);
    if (got > cpu.shares) throw new CgroupError(`the minimum allowed cpu-shares is ${got}`);
  }
  // A burst above the new quota is refused, and so is a quota below the old burst.
  const newQuota = cpu.quota !== null && cpu.quota !== 0;
  if (cpu.burst !== null && !newQuota) set("cpu.cfs_burst_us", cpu.burst);
  if (cpu.burst !== null && newQuota && files.exists(`${directory}/cpu.cfs_burst_us`)) set("cpu.cfs_burst_us", 0);
  setCpuPeriod(set, cpu);
  if (newQuota) set("cpu.cfs_quota_us", cpu.quota as number);
  if (cpu.burst !== null && newQuota) set("cpu.cfs_burst_us", cpu.burst);
  if (cpu.realtimePeriod) set("cpu.rt_period_us", cpu.realtimePeriod);
  if (cpu.realtimeRuntime) set("cpu.rt_runtime_us", cpu.realtimeRuntime);
};

const setMemoryLimit = (files: CgroupFiles, directory: string, limit: number): void => {
  try {
    writeValue(files, `${directory}/memory.limit_in_bytes`, limit);
  } catch (error) {
    if (errorCode(error) !== "EBUSY") throw error;
    const usage = readText(files, `${directory}/memory.usage_in_bytes`);
    const peak = readText(files, `${directory}/memory.max_usage_in_bytes`);
    throw new CgroupError(`unable to set memory limit to ${limit} (current usage: ${usage}, peak usage: ${peak})`);
  }
};

const setMemory = (files: CgroupFiles, directory: string, memory: MemoryResources): void => {
  const set: Set = (file, value) => writeValue(files, `${directory}/${file}`, value);
  const { limit } = memory;
  let { swap } = memory;
  const hasSwap = files.exists(`${directory}/memory.memsw.limit_in_bytes`);
  if (limit === -1 && !swap && hasSwap) swap = -1;
  if (limit && limit > 0 && memory.checkBeforeUpdate) {
    const usage = Number(readText(files, `${directory}/memory.usage_in_bytes`));
    if (usage > limit) throw new CgroupError(`rejecting memory limit ${limit} < usage ${usage}`);
  }
  const swapFirst = limit && swap && (swap === -1 || Number(readText(files, `${directory}/memory.limit_in_bytes`)) < swap);
  if (swapFirst) set("memory.memsw.limit_in_bytes", swap as number);
  if (limit) setMemoryLimit(files, directory, limit);
  if (swap && !swapFirst) set("memory.memsw.limit_in_bytes", swap);
  if (memory.reservation) set("memory.soft_limit_in_bytes", memory.reservation);
  if (memory.disableOomKiller) set("memory.oom_control", 1);
  const { swappiness } = memory;
  if (swappiness === null || swappiness === -1) return;
  if (swappiness < 0 || swappiness > 100) throw new CgroupError(`invalid memory swappiness value: ${swappiness} (valid range is 0-100)`);
  set("memory.swappiness", swappiness);
};

const setBlockIo = (files: CgroupFiles, directory: string, { blockIo }: Resources): void => {
  const set: Set = (file, value) => writeValue(files, `${directory}/${file}`, value);
  const weightFile = files.exists(`${directory}/blkio.weight`) ? "blkio.weight" : "blkio.bfq.weight";
  if (blockIo.weight) set(weightFile, blockIo.weight);
  if (blockIo.leafWeight) set("blkio.leaf_weight", blockIo.leafWeight);
  for (const { major, minor, weight, leafWeight } of blockIo.weightDevice) {
    if (weight) set(`${weightFile}_device`, `${major}:${minor} ${weight}`);
    if (leafWeight) set("blkio.leaf_weight_device", `${major}:${minor} ${leafWeight}`);
  }
  const rates: readonly (readonly [string, readonly DeviceRate[]])[] = [
    ["blkio.throttle.read_bps_device", blockIo.throttleReadBpsDevice],
    ["blkio.throttle.write_bps_device", blockIo.throttleWriteBpsDevice],
    ["blkio.throttle.read_iops_device", blockIo.throttleReadIopsDevice],
    ["blkio.throttle.write_iops_device", blockIo.throttleWriteIopsDevice],
  ];
  for (const [file, list] of rates) for (const { major, minor, rate } of list) set(file, `${major}:${minor} ${rate}`);
};

const setDevices = (files: CgroupFiles, directory: string, rules: readonly DeviceRule[]): void => {
  const now = parseDeviceList(files.read(`${directory}/devices.list`));
  for (const { file, text } of deviceWrites(now, stateAfter(rules))) writeValue(files, `${directory}/${file}`, text);
};

/** Makes cpuset usable: a new one is empty, and so may be those above it. */
export const inheritCpuset = (files: CgroupFiles, directory: string, top: string): void => {
  if (directory === top || !directory.startsWith(`${top}/`)) return;
  const parent = directory.slice(0, directory.lastIndexOf("/"));
  inheritCpuset(files, parent, top);
  files.makeDirectory(directory);
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readText(files, `${directory}/${file}`) === "") writeValue(files, `${directory}/${file}`, readText(files, `${parent}/${file}`));
  }
};

const need = (paths: CgroupPaths, controller: string, what: string): string => {
  const directory = paths[controller];
  if (directory === undefined) throw new CgroupError(`cannot set ${what}: the cgroup controller ${controller} is not mounted`);
  return directory;
};

const isGiven = (values: object): boolean =>
  Object.values(values).some((value) =>
    Array.isArray(value) ? value.length > 0 : value !== null && value !== "" && value !== false && value !== 0,
  );

/** Devices are left alone where `rules` is null. */
export const applyV1 = (files: CgroupFiles, paths: CgroupPaths, resources: Resources, rules: readonly DeviceRule[] | null): void => {
  if (Object.keys(resources.unified).length > 0)
    throw new CgroupError("invalid configuration: cgroup v2 unified resources on a cgroup v1 machine");
  const { cpu, memory, pids, blockIo, network } = resources;
  const { cpus, mems, ...time } = cpu;
  if (rules !== null && paths.devices !== undefined) setDevices(files, paths.devices, rules);
  if (isGiven(memory)) setMemory(files, need(paths, "memory", "the memory limit"), memory);
  if (cpus !== "") writeValue(files, `${need(paths, "cpuset", "cpus")}/cpuset.cpus`, cpus);
  if (mems !== "") writeValue(files, `${need(paths, "cpuset", "mems")}/cpuset.mems`, mems);
  if (isGiven(time) || cpu.idle !== null || cpu.burst !== null) setCpu(files, need(paths, "cpu", "the share of cpu"), cpu);
  if (pids !== null && pids !== 0) writeValue(files, `${need(paths, "pids", "the pids limit")}/pids.max`, pids > 0 ? pids : "max");
  if (isGiven(blockIo)) setBlockIo(files, need(paths, "blkio", "the share of block devices"), resources);
  for (const { pageSize, limit } of resources.hugepages) {
    const directory = need(paths, "hugetlb", "the hugepage limit");
    writeValue(files, `${directory}/hugetlb.${pageSize}.limit_in_bytes`, limit);
    const reserved = `${directory}/hugetlb.${pageSize}.rsvd.limit_in_bytes`;
    if (files.exists(reserved)) writeValue(files, reserved, limit);
  }
  for (const [device, line] of rdmaLines(resources))
    writeValue(files, `${need(paths, "rdma", "rdma limits")}/rdma.max`, `${device} ${line}`);
  if (network.classId) writeValue(files, `${need(paths, "net_cls", "the network class")}/net_cls.classid`, network.classId);
  for (const { name, priority } of network.priorities) {
    writeValue(files, `${need(paths, "net_prio", "network priorities")}/net_prio.ifpriomap`, `${name} ${priority}`);
  }
};

/** Device and limits, as rdma.max takes them. */
export const rdmaLines = ({ rdma }: Resources): [string, string][] =>
  Object.entries(rdma).map(([device, { handles, objects }]) => [device, `hca_handle=${handles ?? "max"} hca_object=${objects ?? "max"}`]);
