/** node benchmarks/gofer.mjs [root]: what one question to the gofer costs. */
import { execFileSync } from "node:child_process";
import { build } from "esbuild";

const outdir = new URL("../dist/bench/", import.meta.url).pathname;
await build({
  entryPoints: ["server", "client"].map((name) => new URL(`gofer/${name}.ts`, import.meta.url).pathname),
  bundle: true,
  platform: "node",
  format: "esm",
  external: ["koffi"],
  outdir,
  outExtension: { ".js": ".mjs" },
});
execFileSync(process.execPath, [`${outdir}client.mjs`, `${outdir}server.mjs`, process.argv[2] ?? "/usr"], { stdio: "inherit" });
