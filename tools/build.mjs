/** Builds what `moat` runs: the three bundles with their code caches, and the launcher. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildNative } from "./build-native.mjs";
import { bundle, dist, makeCodeCache } from "./bundle.mjs";

/** The flags native/launcher/programs.c starts sentry and gofer with: a code cache is good for one set of flags only. */
const CONFINED_FLAGS = ["--disallow-code-generation-from-strings", "--optimize-for-size", "--initial-old-space-size=96", "--no-warnings"];

rmSync(join(dist, ".stamp"), { force: true });
await Promise.all([bundle("cli", "cli/main.ts"), bundle("sentry", "sentry/main.ts"), bundle("gofer", "gofer/main.ts")]);
buildNative();
makeCodeCache("cli", ["--no-warnings"], ["do", "/bin/true"]);
makeCodeCache("sentry", CONFINED_FLAGS, ["--load-only"]);
makeCodeCache("gofer", CONFINED_FLAGS, ["--load-only"]);
// Last, because it says that all of the above is there.
writeFileSync(join(dist, ".stamp"), "");
