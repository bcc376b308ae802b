/** Writes every checked-in file that is derived from others. check-generated.mjs fails when one is stale. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { layoutSource } from "./generate-layout.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The bundle lies below node_modules so that the packages it leaves external are found. */
const load = async (contents) => {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "generate-"));
  try {
    const outfile = join(directory, "tables.mjs");
    await build({
      stdin: { contents, resolveDir: root, loader: "ts" },
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      target: "node20",
      outfile,
      logLevel: "error",
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** path below the root → text */
export const generate = async () => {
  const handlers = "sentry/syscalls/index.ts";
  const { prefetchHeader, syscallsPage, implementations } = await load(`
    export { prefetchHeader, syscallsPage } from "./tools/generate-tables.ts";
    ${existsSync(join(root, handlers)) ? `export { implementations } from "./${handlers}";` : "export const implementations = [];"}
  `);
  return new Map([
    ["native/stub/prefetch.generated.h", prefetchHeader()],
    ["sentry/platform/systrap/layout.generated.ts", layoutSource()],
    ["docs/syscalls.md", syscallsPage(implementations)],
  ]);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of await generate()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
