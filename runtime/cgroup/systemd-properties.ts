/** Limits and device rules in systemd's terms (systemd.resource-control(5)), so that systemd does not undo what is written beside it. */
import { existsSync, readFileSync } from "node:fs";
import { cpuWeight, ioWeight, parseList, swapAlone } from "./convert.ts";
import { stateAfter } from "./devices.ts";
import { CgroupError, type DeviceRule, type Resources } from "./resources.ts";
import { parseVariant, VariantError } from "./variant.ts";

/** A unit's property in busctl's notation: name, type, values. */
export type Property = readonly [name: string, type: string, ...values: string[]];

const SECOND_US = 1_000_000;
const DEFAULT_PERIOD = 100_000;
const UNLIMITED = "18446744073709551615";

export const flag = (name: string): Property => [name, "b", "true"];
/** A 64-bit number; -1: without limit. */
const number = (name: string, value: number | string): Property => [name, "t", Number(value) < 0 ? UNLIMITED : String(value)];

/** CPUs as the bits of a byte string. */
const mask = (name: string, list: string): Property => {
  const bytes: number[] = [];
  for (const cpu of parseList(list)) {
    while (bytes.length <= cpu >> 3) bytes.push(0);
    bytes[cpu >> 3] |= 1 << (cpu & 7);
  }
  return [name, "ay", String(bytes.length), ...bytes.map(String)];
};

/** A period alone keeps no quota, as in the file. systemd rounds to hundredths of a second. */
const cpuTime = (quota: number, period: number): Property[] => {
  const perSecond = quota > 0 ? Math.ceil((quota * SECOND_US) / (period || DEFAULT_PERIOD) / 10_000) * 10_000 : -1;
  return [...(quota || period ? [number("CPUQuotaPerSecUSec", perSecond)] : []), ...(period ? [number("CPUQuotaPeriodUSec", period)] : [])];
};

const UNIFIED_NUMBERS: Readonly<Record<string, string>> = {
  "cpu.weight": "CPUWeight",
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.min": "MemoryMin",
  "memory.max": "MemoryMax",
  "memory.swap.max": "MemorySwapMax",
  "pids.max": "TasksMax",
};

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** What systemd has no word for is left to the files, and so is what the kernel will refuse there. */
const unifiedProperties = (unified: Resources["unified"]): Property[] =>
  Object.entries(unified).flatMap(([file, given]): Property[] => {
    const text = given.trim();
    if (file === "cpu.max") {
      const [quota, period = String(DEFAULT_PERIOD)] = text.split(/\s+/);
      if ((quota !== "max" && !isNumber(quota)) || !isNumber(period)) return [];
      return cpuTime(quota === "max" ? -1 : Number(quota), Number(period));
    }
    if (file === "cpuset.cpus" || file === "cpuset.mems")
      return [mask(file === "cpuset.cpus" ? "AllowedCPUs" : "AllowedMemoryNodes", text)];
    const name = Object.hasOwn(UNIFIED_NUMBERS, file) ? UNIFIED_NUMBERS[file] : undefined;
    if (name === undefined || (text !== "max" && !isNumber(text))) return [];
    return [number(name, text === "max" ? -1 : text)];
  });

/** The weight of a group that is idle, where systemd has one (since 252); else a daemon-reload would give it an ordinary one. */
const idleWeight = ({ idle }: Resources["cpu"], knowsIdle: () => boolean): Property[] =>
  idle === 1 && knowsIdle() ? [number("CPUWeight", 0)] : [];

export const limitProperties = (
  { cpu, memory, pids, blockIo, unified }: Resources,
  isV2: boolean,
  knowsIdle: () => boolean = () => false,
): Property[] => {
  const properties: Property[] = [];
  if (memory.limit) properties.push(number(isV2 ? "MemoryMax" : "MemoryLimit", memory.limit));
  if (memory.reservation && isV2) properties.push(number("MemoryLow", memory.reservation));
  const swap = isV2 ? swapAlone(memory.swap, memory.limit) : null;
  if (swap !== null) properties.push(number("MemorySwapMax", swap));
  if (cpu.shares && !(isV2 && cpu.idle === 1))
    properties.push(isV2 ? number("CPUWeight", cpuWeight(cpu.shares)) : number("CPUShares", cpu.shares));
  if (isV2) properties.push(...idleWeight(cpu, knowsIdle));
  properties.push(...cpuTime(cpu.quota ?? 0, cpu.period ?? 0));
  // Whatever is set next, systemd writes all weights that it knows: one that it is not told goes back to the ordinary.
  if (blockIo.weight) properties.push(isV2 ? number("IOWeight", ioWeight(blockIo.weight)) : number("BlockIOWeight", blockIo.weight));
  if (cpu.cpus !== "") properties.push(mask("AllowedCPUs", cpu.cpus));
  if (cpu.mems !== "") properties.push(mask("AllowedMemoryNodes", cpu.mems));
  if (pids) properties.push(number("TasksMax", pids));
  if (isV2) properties.push(...unifiedProperties(unified));
  return properties;
};

export interface DeviceNames {
  /** /proc/devices: the kernel's names of groups of devices. */
  readonly devices: string;
  /** Whether there is a device "c 1:3". */
  exists(kind: "char" | "block", numbers: string): boolean;
}

const hostDevices = (): DeviceNames => ({
  devices: readFileSync("/proc/devices", "latin1"),
  exists: (kind, numbers) => ["", "/sys"].some((prefix) => existsSync(`${prefix}/dev/${kind}/${numbers}`)),
});

const groupName = (devices: string, kind: "char" | "block", major: string): string | undefined => {
  const [characters, blocks = ""] = devices.split("Block devices:");
  return new RegExp(`^ *${major} (.+)$`, "m").exec(kind === "char" ? characters : blocks)?.[1];
};

/**
 * systemd allows by name, and cannot forbid: what it has no name for is left out. The rules themselves are set beside it;
 * where they forbid only some, systemd allows all.
 */
export const deviceProperties = (rules: readonly DeviceRule[], names: DeviceNames = hostDevices()): Property[] => {
  const { allowsByDefault, exceptions } = stateAfter(rules);
  const none: Property = ["DeviceAllow", "a(ss)", "0"];
  if (allowsByDefault) return [["DevicePolicy", "s", "auto"], none];
  const allowed = [...exceptions].flatMap(([key, access]): string[][] => {
    const [type, numbers] = key.split(" ");
    const kind = type === "c" ? "char" : "block";
    const [major, minor] = numbers.split(":");
    if (major !== "*" && minor !== "*") return names.exists(kind, numbers) ? [[`/dev/${kind}/${numbers}`, access]] : [];
    const group = major === "*" ? "*" : groupName(names.devices, kind, major);
    return group === undefined || (major === "*" && minor !== "*") ? [] : [[`${kind}-${group}`, access]];
  });
  // An empty list first: systemd adds to what there is.
  return [["DevicePolicy", "s", "strict"], none, ["DeviceAllow", "a(ss)", String(allowed.length), ...allowed.flat()]];
};

const ANNOTATION = "org.systemd.property.";

/** What is documented in seconds has a name in microseconds on the bus. */
const inMicroseconds = ([name, type, value]: Property): Property => {
  if (!/[a-z]Sec$/.test(name)) return [name, type, value];
  if (!/^[ynqiuxtd]$/.test(type)) throw new VariantError("not a number");
  const microseconds = type === "d" ? BigInt(Math.trunc(Number(value) * SECOND_US)) : BigInt(value) * BigInt(SECOND_US);
  return [name.replace(/Sec$/, "USec"), "t", String(BigInt.asUintN(64, microseconds))];
};

/** Annotations named org.systemd.property.NAME are properties of the unit (runc's docs/systemd.md). */
export const annotatedProperties = (annotations: Readonly<Record<string, string>>): Property[] =>
  Object.entries(annotations).flatMap(([key, text]): Property[] => {
    if (!key.startsWith(ANNOTATION)) return [];
    const name = key.slice(ANNOTATION.length);
    if (name.length < 3) throw new CgroupError(`annotation ${key} name incorrect: too short`);
    if (!/^[A-Za-z]+$/.test(name)) throw new CgroupError(`annotation ${key} name incorrect: contains non-alphabetic character`);
    try {
      const { type, words } = parseVariant(text);
      return [words.length === 1 ? inMicroseconds([name, type, ...words]) : [name, type, ...words]];
    } catch (error) {
      if (error instanceof VariantError) throw new CgroupError(`annotation ${key}=${text} value parse error: ${error.message}`);
      throw error;
    }
  });
