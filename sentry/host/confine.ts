/** The last step of the sentry's start: from here on it can do no more than the guest kernel needs. */
import { compileFilter, installFilter } from "../../native/ffi/libseccomp-unsafe.ts";
import { openOwnFds } from "../../native/ffi/reopen-unsafe.ts";
import type { SupervisorChannel } from "../../runtime/sandbox/supervisor-channel.ts";
import { sentryFilter } from "./filter.ts";

/**
 * Call it when everything is loaded and before the first guest instruction. Init empties the
 * root directory meanwhile (namespaces, user and capabilities are as they will be since
 * before Node started: native/launcher/programs.c).
 */
export const confine = (channel: SupervisorChannel, network: "none" | "host"): void => {
  // libseccomp is a file: it is loaded while there are files.
  const filter = compileFilter(sentryFilter(network, openOwnFds()));
  channel.confine();
  installFilter(filter, { tsync: true });
};
