"use strict";
/*
 * Stands in for the package "koffi" in the bundles (tools/bundle.mjs): its native part without
 * the JavaScript around it, which finds the platform and warns of old names, and takes 5 ms
 * of each start. The package itself is the fallback.
 */
const { dirname } = require("node:path");
const { startupSnapshot } = require("node:v8");

const load = () => {
  const target = { exports: {} };
  try {
    process.dlopen(
      target,
      `${dirname(process.argv[1])}/../node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`,
    );
    return target.exports;
  } catch {
    const name = "koffi";
    return require(name);
  }
};

// Loaded when it is used first: a snapshot of the heap has no native code (native/start/at-start.ts).
module.exports.load = (library) => {
  if (startupSnapshot.isBuildingSnapshot())
    throw new Error("a module makes a host call when it is evaluated: see native/start/at-start.ts");
  Object.assign(module.exports, load());
  return module.exports.load(library);
};
