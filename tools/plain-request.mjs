/** dist/do.request: what `moat do CMD` asks of the launcher when it has no flags (cli/plain-do.ts). */
import { chmodSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dist, runOnce } from "./bundle.mjs";

export const writePlainRequest = async () => {
  const target = join(dist, "do.request");
  writeFileSync(`${target}.new`, await runOnce("plain-do", "cli/plain-do.ts"));
  chmodSync(`${target}.new`, 0o644);
  renameSync(`${target}.new`, target);
};
