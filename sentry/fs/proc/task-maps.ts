/** /proc/PID/{maps,smaps,smaps_rollup,numa_maps} (fs/proc/task_mmu.c). */

import type { AddressSpace } from "../../mm/address-space.ts";
import {
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_GROWSDOWN,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_RAND_READ,
  VM_SEALED,
  VM_SEQ_READ,
  VM_SHARED,
  VM_WIPEONFORK,
  type Vma,
} from "../../mm/vma.ts";
import { majorOf, minorOf } from "../../vfs/devices.ts";
import { livingTask, type Subject } from "./task-directory.ts";

/** Where the name starts, less one (seq_setwidth in show_map_vma). */
const NAME_COLUMN = 72;

const hex = (value: number, width: number): string => value.toString(16).padStart(width, "0");

export const mapsLine = (vma: Vma, name: string): string => {
  const device = vma.device;
  const head =
    `${hex(vma.start, 8)}-${hex(vma.end, 8)} ${vma.permissions} ${hex(vma.offset, 8)} ` +
    `${hex(majorOf(device), 2)}:${hex(minorOf(device), 2)} ${vma.ino} `;
  return name === "" ? `${head}\n` : `${head.padEnd(NAME_COLUMN)} ${name.replaceAll("\n", "\\012")}\n`;
};

const areas = (subject: Subject): { mm: AddressSpace; vmas: Iterable<Vma> } | null => {
  const task = livingTask(subject);
  return task === null ? null : { mm: task.mm, vmas: task.mm.vmas() };
};

export const mapsText = (subject: Subject): string => {
  const found = areas(subject);
  if (found === null) return "";
  let text = "";
  for (const vma of found.vmas) text += mapsLine(vma, found.mm.vmaName(vma));
  return text;
};

const VM_FLAG_NAMES: readonly (readonly [number, string])[] = [
  [VM_SHARED, "sh"],
  [VM_MAYREAD, "mr"],
  [VM_MAYWRITE, "mw"],
  [VM_MAYEXEC, "me"],
  [VM_SHARED, "ms"],
  [VM_GROWSDOWN, "gd"],
  [VM_LOCKED, "lo"],
  [VM_SEQ_READ, "sr"],
  [VM_RAND_READ, "rr"],
  [VM_DONTCOPY, "dc"],
  [VM_ACCOUNT, "ac"],
  [VM_NORESERVE, "nr"],
  [VM_WIPEONFORK, "wf"],
  [VM_DONTDUMP, "dd"],
  [VM_HUGEPAGE, "hg"],
  [VM_NOHUGEPAGE, "nh"],
  [VM_MERGEABLE, "mg"],
  [VM_SEALED, "sl"],
];

/** Of vvar and vdso (arch/x86/entry/vdso/vma.c). */
const platformFlagNames = (vma: Vma): string =>
  vma.name === "[vdso]" ? "rd ex mr mw me de " : vma.name === "" ? "" : "rd mr pf io de dd ";

const flagNames = (vma: Vma): string => {
  if (vma.isPlatform) return platformFlagNames(vma);
  let names = "";
  if ((vma.prot & 1) !== 0) names += "rd ";
  if ((vma.prot & 2) !== 0) names += "wr ";
  if ((vma.prot & 4) !== 0) names += "ex ";
  for (const [flag, name] of VM_FLAG_NAMES) {
    // "ms": others may share it for writing.
    if (name === "ms" && (vma.flags & VM_MAYWRITE) === 0) continue;
    if ((vma.flags & flag) !== 0) names += `${name} `;
  }
  return names;
};

interface Counts {
  resident: number;
  anonymous: number;
  shared: number;
  locked: number;
}

const NOTHING: Counts = { resident: 0, anonymous: 0, shared: 0, locked: 0 };

const countOf = (vma: Vma): Counts => {
  if (vma.isPlatform && vma.name !== "[vdso]") return NOTHING;
  // What is reserved for later is not there yet; a file's pages that were written are.
  const isReserved = vma.prot === 0 && (vma.file === null || !vma.mayHaveOwnPages);
  const pages = isReserved ? 0 : Math.round(vma.length / 4096);
  const isLocked = (vma.flags & VM_LOCKED) !== 0;
  return {
    resident: pages,
    anonymous: vma.mayHaveOwnPages && !vma.isPlatform ? pages : 0,
    shared: vma.isShared ? pages : 0,
    locked: isLocked ? pages : 0,
  };
};

const line = (name: string, pages: number): string => `${`${name}:`.padEnd(16)}${String(pages * 4).padStart(8)} kB\n`;

const ZERO_TAIL = [
  "KSM",
  "LazyFree",
  "AnonHugePages",
  "ShmemPmdMapped",
  "FilePmdMapped",
  "Shared_Hugetlb",
  "Private_Hugetlb",
  "Swap",
  "SwapPss",
];

const shareLines = ({ resident, anonymous, shared, locked }: Counts): string => {
  const own = resident - shared;
  const dirty = Math.min(anonymous, own);
  return [
    line("Shared_Clean", shared),
    line("Shared_Dirty", 0),
    line("Private_Clean", own - dirty),
    line("Private_Dirty", dirty),
    line("Referenced", resident),
    line("Anonymous", anonymous),
    ...ZERO_TAIL.map((name) => line(name, 0)),
    line("Locked", locked),
  ].join("");
};

const smapsEntry = (vma: Vma, name: string): string => {
  const counts = countOf(vma);
  return [
    mapsLine(vma, name),
    line("Size", vma.length / 4096),
    line("KernelPageSize", 1),
    line("MMUPageSize", 1),
    line("Rss", counts.resident),
    line("Pss", counts.resident),
    line("Pss_Dirty", Math.min(counts.anonymous, counts.resident)),
    shareLines(counts),
    `${"THPeligible:".padEnd(16)}${"0".padStart(8)}\n`,
    `VmFlags: ${flagNames(vma)}\n`,
  ].join("");
};

export const smapsText = (subject: Subject): string => {
  const found = areas(subject);
  if (found === null) return "";
  let text = "";
  for (const vma of found.vmas) text += smapsEntry(vma, found.mm.vmaName(vma));
  return text;
};

export const smapsRollupText = (subject: Subject): string => {
  const found = areas(subject);
  if (found === null) return "";
  const sum: Counts = { resident: 0, anonymous: 0, shared: 0, locked: 0 };
  let start = -1;
  let end = 0;
  for (const vma of found.vmas) {
    const counts = countOf(vma);
    sum.resident += counts.resident;
    sum.anonymous += counts.anonymous;
    sum.shared += counts.shared;
    sum.locked += counts.locked;
    if (start < 0) start = vma.start;
    end = vma.end;
  }
  if (start < 0) return "";
  const head = `${hex(start, 8)}-${hex(end, 8)} ---p 00000000 00:00 0 `;
  return [
    `${head.padEnd(NAME_COLUMN)} [rollup]\n`,
    line("Rss", sum.resident),
    line("Pss", sum.resident),
    line("Pss_Dirty", sum.anonymous),
    line("Pss_Anon", sum.anonymous),
    line("Pss_File", sum.resident - sum.anonymous),
    line("Pss_Shmem", 0),
    shareLines(sum),
  ].join("");
};

export const numaMapsText = (subject: Subject): string => {
  const found = areas(subject);
  if (found === null) return "";
  let text = "";
  for (const vma of found.vmas) {
    const pages = vma.prot === 0 ? 0 : vma.length / 4096;
    const name = found.mm.vmaName(vma);
    const file = vma.file === null ? (name === "[heap]" ? " heap" : name === "[stack]" ? " stack" : "") : ` file=${name}`;
    const kind = pages === 0 ? "" : vma.file === null ? ` anon=${pages} dirty=${pages}` : ` mapped=${pages}`;
    text += `${hex(vma.start, 8)} default${file}${kind}${pages === 0 ? "" : ` N0=${pages} kernelpagesize_kB=4`}\n`;
  }
  return text;
};
