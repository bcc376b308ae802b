/** AF_PACKET (packet(7)) with the host's network: its frames are not the sandbox's to see. */

import { CAP_NET_RAW } from "../../../syscall-tables/flags/system.ts";
import { EAFNOSUPPORT, EPERM, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { NetworkNamespace } from "../network-namespace.ts";

/** Why socket(2) fails: without CAP_NET_RAW as on Linux, with it because nothing serves the family. */
export const packetSocketError = (task: Task, net: NetworkNamespace): Errno =>
  task.creds.hasIn(net.userNamespace, CAP_NET_RAW) ? EAFNOSUPPORT : EPERM;
