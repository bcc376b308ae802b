/** dist/filters.mjs: the sandbox's own seccomp filters, compiled once (runtime/loader/filters.ts); bundles have it in place of an empty module. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dist, runOnce } from "./bundle.mjs";

const compiled = join(dist, "filters.mjs");

export const compileFilters = async () => {
  writeFileSync(compiled, await runOnce("filters", "runtime/loader/filters.ts"));
};

export const withFilters = {
  name: "compiled filters",
  setup(build) {
    build.onResolve({ filter: /\/precompiled\.ts$/ }, () => ({ path: compiled }));
  },
};
