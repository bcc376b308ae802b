/** Builds all of Moat: the launcher with the stub, and the three bundles with their code caches. */
import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildNative } from "./build-native.mjs";
import { bundle, dist, makeCodeCache } from "./bundle.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** native/launcher/programs.c starts sentry and gofer with these. */
const sandboxFlags = ["--disallow-code-generation-from-strings", "--optimize-for-size", "--no-warnings"];

/** As root the sentry runs as nobody, who must be able to read what it is made of, whatever the umask was. */
const makeReadable = (path) => {
  const { mode } = statSync(path);
  const isDirectory = (mode & 0o170000) === 0o040000;
  const wanted = mode | 0o444 | (isDirectory || mode & 0o100 ? 0o111 : 0);
  if (wanted !== mode) chmodSync(path, wanted & 0o7777);
  if (isDirectory) for (const name of readdirSync(path)) makeReadable(join(path, name));
};

const build = async () => {
  rmSync(join(dist, ".stamp"), { force: true });
  await Promise.all([bundle("cli", "cli/main.ts"), bundle("sentry", "sentry/main.ts"), bundle("gofer", "gofer/main.ts")]);
  buildNative();
  makeCodeCache("cli", ["--no-warnings"], ["do", "--strace-log", "/dev/null", "/bin/true"]);
  makeCodeCache("sentry", sandboxFlags, []);
  makeCodeCache("gofer", sandboxFlags, []);
  for (const part of ["dist", "native/build", "node_modules/koffi", "node_modules/@koromix"]) {
    if (existsSync(join(root, part))) makeReadable(join(root, part));
  }
  writeFileSync(join(dist, ".stamp"), "");
};

build().catch((error) => {
  console.error(`moat: the build failed: ${error.message}`);
  process.exit(1);
});
