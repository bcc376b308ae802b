"use strict";
/*
 * Stands in for the package "koffi" in the bundles (tools/bundle.mjs): its native part without
 * the JavaScript around it, which finds the platform and warns of old names, and takes 5 ms
 * of each start. The package itself is the fallback.
 */
const load = () => {
  const target = { exports: {} };
  try {
    process.dlopen(target, `${__dirname}/../node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`);
    return target.exports;
  } catch {
    const name = "koffi";
    return require(name);
  }
};

module.exports = load();
