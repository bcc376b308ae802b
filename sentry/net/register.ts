/** Makes the network known to procfs: /proc/net and /proc/sys/net. */
import { procNet, sysctls } from "../fs/proc/registries.ts";
import { networkDevices } from "../fs/sys/network-class.ts";
import { keptSysctls } from "./kept-sysctls.ts";
import { initialNetwork, networkOf } from "./network-namespace.ts";
import { procNetFiles } from "./proc-net.ts";
import { netSysctls } from "./sysctl.ts";

/** Those that the socket layer itself has nothing to say in. */
const stackFiles = [
  "route",
  "arp",
  "igmp",
  "snmp6",
  "protocols",
  "fib_trie",
  "fib_triestat",
  "dev_mcast",
  "igmp6",
  "udplite",
  "udplite6",
  "packet",
];

export const registerNetwork = (): void => {
  networkDevices.list = (kernel, task) => (task === null ? initialNetwork(kernel) : networkOf(task)).stack.interfaces();
  for (const name of new Set([...procNetFiles.keys(), ...stackFiles])) {
    const own = procNetFiles.get(name);
    procNet.set(name, (task) => networkOf(task).stack.procText(name) ?? own?.(task) ?? null);
  }
  for (const [path, knob] of keptSysctls) sysctls.set(path, knob);
  for (const [path, knob] of netSysctls) sysctls.set(path, knob);
};
