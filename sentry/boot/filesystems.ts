/** Makes the filesystem types and device drivers known to the VFS. */

import { registerCgroupfs } from "../fs/cgroup/cgroupfs.ts";
import { registerDevices } from "../fs/dev/dev.ts";
import { registerMqueue } from "../fs/mqueue/mqueue.ts";
import { registerFifo } from "../fs/pipe/fifo.ts";
import { registerProcfs } from "../fs/proc/procfs.ts";
import { registerSysfs } from "../fs/sys/sysfs.ts";
import { registerRamfs } from "../fs/tmpfs/ramfs.ts";
import { registerTmpfs } from "../fs/tmpfs/tmpfs.ts";
import type { MoatKernel } from "./moat-kernel.ts";

export const registerFilesystems = (kernel: MoatKernel): void => {
  registerTmpfs(kernel);
  registerRamfs(kernel);
  registerFifo();
  registerDevices(kernel);
  registerProcfs(kernel, kernel.facts);
  registerMqueue(kernel);
  registerSysfs(kernel, kernel.facts);
  registerCgroupfs(kernel);
};
