/** The sentry's start: take what init hands over, build the kernel, confine this process, run the guest. */
import { calmHelperThreads } from "../native/ffi/helper-threads-unsafe.ts";
import { startProgram } from "../native/start/at-start.ts";
import { parseSandboxConfig, SENTRY_GOFER_FD, SENTRY_ZYGOTE_FD } from "../runtime/sandbox/config.ts";
import { SupervisorChannel } from "../runtime/sandbox/supervisor-channel.ts";
import { relayContainer } from "./boot/relay.ts";
import { runSandbox } from "./boot/sandbox.ts";
import { optimiseLate } from "./loop/demand.ts";
import { compileGuestFilter } from "./platform/systrap/guest-filter.ts";
import { SystrapPlatform } from "./platform/systrap/systrap.ts";

const main = (): void => {
  optimiseLate();
  calmHelperThreads();
  const supervisor = new SupervisorChannel();
  try {
    // The zygote sets itself up while the CLI still reads the flags.
    const platform = new SystrapPlatform();
    platform.start(SENTRY_ZYGOTE_FD, compileGuestFilter());
    const start = supervisor.receiveStart();
    if (start.joinFd >= 0) relayContainer(supervisor, start);
    runSandbox(platform, supervisor, SENTRY_GOFER_FD, parseSandboxConfig(start.configJson), start);
  } catch (error) {
    supervisor.fatal(error instanceof Error ? error.message : String(error));
  }
};

startProgram(main);
