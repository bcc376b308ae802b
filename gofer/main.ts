/** The gofer's process: gets its trees from init, confines itself, serves the sentry until the channel closes. */
import { compileFilter, installFilter } from "../native/ffi/libseccomp-unsafe.ts";
import { GOFER_SENTRY_FD, parseStartConfig } from "../runtime/sandbox/config.ts";
import { SupervisorChannel } from "../runtime/sandbox/supervisor-channel.ts";
import { goferFilter } from "./filter.ts";
import { goferMain } from "./server/server.ts";

const main = (): void => {
  const filter = compileFilter(goferFilter);
  const channel = new SupervisorChannel();
  const { configJson, treeFds } = channel.receiveStart();
  const { trees, ownerMap } = parseStartConfig(configJson).gofer;
  const status = goferMain({
    channelFd: GOFER_SENTRY_FD,
    trees: trees.map(({ readOnly }, index) => ({ fd: treeFds[index], readOnly })),
    ownerMap,
    beforeServing: () => {
      channel.confine();
      installFilter(filter, { tsync: true });
    },
  });
  process.exit(status);
};

// tools/build.mjs runs the bundle once only to compile it.
if (!process.argv.includes("--load-only")) main();
