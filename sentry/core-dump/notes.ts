/** The notes of a core file (fs/binfmt_elf.c: fill_note_info): what debuggers know of the process and its threads. */
import { PAGE_SIZE } from "../abi/mman.ts";
import { FXSAVE_SIZE } from "../ptrace/fpu-state.ts";
import { userRegs } from "../ptrace/user-regs.ts";
import { packSignalInfo, type SignalInfo } from "../task/signal-info.ts";
import type { Task } from "../task/task.ts";
import { usageOfTask } from "../task/usage.ts";

const NT_PRSTATUS = 1;
const NT_PRFPREG = 2;
const NT_PRPSINFO = 3;
const NT_AUXV = 6;
const NT_X86_XSTATE = 0x202;
const NT_SIGINFO = 0x5349_4749;
const NT_FILE = 0x4649_4c45;

const PRSTATUS_SIZE = 336;
const PRPSINFO_SIZE = 136;
const PSARGS_SIZE = 80;
const NAME_SIZE = 16;

/** A note, padded to four bytes as the ELF format wants. */
const note = (owner: string, type: number, content: Uint8Array): Uint8Array => {
  const nameLength = owner.length + 1;
  const at = 12 + Math.ceil(nameLength / 4) * 4;
  const bytes = new Uint8Array(at + Math.ceil(content.length / 4) * 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, nameLength, true);
  view.setUint32(4, content.length, true);
  view.setUint32(8, type, true);
  bytes.set(Buffer.from(owner, "latin1"), 12);
  bytes.set(content, at);
  return bytes;
};

const putU64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32) >>> 0, true);
};

/** struct timeval */
const putTime = (view: DataView, at: number, ns: number): void => {
  putU64(view, at, Math.floor(ns / 1e9));
  putU64(view, at + 8, Math.floor((ns % 1e9) / 1000));
};

/** pid, parent, group and session, as the process itself sees them. */
const putIds = (view: DataView, at: number, task: Task): void => {
  const { process } = task;
  const own = process.pidNamespace;
  const parent = process.parent?.leader.pid.in(own) ?? 0;
  [task.pid.in(own), parent, process.group.pid.in(own), process.session.pid.in(own)].forEach((id, index) => {
    view.setUint32(at + index * 4, id, true);
  });
};

/** struct elf_prstatus */
const status = (task: Task, info: SignalInfo, hasFpu: boolean): Uint8Array => {
  const bytes = new Uint8Array(PRSTATUS_SIZE);
  const view = new DataView(bytes.buffer);
  const { signals, process } = task;
  const usage = usageOfTask(task);
  view.setUint32(0, info.signal, true);
  view.setUint16(12, info.signal, true);
  view.setUint32(16, signals.pending.lo, true);
  view.setUint32(20, signals.pending.hi, true);
  view.setUint32(24, signals.maskLo, true);
  view.setUint32(28, signals.maskHi, true);
  putIds(view, 32, task);
  putTime(view, 48, usage.userNs);
  putTime(view, 64, usage.systemNs);
  putTime(view, 80, process.childrenUsage.userNs);
  putTime(view, 96, process.childrenUsage.systemNs);
  bytes.set(userRegs(task), 112);
  view.setUint32(328, hasFpu ? 1 : 0, true);
  return bytes;
};

/** struct elf_prpsinfo */
const processInfo = (task: Task): Uint8Array => {
  const bytes = new Uint8Array(PRPSINFO_SIZE);
  const view = new DataView(bytes.buffer);
  const { mm, creds } = task;
  bytes[1] = "R".charCodeAt(0);
  view.setInt8(3, task.scheduling.nice);
  view.setUint32(16, creds.uid, true);
  view.setUint32(20, creds.gid, true);
  putIds(view, 24, task);
  bytes.set(Buffer.from(task.name.slice(0, NAME_SIZE - 1), "latin1"), 40);
  const length = Math.max(0, Math.min(mm.argEnd - mm.argStart, PSARGS_SIZE - 1));
  const got = task.thread.process.memory.readInto(mm.argStart, bytes, 56, length);
  // Between two arguments is a space; the last one's end stays.
  for (let at = 56; at < 56 + got; at++) if (bytes[at] === 0) bytes[at] = 0x20;
  return bytes;
};

/** NT_FILE: which file is mapped where. */
const fileTable = (task: Task): Uint8Array => {
  const mapped = [...task.mm.vmas()].filter((vma) => vma.file !== null);
  const names = Buffer.from(mapped.map((vma) => `${task.mm.vmaName(vma)}\0`).join(""), "latin1");
  const bytes = new Uint8Array(16 + mapped.length * 24 + names.length);
  const view = new DataView(bytes.buffer);
  putU64(view, 0, mapped.length);
  putU64(view, 8, PAGE_SIZE);
  mapped.forEach((vma, index) => {
    putU64(view, 16 + index * 24, vma.start);
    putU64(view, 24 + index * 24, vma.end);
    putU64(view, 32 + index * 24, Math.floor(vma.offset / PAGE_SIZE));
  });
  bytes.set(names, 16 + mapped.length * 24);
  return bytes;
};

/** All notes: those of the thread that died first, as debuggers take it for the current one. `fpu` is its extended state. */
export const coreNotes = (task: Task, info: SignalInfo, fpu: Uint8Array | null): Uint8Array => {
  const notes = [
    note("CORE", NT_PRSTATUS, status(task, info, fpu !== null)),
    note("CORE", NT_PRPSINFO, processInfo(task)),
    note("CORE", NT_SIGINFO, packSignalInfo(info)),
    note("CORE", NT_AUXV, task.mm.auxv),
    note("CORE", NT_FILE, fileTable(task)),
  ];
  if (fpu !== null) {
    notes.push(note("CORE", NT_PRFPREG, fpu.subarray(0, FXSAVE_SIZE)));
    notes.push(note("LINUX", NT_X86_XSTATE, fpu));
  }
  for (const other of task.process.tasks.values()) {
    if (other !== task && !other.isDead) notes.push(note("CORE", NT_PRSTATUS, status(other, info, false)));
  }
  return Buffer.concat(notes);
};
