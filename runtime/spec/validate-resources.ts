/** linux.resources: the limits of config.json and of `update --resources`. */
import type { BlockIoResources, CpuResources, DeviceRate, DeviceRule, MemoryResources, Resources } from "../cgroup/resources.ts";
import type { Field } from "./field.ts";

const MOST = 2 ** 63;
const MAX_DEVICE = 2 ** 32 - 1;

const amount = (field: Field): number | null => (field.exists ? field.integer(-MOST, MOST) : null);
const natural = (field: Field): number | null => (field.exists ? field.integer(0, 2 * MOST) : null);

/** "0-3,7" */
const cpuList = (field: Field): string => {
  const text = field.text("").trim();
  if (!/^[0-9,\s-]*$/.test(text)) field.refuse(`${JSON.stringify(text)} is not a list such as "0-3,7"`);
  return text;
};

const memory = (field: Field): MemoryResources => ({
  limit: amount(field.at("limit")),
  reservation: amount(field.at("reservation")),
  swap: amount(field.at("swap")),
  // Some engines write -1 as an unsigned number: not given.
  swappiness: ((value) => (value !== null && value >= MOST ? null : value))(natural(field.at("swappiness"))),
  disableOomKiller: field.at("disableOOMKiller").flag(false),
  checkBeforeUpdate: field.at("checkBeforeUpdate").flag(false),
});

const cpu = (field: Field): CpuResources => {
  const idle = field.at("idle");
  return {
    shares: natural(field.at("shares")),
    quota: amount(field.at("quota")),
    period: natural(field.at("period")),
    burst: natural(field.at("burst")),
    realtimeRuntime: amount(field.at("realtimeRuntime")),
    realtimePeriod: natural(field.at("realtimePeriod")),
    idle: idle.exists ? idle.integer(0, 1) : null,
    cpus: cpuList(field.at("cpus")),
    mems: cpuList(field.at("mems")),
  };
};

const number = (field: Field): number => field.integer(0, MAX_DEVICE);

const rates = (field: Field): DeviceRate[] =>
  field
    .list()
    .map((item) => ({ major: number(item.at("major")), minor: number(item.at("minor")), rate: item.at("rate").integer(0, MOST) }));

const blockIo = (field: Field): BlockIoResources => {
  const weight = (of: Field): number | null => (of.exists ? of.integer(0, 1000) : null);
  return {
    weight: weight(field.at("weight")),
    leafWeight: weight(field.at("leafWeight")),
    weightDevice: field
      .at("weightDevice")
      .list()
      .map((item) => ({
        major: number(item.at("major")),
        minor: number(item.at("minor")),
        weight: weight(item.at("weight")),
        leafWeight: weight(item.at("leafWeight")),
      })),
    throttleReadBpsDevice: rates(field.at("throttleReadBpsDevice")),
    throttleWriteBpsDevice: rates(field.at("throttleWriteBpsDevice")),
    throttleReadIopsDevice: rates(field.at("throttleReadIOPSDevice")),
    throttleWriteIopsDevice: rates(field.at("throttleWriteIOPSDevice")),
  };
};

const deviceRule = (field: Field): DeviceRule => {
  const type = field.at("type").text("a") || "a";
  if (type !== "a" && type !== "b" && type !== "c") field.at("type").refuse(`invalid device type ${JSON.stringify(type)}`);
  // toSet() of runc's libcontainer/devices: other letters are passed over.
  const given = field.at("access").text("") || "rwm";
  const access = given.replace(/[^rwm]/g, "");
  if (access === "") field.at("access").refuse(`${JSON.stringify(given)} has none of r, w and m`);
  // -1 is "any" as well.
  const any = (of: Field): number | null => (of.exists && of.value !== -1 ? number(of) : null);
  return {
    allow: field.at("allow").flag(false),
    type: type as DeviceRule["type"],
    major: any(field.at("major")),
    minor: any(field.at("minor")),
    access,
  };
};

const rdma = (field: Field): Resources["rdma"] =>
  Object.fromEntries(
    field.keys.map((device) => {
      const limits = field.at(device);
      return [device, { handles: natural(limits.at("hcaHandles")), objects: natural(limits.at("hcaObjects")) }];
    }),
  );

const unified = (field: Field): Resources["unified"] => Object.fromEntries(field.keys.map((file) => [file, field.at(file).text()]));

export const validateResources = (field: Field): Resources => {
  const network = field.at("network");
  const classId = network.at("classID");
  const pids = field.at("pids").at("limit");
  return {
    memory: memory(field.at("memory")),
    cpu: cpu(field.at("cpu")),
    pids: amount(pids),
    blockIo: blockIo(field.at("blockIO")),
    hugepages: field
      .at("hugepageLimits")
      .list()
      .map((item) => {
        const pageSize = item.at("pageSize").text();
        if (!/^[0-9]+[KMG]B$/.test(pageSize)) item.at("pageSize").refuse(`${JSON.stringify(pageSize)} is not a size such as "2MB"`);
        return { pageSize, limit: item.at("limit").integer(0, MOST) };
      }),
    rdma: rdma(field.at("rdma")),
    network: {
      classId: classId.exists ? classId.integer(0, MAX_DEVICE) : null,
      priorities: network
        .at("priorities")
        .list()
        .map((item) => ({ name: item.at("name").text(), priority: item.at("priority").integer(0, MAX_DEVICE) })),
    },
    devices: field.at("devices").list().map(deviceRule),
    unified: unified(field.at("unified")),
  };
};
