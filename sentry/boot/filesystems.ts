/** Makes the filesystem types and device drivers known to the VFS. */
import { registerDevices } from "../fs/dev/dev.ts";
import { registerFifo } from "../fs/pipe/fifo.ts";
import { registerTmpfs } from "../fs/tmpfs/tmpfs.ts";
import type { Kernel } from "../kernel.ts";

export const registerFilesystems = (kernel: Kernel): void => {
  registerTmpfs(kernel);
  registerFifo();
  registerDevices(kernel);
};
