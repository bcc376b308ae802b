"use strict";
/*
 * Copied to dist/NAME.cjs: runs dist/NAME.bundle.js from V8's code cache, which saves most of
 * the time to parse it. A cache of another Node or other flags is ignored by V8.
 */
const major = Number(process.versions.node.split(".")[0]);
if (major < 20) {
  process.stderr.write(`moat: Node.js 20 or newer is needed; this is ${process.version}\n`);
  process.exit(125);
}
const { readFileSync, writeFileSync } = require("node:fs");
const { Script } = require("node:vm");

const file = __filename.replace(/\.cjs$/, ".bundle.js");
let cachedData;
try {
  cachedData = readFileSync(`${file}.cache`);
} catch {
  // Not made yet.
}
const source = readFileSync(file, "latin1");
const script = new Script(`(function (require, module, exports, __filename, __dirname) {${source}\n})`, { filename: file, cachedData });
const run = script.runInThisContext();
if (process.env.MOAT_CODE_CACHE === "make") {
  // tools/build.mjs asks. The program runs first, so that what it compiles is cached too.
  process.on("exit", () => {
    writeFileSync(`${file}.cache`, script.createCachedData());
  });
}
run(require, module, exports, file, __dirname);
