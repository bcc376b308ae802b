/**
 * Arguments, paths and environment as byte strings (latin1: one character per byte), the
 * kernel's view: Node decodes process.argv as UTF-8, which loses every other encoding.
 */
import { readFileSync } from "node:fs";

/** "café" as typed, for messages to people. */
export const shown = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");

/** For Node's path functions. */
export const pathBytes = (bytes: string): Buffer => Buffer.from(bytes, "latin1");

export const byteString = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** The arguments after cli.cjs. `argv` is Node's process.argv, used for their number and where /proc is missing. */
export const argumentBytes = (argv: readonly string[]): string[] => {
  try {
    const all = readFileSync("/proc/self/cmdline", "latin1").split("\0");
    all.pop();
    const own = all.slice(all.length - (argv.length - 2));
    if (argv.length === 2) return [];
    return own;
  } catch {
    return argv.slice(2).map(byteString);
  }
};

/** The value of one environment variable, or null. */
export const environmentBytes = (environ: string, name: string): string | null => {
  const prefix = `${name}=`;
  for (const entry of environ.split("\0")) if (entry.startsWith(prefix)) return entry.slice(prefix.length);
  return null;
};
