/** The knobs of /proc/sys that an IPC namespace obeys (ipc/ipc_sysctl.c, ipc/mq_sysctl.c). */
import { INT_MAX } from "../../syscall-tables/limits.ts";
import { EINVAL, type Errno } from "../abi/errno.ts";
import { type Sysctl, sysctls } from "../fs/proc/registries.ts";
import { type IpcLimits, ipcNamespaceOf } from "./ipc-namespace.ts";

const NUMBER = /^\d{1,20}$/;
/** IPCMNI: what an id can name. */
const OBJECTS_MAX = 32768;

/** Linux's default, ULONG_MAX - 2^24, is one less than the double that stands for it. */
const ULONG_MAX_LESS_2_24 = 2 ** 64 - 2 ** 24;

/** Shown without rounding: shmmax and shmall are larger than a double tells apart. */
const shown = (value: number): string => (value >= ULONG_MAX_LESS_2_24 ? "18446744073692774399" : BigInt(value).toString());

const knob = (keys: readonly (keyof IpcLimits)[], least: number, most: number): Sysctl => ({
  read: (task) => `${keys.map((key) => shown(ipcNamespaceOf(task).limits[key])).join("\t")}\n`,
  write: (text, task): 0 | Errno => {
    const words = text.trim().split(/\s+/);
    if (words.length > keys.length || !words.every((word) => NUMBER.test(word))) return EINVAL;
    const values = words.map(Number);
    if (!values.every((value) => value >= least && value <= most)) return EINVAL;
    const { limits } = ipcNamespaceOf(task);
    values.forEach((value, index) => {
      limits[keys[index]] = value;
    });
    return 0;
  },
});

export const registerIpcSysctls = (): void => {
  sysctls.set("kernel/msgmax", knob(["msgmax"], 0, INT_MAX));
  sysctls.set("kernel/msgmnb", knob(["msgmnb"], 0, INT_MAX));
  sysctls.set("kernel/msgmni", knob(["msgmni"], 0, OBJECTS_MAX));
  sysctls.set("kernel/sem", knob(["semmsl", "semmns", "semopm", "semmni"], 0, INT_MAX));
  sysctls.set("kernel/shmmax", knob(["shmmax"], 0, 2 ** 64));
  sysctls.set("kernel/shmall", knob(["shmall"], 0, 2 ** 64));
  sysctls.set("kernel/shmmni", knob(["shmmni"], 0, OBJECTS_MAX));
  sysctls.set("kernel/shm_rmid_forced", knob(["shmRmidForced"], 0, 1));
  sysctls.set("fs/mqueue/queues_max", knob(["queuesMax"], 0, INT_MAX));
  sysctls.set("fs/mqueue/msg_max", knob(["mqMessagesMax"], 1, 65536));
  sysctls.set("fs/mqueue/msg_default", knob(["mqMessagesDefault"], 1, 65536));
  sysctls.set("fs/mqueue/msgsize_max", knob(["mqBytesMax"], 128, 16 * 1024 * 1024));
  sysctls.set("fs/mqueue/msgsize_default", knob(["mqBytesDefault"], 128, 16 * 1024 * 1024));
};
