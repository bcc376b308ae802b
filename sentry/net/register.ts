/** Makes the network known to procfs: /proc/net and /proc/sys/net. */
import { procNet, sysctls } from "../fs/proc/registries.ts";
import { keptSysctls } from "./kept-sysctls.ts";
import { networkOf } from "./network-namespace.ts";
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
  for (const name of new Set([...procNetFiles.keys(), ...stackFiles])) {
    const own = procNetFiles.get(name);
    procNet.set(name, (task) => networkOf(task).stack.procText(name) ?? own?.(task) ?? null);
  }
  for (const [path, knob] of keptSysctls) sysctls.set(path, knob);
  for (const [path, knob] of netSysctls) sysctls.set(path, knob);
};
