import { EFAULT } from "../../abi/errno.ts";
import { loadAverages, usedMemory } from "../../fs/proc/system-load.ts";
import { machine } from "../../task/machine.ts";
import { implement } from "../implement.ts";

const SYSINFO_SIZE = 112;
/** SI_LOAD_SHIFT: fixed point of the load averages. */
const LOAD_UNIT = 65536;

/** sysinfo(2) */
export const sys_sysinfo = implement("sysinfo", { level: "full" }, (task, addr) => {
  const { clock, pids } = task.kernel;
  const bytes = new Uint8Array(SYSINFO_SIZE);
  const view = new DataView(bytes.buffer);
  const put = (at: number, value: number): void => {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  };
  put(0, Math.ceil((clock.monotonicNs() + clock.bootOffsetNs + task.timeNamespace.boottimeNs) / 1e9));
  const { averages, tasks } = loadAverages(clock, pids);
  averages.forEach((load, index) => {
    put(8 + index * 8, Math.floor(load * LOAD_UNIT));
  });
  put(32, machine.memTotalBytes);
  put(40, Math.max(0, machine.memTotalBytes - usedMemory(pids)));
  view.setUint16(80, Math.min(tasks, 0xffff), true);
  view.setUint32(104, 1, true);
  return task.memory.copyOut(addr, bytes) < 0 ? EFAULT : 0;
});
