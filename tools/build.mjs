/** Builds what `moat` runs: the three bundles with their code caches and snapshots, the plain request, and the launcher. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildNative } from "./build-native.mjs";
import { bundle, dist, makeCodeCache } from "./bundle.mjs";
import { compileFilters, withFilters } from "./filters.mjs";
import { writePlainRequest } from "./plain-request.mjs";
import { removeSnapshots, startOfNode, takeSnapshot } from "./snapshot.mjs";
import { writeStamp } from "./stamp.mjs";

const begin = new Date();
rmSync(join(dist, ".stamp"), { force: true });
await compileFilters();
await Promise.all([
  bundle("cli", "cli/main.ts"),
  bundle("sentry", "sentry/main.ts", [withFilters]),
  bundle("gofer", "gofer/main.ts", [withFilters]),
]);
buildNative();
await writePlainRequest();
const { key, confinedFlags, cliFlags } = startOfNode();
removeSnapshots();
const programs = { cli: cliFlags, sentry: confinedFlags, gofer: confinedFlags };
for (const [name, flags] of Object.entries(programs)) {
  makeCodeCache(name, flags);
  takeSnapshot(name, flags, key);
}
// Last, because it says that all of the above is there.
writeStamp(join(dist, ".stamp"), begin);
