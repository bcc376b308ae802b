/** Integers with names: flag words, enumerations, signals, modes, errno. */

import { errnos } from "../../syscall-tables/flags/errno.ts";
import type { Enumeration, FlagSet } from "../../syscall-tables/flags/flag-set.ts";
import { flagSets } from "../../syscall-tables/flags/index.ts";
import { fileTypeNames, S_IFMT } from "../../syscall-tables/flags/open.ts";
import { SIGRTMIN, signalNames } from "../../syscall-tables/flags/signal.ts";
import { clockNames } from "../../syscall-tables/flags/time.ts";
import { hex, octal, permissions } from "./text.ts";

export const formatFlags = (set: FlagSet, value: number): string => {
  let rest = value >>> 0;
  const first: string[] = [];
  const last: string[] = [];
  for (const { mask, names, style } of set.fields) {
    const field = (rest & mask) >>> 0;
    const name = names.get(field);
    if (name === undefined && (field === 0 || style === "first")) continue;
    rest = (rest & ~mask) >>> 0;
    const text = name ?? (style === "octal" ? permissions(field) : String(field));
    (style === "first" ? first : last).push(text);
  }
  for (const [name, bits] of set.bits) {
    if ((rest & bits) >>> 0 !== bits) continue;
    first.push(name);
    rest = (rest & ~bits) >>> 0;
  }
  if (rest !== 0) first.push(hex(rest));
  const names = [...first, ...last];
  return names.length === 0 ? (set.zero ?? "0") : names.join("|");
};

const formatEnumeration = ({ names }: Enumeration, value: number): string =>
  names.get(value) ?? names.get(value >>> 0) ?? (value > 0xffff ? hex(value) : String(value));

/** `of` is a name in flags/index.ts. */
export const formatNamed = (of: string, value: number): string => {
  const set = flagSets[of];
  if (set === undefined) return String(value);
  return set.kind === "flags" ? formatFlags(set, value) : formatEnumeration(set, value);
};

export const formatSignal = (signal: number): string => {
  const name = signalNames.names.get(signal);
  if (name !== undefined) return name;
  if (signal === SIGRTMIN) return "SIGRTMIN";
  return signal > SIGRTMIN && signal <= 64 ? `SIGRT_${signal - SIGRTMIN}` : String(signal);
};

/** A set with more members than gaps is printed as what it lacks. */
export const formatSignalSet = (lo: number, hi: number): string => {
  const has = (signal: number): boolean => ((signal <= 32 ? lo >>> (signal - 1) : hi >>> (signal - 33)) & 1) === 1;
  const all = Array.from({ length: 64 }, (_, index) => index + 1);
  const members = all.filter(has);
  const isInverted = members.length > 42;
  const named = isInverted ? all.filter((signal) => !has(signal)) : members;
  return `${isInverted ? "~" : ""}[${named.map((signal) => formatSignal(signal).slice(3)).join(" ")}]`;
};

export const formatClock = (clock: number): string => clockNames.names.get(clock) ?? String(clock);

/** st_mode and mknod(2)'s mode: type and permissions. */
export const formatFileMode = (mode: number): string => {
  const type = mode & S_IFMT;
  if (type === 0) return permissions(mode);
  return `${fileTypeNames.names.get(type) ?? octal(type)}|${permissions(mode & ~S_IFMT)}`;
};

export const formatDevice = (major: number, minor: number): string => `makedev(${hex(major)}, ${hex(minor)})`;

/** dev_t as stat(2) carries it: MAJOR and MINOR of include/linux/kdev_t.h's new encoding. */
export const formatDev = (dev: number): string => formatDevice((dev >>> 8) & 0xfff, (dev & 0xff) | ((dev >>> 12) & 0xfff00));

/** A negative result. Restart codes are not seen by the program, hence the question mark. */
export const formatError = (result: number): string => {
  const entry = errnos.get(-result);
  const text = entry === undefined ? `errno ${-result}` : `${entry[0]} (${entry[1]})`;
  return result <= -512 ? `? ${text}` : `-1 ${text}`;
};
