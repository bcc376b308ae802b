"use strict";
/*
 * Run by `node --build-snapshot` (tools/snapshot.mjs): evaluates dist/NAME.bundle.js, so that its
 * modules are in the snapshot, with the byte code of every function: nothing is parsed or
 * compiled when a sandbox starts.
 */
const { readFileSync } = require("node:fs");
const { dirname } = require("node:path");
const { setFlagsFromString } = require("node:v8");
const { Script } = require("node:vm");

const file = process.argv[process.argv.length - 1];
const source = readFileSync(file, "latin1");
setFlagsFromString("--no-lazy");
const run = new Script(`(function (require, module, exports, __filename, __dirname) {${source}\n})`, { filename: file }).runInThisContext();
// The flags are part of what V8 knows the snapshot by.
setFlagsFromString("--lazy");
const main = { exports: {} };
run(require, main, main.exports, file, dirname(file));
