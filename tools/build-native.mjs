/** Compiles native/launcher and native/stub with the system's C compiler into native/build/moat-launcher. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildStub } from "../native/stub/build.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sourceDir = join(root, "native/launcher");
const buildDir = join(root, "native/build");
const flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-fno-plt", "-D_FORTIFY_SOURCE=2"];

/** The compiler's name; ends the build with the package to install when there is none. */
export const findCompiler = () => {
  const cc = process.env.CC || "cc";
  if (spawnSync(cc, ["--version"], { stdio: "ignore" }).error) {
    throw new Error(`no C compiler: "${cc}" does not run; install one, for instance: apt-get install gcc libc6-dev`);
  }
  return cc;
};

export const buildNative = () => {
  const cc = findCompiler();
  mkdirSync(buildDir, { recursive: true });
  const stub = buildStub(cc, buildDir);
  const sources = readdirSync(sourceDir).filter((name) => name.endsWith(".c"));
  // Linked beside and renamed: a running sandbox keeps its own file.
  const output = join(buildDir, "moat-launcher");
  const fresh = `${output}.${process.pid}`;
  execFileSync(cc, [...flags, ...sources, ...stub, "-o", fresh], { cwd: sourceDir, stdio: ["ignore", "inherit", "inherit"] });
  chmodSync(fresh, 0o755);
  renameSync(fresh, output);
  return output;
};

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    buildNative();
  } catch (error) {
    console.error(`moat: the native build failed: ${error.message}`);
    process.exit(1);
  }
}
