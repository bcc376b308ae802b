/** Which devices the container may make and use: linux.resources.devices, as the kernel's devices cgroup decides (security/device_cgroup.c). */
import { S_IFBLK, S_IFMT } from "../../syscall-tables/flags/open.ts";
import { majorOf, minorOf } from "./devices.ts";

export interface DeviceRules {
  readonly allowsByDefault: boolean;
  /** "c 1:3" or "b 7:*", and some of "rwm" that are otherwise. */
  readonly exceptions: readonly (readonly [string, string])[];
}

/** Null: everything. */
let rules: DeviceRules | null = null;

export const setDeviceRules = (of: DeviceRules | null): void => {
  rules = of;
};

/** Whether the node of `mode` and `rdev` may be used so; `access`: some of "rwm". */
export const mayUseDevice = (mode: number, rdev: number, access: string): boolean => {
  if (rules === null) return true;
  const type = (mode & S_IFMT) === S_IFBLK ? "b" : "c";
  const [major, minor] = [majorOf(rdev), minorOf(rdev)];
  const keys = [`${type} ${major}:${minor}`, `${type} ${major}:*`, `${type} *:${minor}`, `${type} *:*`];
  const matching = rules.exceptions.filter(([key]) => keys.includes(key));
  if (rules.allowsByDefault) return !matching.some(([, letters]) => [...access].some((letter) => letters.includes(letter)));
  return matching.some(([, letters]) => [...access].every((letter) => letters.includes(letter)));
};
