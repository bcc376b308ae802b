/** Run by the build: compiles the filters that every sandbox has, and prints what native/seccomp/precompiled.ts is to hold. */
import { writeSync } from "node:fs";
import { goferFilter } from "../../gofer/filter.ts";
import { compileFilter } from "../../native/ffi/libseccomp-unsafe.ts";
import { OWN_FDS } from "../../native/ffi/reopen-unsafe.ts";
import { sentryFilter } from "../../sentry/host/filter.ts";
import { insideStub } from "../../sentry/platform/systrap/guest-filter.ts";

const filters = [goferFilter, insideStub, sentryFilter("none", OWN_FDS), sentryFilter("host", OWN_FDS)];
const compiled = filters.map((spec) => [JSON.stringify(spec), Buffer.from(compileFilter(spec)).toString("base64")]);
writeSync(1, `export const precompiled = ${JSON.stringify(Object.fromEntries(compiled))};\n`);
