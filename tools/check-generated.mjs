/** Fails when a generated file differs from what `npm run generate` would write. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { generate, root } from "./generate.mjs";

for (const [path, text] of await generate()) {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  console.error(`${path} is stale: run npm run generate`);
  process.exitCode = 1;
}
