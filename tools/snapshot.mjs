/**
 * Takes the snapshots that sentry, gofer and CLI start from (docs/adr/0011-snapshots.md). Moat runs
 * without them too, from the bundles with their code caches, where Node cannot make or load one.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { dist } from "./bundle.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the launcher starts Node with: it is said there, once. */
export const startOfNode = () => {
  const launcher = join(root, "native/build/moat-launcher");
  const [key, ...lists] = execFileSync(launcher, [process.execPath, dist, "--start-of-node"], { encoding: "utf8" }).trim().split("\n");
  const [confinedFlags, cliFlags] = lists.map((list) => list.trim().split(" "));
  return { key, confinedFlags, cliFlags };
};

const node = (args) =>
  spawnSync(process.execPath, args, {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    timeout: 60_000,
  });

/** Those of other Nodes and of earlier builds. */
export const removeSnapshots = () => {
  for (const name of readdirSync(dist)) if (name.endsWith(".snapshot") || name.endsWith(".snapshot.new")) rmSync(join(dist, name));
};

export const takeSnapshot = (name, flags, key) => {
  const snapshot = join(dist, `${name}.${key}.snapshot`);
  const fresh = `${snapshot}.new`;
  const start = [...flags, "--snapshot-blob", fresh];
  const built = node([...start, "--build-snapshot", join(root, "runtime/loader/snapshot.cjs"), join(dist, `${name}.bundle.js`)]);
  const tried = built.status === 0 ? node([...start, join(dist, `${name}.cjs`), "--load-only"]) : built;
  if (tried.status !== 0) {
    rmSync(fresh, { force: true });
    const reason = /^.*(?:Error|Warning|fail|Check).*$/im.exec(tried.stderr)?.[0] ?? tried.stderr;
    console.error(`moat: no snapshot of ${name}, it will start a little slower: ${reason}`);
    return;
  }
  chmodSync(fresh, 0o644);
  renameSync(fresh, snapshot);
};
