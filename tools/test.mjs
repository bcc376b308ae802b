/**
 * npm test: builds, checks, and runs every *.test.ts (beside its source, and in test/) with
 * node:test; the runner's summary is the last thing printed. Arguments name the files to run, by a part of
 * their path; then the checks are skipped.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "dist/test");
const folders = ["cli", "runtime", "sentry", "gofer", "native", "syscall-tables", "test", "benchmarks"];
const wanted = process.argv.slice(2);
/** What takes longer hangs: a file of tests takes half a minute at most on an idle machine, those of the engines two. */
const PATIENCE_MS = 600_000;

const run = (program, args) => {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: "inherit" });
  if (error) console.error(`${program}: ${error.message}`);
  return status ?? 1;
};

const must = (program, ...args) => {
  const status = run(program, args);
  if (status !== 0) process.exit(status);
};

const testFiles = () =>
  folders
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)))
    .filter((name) => name.endsWith(".test.ts") && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
    .sort();

/** Each test becomes one file: Node 20 reads no TypeScript. */
const bundleTests = async (files) => {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: files,
    outbase: root,
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    sourcemap: "inline",
    logLevel: "warning",
  });
  return files.map((file) => join(relative(root, out), file.replace(/\.ts$/, ".mjs")));
};

must(process.execPath, "tools/build.mjs");
if (wanted.length === 0) must("npm", "run", "--silent", "check");
const files = testFiles();
if (files.length === 0) {
  console.error(`no test matches ${wanted.join(" ")}`);
  process.exit(1);
}
const tests = await bundleTests(files);
process.exit(run(process.execPath, ["--enable-source-maps", "--test", `--test-timeout=${PATIENCE_MS}`, ...tests]));
