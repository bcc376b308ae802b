/** Entering a time namespace (kernel/time/namespace.c timens_commit): the vDSO's clocks follow. */
import { hostVdso } from "../../native/ffi/vdso-unsafe.ts";
import { MAP_PRIVATE, PROT_EXEC, PROT_READ } from "../abi/mman.ts";
import { hostFileOf } from "../mm/host-content.ts";
import type { GuestThread, Platform } from "../platform/platform.ts";
import type { Task } from "./task.ts";
import type { TimeNamespace } from "./time-namespace.ts";

const SHT_DYNSYM = 11;
const SECTION_SIZE = 64;
const SYMBOL_SIZE = 24;
/** mov $228,%eax; syscall; ret: clock_gettime(2) for those who call the vDSO's. */
const CALL = [0xb8, 228, 0, 0, 0, 0x0f, 0x05, 0xc3];
const CLOCK_NAMES = new Set(["__vdso_clock_gettime", "clock_gettime"]);

/** The offset of a function in the vDSO's ELF file, whose addresses are offsets. */
const functionsOf = (image: Uint8Array): Set<number> => {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const sections = view.getUint32(40, true);
  const count = view.getUint16(60, true);
  const places = new Set<number>();
  for (let i = 0; i < count; i++) {
    const section = sections + i * SECTION_SIZE;
    if (view.getUint32(section + 4, true) !== SHT_DYNSYM) continue;
    const strings = view.getUint32(sections + view.getUint32(section + 40, true) * SECTION_SIZE + 24, true);
    const start = view.getUint32(section + 24, true);
    const end = start + view.getUint32(section + 32, true);
    for (let symbol = start; symbol < end; symbol += SYMBOL_SIZE) {
      const name = strings + view.getUint32(symbol, true);
      const text = Buffer.from(image.subarray(name, image.indexOf(0, name))).toString("latin1");
      if (CLOCK_NAMES.has(text)) places.add(view.getUint32(symbol + 8, true));
    }
  }
  return places;
};

let callingVdso: number | null = null;

/** A host file: the vDSO with a clock_gettime that asks the kernel. Made from the sentry's own, as a guest can change its copy. */
const callingVdsoFd = (length: number): number => {
  if (callingVdso !== null) return callingVdso;
  const image = hostVdso(length);
  for (const place of functionsOf(image)) image.set(CALL, place);
  const hostFd = hostFileOf(image, 0);
  if (hostFd >= 0) callingVdso = hostFd;
  return hostFd;
};

/** Queues what makes a process ask the kernel for the time: its clocks are not the host's. */
export const useOwnClocks = (platform: Platform, thread: GuestThread): void => {
  const range = platform.reserved.find(({ name }) => name === "[vdso]");
  if (platform.vdsoAddr === 0 || range === undefined) return;
  const length = range.end - range.start;
  thread.ops.mapFile(range.start, length, PROT_READ | PROT_EXEC, MAP_PRIVATE, callingVdsoFd(length), 0);
};

/** The task's clocks are those of `namespace`, from its next instruction on. */
export const enterTimeNamespace = (task: Task, namespace: TimeNamespace): void => {
  if (task.timeNamespace === namespace) return;
  task.timeNamespace = namespace;
  task.childTimeNamespace = namespace;
  namespace.freeze();
  if (!namespace.isHostTime) useOwnClocks(task.kernel.platform, task.thread);
};
