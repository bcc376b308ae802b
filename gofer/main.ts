/** The gofer process: takes its trees from init, confines itself and serves the sentry. */

import { calmHelperThreads } from "../native/ffi/helper-threads-unsafe.ts";
import { compileFilter, installFilter } from "../native/ffi/libseccomp-unsafe.ts";
import { findStartMemory } from "../native/ffi/start-memory-unsafe.ts";
import { hostCall3 } from "../native/ffi/syscall-unsafe.ts";
import { startProgram } from "../native/start/at-start.ts";
import { optimiseAfter } from "../native/start/optimiser.ts";
import { GOFER_SENTRY_FD, GOFER_SUPERVISOR_FD, parseStartConfig } from "../runtime/sandbox/config.ts";
import { SupervisorChannel } from "../runtime/sandbox/supervisor-channel.ts";
import { goferFilter } from "./filter.ts";
import { FileServer, serve } from "./server/server.ts";
import { warmUp } from "./server/warm-up.ts";

/** Two and a half times as much as V8 itself thinks right: a short program has its CPUs taken by the optimiser for longer than it gains. */
const BUDGET_BYTES = 330_000;

const main = (): number => {
  optimiseAfter(BUDGET_BYTES, 3, 81);
  calmHelperThreads();
  const supervisor = new SupervisorChannel(GOFER_SUPERVISOR_FD);
  try {
    const { configJson, treeFds } = supervisor.receiveStart();
    const { trees, ownerMap } = parseStartConfig(configJson).gofer;
    if (trees.length !== treeFds.length) throw new Error(`${treeFds.length} trees came, ${trees.length} are configured`);
    const server = new FileServer({ trees: trees.map((tree, index) => ({ ...tree, fd: treeFds[index] })), ownerMap });
    const filter = compileFilter(goferFilter);
    // The sentry is still busy with its own start.
    findStartMemory()();
    warmUp(server);
    supervisor.confine();
    installFilter(filter, { tsync: true });
    return serve(server, GOFER_SENTRY_FD);
  } catch (error) {
    return supervisor.fatal(`gofer: ${error instanceof Error ? error.message : String(error)}`);
  }
};

const SYS_exit_group = 231;

startProgram(() => {
  // Not process.exit(): Node's own end closes its event loop, for which newer ones ask io_uring, which is not allowed here.
  hostCall3(SYS_exit_group, main());
});
