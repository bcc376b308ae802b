/** dist/do.request: what `moat do CMD` asks of the launcher when it has no flags (cli/plain-do.ts). */
import { execFileSync } from "node:child_process";
import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, dist } from "./bundle.mjs";

export const writePlainRequest = async () => {
  const name = "plain-do";
  await bundle(name, `cli/${name}.ts`);
  const program = join(dist, `${name}.cjs`);
  const request = execFileSync(process.execPath, [program], { env: { ...process.env, NODE_OPTIONS: "" }, timeout: 30_000 });
  for (const file of [program, join(dist, `${name}.bundle.js`)]) rmSync(file);
  const target = join(dist, "do.request");
  writeFileSync(`${target}.new`, request);
  chmodSync(`${target}.new`, 0o644);
  renameSync(`${target}.new`, target);
};
