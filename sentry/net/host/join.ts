/** Makes the sandbox's first network namespace the host's. Namespaces that guests make later have the loopback stack. */
import { sysctlSources } from "../../fs/proc/registries.ts";
import type { Kernel } from "../../kernel.ts";
import { initialNetwork } from "../network-namespace.ts";
import type { Broker } from "./broker.ts";
import { HostStack } from "./host-stack.ts";
import { HostSysctls } from "./host-sysctl.ts";

export const joinHostNetwork = (kernel: Kernel, broker: Broker): void => {
  const net = initialNetwork(kernel);
  net.stack = new HostStack(net, broker);
  sysctlSources.set("net/", new HostSysctls(broker));
};
