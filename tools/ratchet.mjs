/**
 * Counts, per folder, what docs/style.md wants less of (rule ratchet-the-rest), and fails when a count has
 * grown over tools/ratchet.json; `--update` writes the present counts, when one has fallen.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./generate.mjs";

const record = join(root, "tools/ratchet.json");

/** Tables of the kernel's own names are as long as Linux makes them. */
const isTable = (path) => /^syscall-tables\/(flags|numbers)\//.test(path) || path.includes(".generated.");

const lineLimit = (path) => {
  if (isTable(path)) return Number.POSITIVE_INFINITY;
  if (path.endsWith(".c") || path.endsWith(".h")) return 300;
  return path.startsWith("sentry/syscalls/") && !path.endsWith(".test.ts") ? 200 : 400;
};

const countAll = (text, pattern) => text.match(pattern)?.length ?? 0;

const COUNTS = {
  any: (_path, text) => countAll(text, /(: |<|\bas )any\b(?! \w|[(.:])/g),
  // `as const` narrows, and in an import `as` only renames.
  casts: (_path, text) => countAll(text.replace(/^(import|export) [^;]*;/gm, ""), /[\w)\]}] as (?!const\b)[A-Za-z({[]/g),
  "lint-disables": (_path, text) => countAll(text, /biome-ignore|@ts-(ignore|expect-error|nocheck)/g),
  "oversize-files": (path, text) => (text.split("\n").length - 1 > lineLimit(path) ? 1 : 0),
};

/** Comments may say what they like. */
const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/(?! biome| @ts).*$/gm, "");

const FOLDERS = ["benchmarks", "cli", "gofer", "native", "runtime", "sentry", "syscall-tables", "test", "tools"];

const sources = () =>
  FOLDERS.flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => `${folder}/${name}`)).filter(
    (path) => /\.([mc]?[tj]s|[chS])$/.test(path) && !path.startsWith("native/build/"),
  );

const count = () => {
  const counts = {};
  for (const path of sources()) {
    const text = readFileSync(join(root, path), "utf8");
    const isScript = /\.[mc]?[tj]s$/.test(path) && path !== "tools/ratchet.mjs";
    for (const [name, measure] of Object.entries(COUNTS)) {
      if (!isScript && name !== "oversize-files") continue;
      const found = measure(path, name === "oversize-files" ? text : withoutComments(text));
      const folder = path.slice(0, path.indexOf("/"));
      if (found === 0) continue;
      counts[folder] ??= {};
      counts[folder][name] = (counts[folder][name] ?? 0) + found;
    }
  }
  return counts;
};

const now = count();
if (process.argv.includes("--update")) {
  const sorted = Object.fromEntries(Object.entries(now).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(record, `${JSON.stringify(sorted, null, 2)}\n`);
} else {
  const allowed = JSON.parse(readFileSync(record, "utf8"));
  for (const [folder, counts] of Object.entries(now))
    for (const [name, found] of Object.entries(counts)) {
      const most = allowed[folder]?.[name] ?? 0;
      if (found <= most) continue;
      console.error(`${folder}/: ${name}: ${found}, at most ${most} (docs/style.md, ratchet-the-rest)`);
      process.exitCode = 1;
    }
}
