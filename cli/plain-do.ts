/**
 * What `moat do CMD` without flags asks for. The build keeps it (tools/plain-request.mjs), and the launcher fills in what
 * differs from call to call (native/launcher/plain.c), so that the most common command needs no Node for the CLI.
 */
import { writeSync } from "node:fs";
import { planDo } from "./do.ts";
import { FOREIGN_OWNER_MAP } from "./owner-map.ts";
import { encodeRequest } from "./request.ts";

const NO_FLAGS = { root: "/", volume: [], overlay: "memory", env: [], network: "none", platform: "systrap" } as const;

/** A string "@name" is a gap. */
const gaps = {
  sandbox: ["argv", "env", "cwd", "uid", "gid", "groups", "hostname", "umask", "terminal"],
  hostFacts: ["cpuinfo", "cpus", "memTotalBytes", "kernelRelease", "kernelVersion"],
  gofer: ["ownerMap"],
};

const withGaps = <T extends object>(object: T, names: readonly string[]): T => ({
  ...object,
  ...Object.fromEntries(names.map((name) => [name, `@${name}`])),
});

const main = async (): Promise<void> => {
  const { config, ...request } = await planDo(["true"], NO_FLAGS);
  const sandbox = withGaps(
    { ...config.sandbox, scheduler: null, hostFacts: withGaps(config.sandbox.hostFacts, gaps.hostFacts) },
    gaps.sandbox,
  );
  const bytes = encodeRequest({ ...request, config: { sandbox, gofer: withGaps(config.gofer, gaps.gofer) } });
  writeSync(1, `owner-map=${JSON.stringify(FOREIGN_OWNER_MAP)}\0`);
  writeSync(1, bytes);
};

main();
