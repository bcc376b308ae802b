/** Makes the network known to procfs: /proc/net and /proc/sys/net. */
import { procNet, sysctls } from "../fs/proc/registries.ts";
import { procNetFiles } from "./proc-net.ts";
import { netSysctls } from "./sysctl.ts";

export const registerNetwork = (): void => {
  for (const [name, text] of procNetFiles) procNet.set(name, text);
  for (const [path, knob] of netSysctls) sysctls.set(path, knob);
};
