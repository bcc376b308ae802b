/**
 * dist/.stamp: it exists when all is built, is as old as the build's begin, and lists what was read, by which the launcher
 * sees that it must be built again (native/launcher/sources.c). The script `moat` has the same list.
 */
import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const directories = ["cli", "runtime", "sentry", "gofer", "syscall-tables", "tools"];
const native = ["launcher", "stub", "ffi", "seccomp", "start"];

const isSource = (name) => !name.endsWith(".test.ts") && !name.includes(".generated.") && statSync(join(root, name)).isFile();

const sources = () => [
  "package-lock.json",
  ...[...directories, ...native.map((name) => `native/${name}`)].flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true })
      .map((name) => `${directory}/${name}`)
      .filter(isSource),
  ),
];

export const writeStamp = (path, begin) => {
  writeFileSync(path, `${sources().join("\n")}\n`);
  utimesSync(path, begin, begin);
};
