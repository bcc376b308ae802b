/** Bundles a program into dist/NAME.bundle.js, beside the loader that runs it from a code cache. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { openPrivateNames } from "./open-private-names.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const dist = join(root, "dist");

/** As root the sentry runs as nobody, who must be able to read what it is made of, whatever the umask is. */
const READABLE = 0o644;

const alias = { koffi: "./native/ffi/koffi-direct.cjs" };

// V8 defines each field of a base class with many subclasses by a slow call; assigning it is quick.
const tsconfigRaw = { compilerOptions: { target: "es2022", useDefineForClassFields: false } };

/** Builds under another name and renames: a sandbox that starts meanwhile sees the old file or the new one. */
export const bundle = async (name, entry, plugins = []) => {
  mkdirSync(dist, { recursive: true });
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    charset: "ascii",
    legalComments: "none",
    alias,
    plugins,
    tsconfigRaw,
    write: false,
    logLevel: "warning",
  });
  const { code } = await transform(openPrivateNames(outputFiles[0].text), {
    // Fields that were private are assigned, too.
    loader: "ts",
    target: "node20",
    charset: "ascii",
    legalComments: "none",
    minifyWhitespace: true,
    minifySyntax: true,
    tsconfigRaw,
  });
  const target = join(dist, `${name}.bundle.js`);
  writeFileSync(`${target}.new`, code);
  chmodSync(`${target}.new`, READABLE);
  renameSync(`${target}.new`, target);
  const loader = join(dist, `${name}.cjs`);
  copyFileSync(join(root, "runtime/loader/loader.cjs"), `${loader}.new`);
  chmodSync(`${loader}.new`, READABLE);
  renameSync(`${loader}.new`, loader);
};

/** What a program of the build's own prints. */
export const runOnce = async (name, entry) => {
  await bundle(name, entry);
  const program = join(dist, `${name}.cjs`);
  const output = execFileSync(process.execPath, [program], { env: { ...process.env, NODE_OPTIONS: "" }, timeout: 30_000 });
  for (const file of [program, join(dist, `${name}.bundle.js`)]) rmSync(file);
  return output;
};

/**
 * Runs the program once with the flags it will run with (V8 refuses caches made with others)
 * and keeps what it compiled.
 */
export const makeCodeCache = (name, flags) => {
  const env = { ...process.env, MOAT_CODE_CACHE: "make", NODE_OPTIONS: "" };
  const result = spawnSync(process.execPath, [...flags, join(dist, `${name}.cjs`), "--load-only"], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 30_000,
  });
  if (result.status !== 0) throw new Error(`${name} did not make its code cache (exit status ${result.status})`);
  chmodSync(join(dist, `${name}.bundle.js.cache`), READABLE);
};
