/**
 * Device rules: a default and its exceptions, as the kernel's devices controller keeps them
 * (Documentation/admin-guide/cgroup-v1/devices.rst), and the way from one such state to another.
 */
import { CgroupError, type DeviceRule } from "./resources.ts";

export interface DeviceState {
  readonly allowsByDefault: boolean;
  /** "c 1:3" or "c 136:*" → some of "rwm". */
  readonly exceptions: ReadonlyMap<string, string>;
}

const rule = (type: "b" | "c", major: number | null, minor: number | null, access: string): DeviceRule => ({
  allow: true,
  type,
  major,
  minor,
  access,
});

/** What every container may, whatever its config says: nodes may be made, and these used. */
export const ALWAYS_ALLOWED: readonly DeviceRule[] = [
  rule("c", null, null, "m"),
  rule("b", null, null, "m"),
  ...[3, 8, 7, 5, 9].map((minor) => rule("c", 1, minor, "rwm")),
  rule("c", 5, 0, "rwm"),
  rule("c", 136, null, "rwm"),
  rule("c", 5, 2, "rwm"),
  rule("c", 10, 200, "rwm"),
];

const star = (value: number | null): string => (value === null ? "*" : String(value));
const keyOf = ({ type, major, minor }: DeviceRule): string => `${type} ${star(major)}:${star(minor)}`;
const ordered = (access: string): string => [..."rwm"].filter((letter) => access.includes(letter)).join("");

const covers = (wide: string, narrow: string): boolean => {
  const [wideType, wideNumbers] = wide.split(" ");
  const [type, numbers] = narrow.split(" ");
  const wideParts = wideNumbers.split(":");
  return wideType === type && numbers.split(":").every((part, index) => wideParts[index] === "*" || wideParts[index] === part);
};

const changed = (exceptions: Map<string, string>, key: string, access: string, add: boolean): void => {
  const before = exceptions.get(key) ?? "";
  const after = ordered(add ? before + access : [...before].filter((letter) => !access.includes(letter)).join(""));
  if (after === "") exceptions.delete(key);
  else exceptions.set(key, after);
};

/** The state that rules lead to, in their order, from "all is forbidden". */
export const stateAfter = (rules: readonly DeviceRule[]): DeviceState => {
  let allowsByDefault = false;
  const exceptions = new Map<string, string>();
  for (const one of rules) {
    const key = keyOf(one);
    if (one.type === "a") {
      allowsByDefault = one.allow;
      exceptions.clear();
      continue;
    }
    const isException = one.allow !== allowsByDefault;
    // An exception within a wider one of the other sense cannot be told to the kernel.
    if (!isException) {
      const wider = [...exceptions].find(
        ([other, access]) => other !== key && covers(other, key) && [...one.access].some((letter) => access.includes(letter)),
      );
      if (wider !== undefined) {
        throw new CgroupError(`devices: the rule ${key} ${one.access} is part of ${wider[0]} ${wider[1]}, from which it cannot be taken`);
      }
    }
    changed(exceptions, key, one.access, isException);
  }
  return { allowsByDefault, exceptions };
};

/** devices.list of cgroup v1; with "a *:* rwm" the exceptions are not shown. */
export const parseDeviceList = (text: string): DeviceState => {
  const exceptions = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [type, numbers, access] = line.trim().split(" ");
    if (type === "a") return { allowsByDefault: true, exceptions: new Map() };
    if (access !== undefined) exceptions.set(`${type} ${numbers}`, ordered(access));
  }
  return { allowsByDefault: false, exceptions };
};

export interface DeviceWrite {
  readonly file: "devices.allow" | "devices.deny";
  readonly text: string;
}

/** What to write to come from one state to another. What stays allowed is so at each moment. */
export const deviceWrites = (from: DeviceState, to: DeviceState): DeviceWrite[] => {
  const writes: DeviceWrite[] = [];
  const file = (allow: boolean): DeviceWrite["file"] => (allow ? "devices.allow" : "devices.deny");
  let before = from.exceptions;
  // The exceptions of "all allowed" cannot be read: they are cleared.
  if (from.allowsByDefault !== to.allowsByDefault || from.allowsByDefault) {
    writes.push({ file: file(to.allowsByDefault), text: "a" });
    before = new Map();
  }
  for (const [key, access] of to.exceptions) {
    const added = [...access].filter((letter) => !(before.get(key) ?? "").includes(letter)).join("");
    if (added !== "") writes.push({ file: file(!to.allowsByDefault), text: `${key} ${added}` });
  }
  for (const [key, access] of before) {
    const removed = [...access].filter((letter) => !(to.exceptions.get(key) ?? "").includes(letter)).join("");
    if (removed !== "") writes.push({ file: file(to.allowsByDefault), text: `${key} ${removed}` });
  }
  return writes;
};
