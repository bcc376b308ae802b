/** /proc/PID/status (proc_pid_status(5), fs/proc/array.c). */

import { RLIMIT_SIGPENDING } from "../../../syscall-tables/flags/process.ts";
import type { Task } from "../../task/task.ts";
import { usageOf, usageOfTask } from "../../task/usage.ts";
import { cpuMask, cpuRanges, possibleCpus } from "./host-facts.ts";
import { livingTask, type Subject } from "./task-directory.ts";
import { estimatedAnonymous, parentPid, residentPages, stateName } from "./task-state.ts";

export const hex64 = (lo: number, hi: number): string =>
  (hi >>> 0).toString(16).padStart(8, "0") + (lo >>> 0).toString(16).padStart(8, "0");

/** A command name on one line (ESCAPE_SPACE | ESCAPE_SPECIAL of string_escape_str: newline and backslash). */
const escapedName = (name: string): string => name.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

const kb = (name: string, pages: number): string => `${name}\t${String(pages * 4).padStart(8)} kB\n`;

const memoryLines = (task: Task): string => {
  const { mm } = task;
  const resident = residentPages(task);
  const anonymous = Math.min(resident, estimatedAnonymous(mm));
  const text = Math.ceil((mm.codeEnd - mm.codeStart) / 4096);
  return [
    kb("VmPeak:", mm.peakPages),
    kb("VmSize:", mm.totalPages),
    kb("VmLck:", mm.lockedPages),
    kb("VmPin:", 0),
    kb("VmHWM:", resident),
    kb("VmRSS:", resident),
    kb("RssAnon:", anonymous),
    kb("RssFile:", resident - anonymous),
    kb("RssShmem:", 0),
    kb("VmData:", mm.dataPages),
    kb("VmStk:", mm.stackPages),
    kb("VmExe:", text),
    kb("VmLib:", Math.max(0, mm.execPages - text)),
    kb("VmPTE:", 11 + Math.ceil(mm.totalPages / 512)),
    kb("VmSwap:", 0),
    kb("HugetlbPages:", 0),
    "CoreDumping:\t0\n",
    `THP_enabled:\t${task.process.isThpDisabled ? 0 : 1}\n`,
    "untag_mask:\t0xffffffffffffffff\n",
  ].join("");
};

const signalLines = (subject: Subject): string => {
  const { task } = subject;
  const { process, signals } = task;
  const { ignoredLo, ignoredHi, caughtLo, caughtHi } = process.actions.summary();
  const account = subject.fs.kernel.pids.users.of(task.creds.uid);
  const limit = process.limits.get(RLIMIT_SIGPENDING).soft;
  return [
    `SigQ:\t${account.pendingSignals}/${Number.isFinite(limit) ? limit : "18446744073709551615"}\n`,
    `SigPnd:\t${hex64(signals.pending.lo, signals.pending.hi)}\n`,
    `ShdPnd:\t${hex64(process.pending.lo, process.pending.hi)}\n`,
    `SigBlk:\t${hex64(signals.maskLo, signals.maskHi)}\n`,
    `SigIgn:\t${hex64(ignoredLo, ignoredHi)}\n`,
    `SigCgt:\t${hex64(caughtLo, caughtHi)}\n`,
  ].join("");
};

const numbersBelow = (numbers: readonly number[], level: number): string => numbers.slice(level).join("\t");

export const statusText = (subject: Subject, reader: Task): string => {
  const { fs, task, scope } = subject;
  const { process, creds } = task;
  const { level } = fs.pids;
  const ns = reader.creds.userNamespace;
  const uids = [creds.uid, creds.euid, creds.suid, creds.fsuid].map((id) => ns.showUid(id)).join("\t");
  const gids = [creds.gid, creds.egid, creds.sgid, creds.fsgid].map((id) => ns.showGid(id)).join("\t");
  const groups = creds.groups.map((id) => ns.showGid(id)).join(" ");
  const living = livingTask(subject);
  const usage = scope === "process" ? usageOf(process) : usageOfTask(task);
  const { affinity } = task.scheduling;
  const mayRun = (cpu: number): boolean =>
    fs.facts.cpus.includes(cpu) && (affinity === null || ((affinity[cpu >> 5] >>> (cpu & 31)) & 1) === 1);
  const cpuCount = possibleCpus(fs.facts);
  return [
    `Name:\t${escapedName(task.name)}\n`,
    living === null ? "" : `Umask:\t${living.fs.umask.toString(8).padStart(4, "0")}\n`,
    `State:\t${stateName(task)}\n`,
    `Tgid:\t${process.leader.pid.in(fs.pids)}\n`,
    "Ngid:\t0\n",
    `Pid:\t${task.pid.in(fs.pids)}\n`,
    `PPid:\t${parentPid(subject)}\n`,
    `TracerPid:\t${task.trace?.tracer.pid.in(fs.pids) ?? 0}\n`,
    `Uid:\t${uids}\n`,
    `Gid:\t${gids}\n`,
    `FDSize:\t${living === null ? 0 : fdSize(living.files.end)}\n`,
    `Groups:\t${groups} \n`,
    `NStgid:\t${numbersBelow(process.leader.pid.numbers, level)}\n`,
    `NSpid:\t${numbersBelow(task.pid.numbers, level)}\n`,
    `NSpgid:\t${numbersBelow(process.group.pid.numbers, level)}\n`,
    `NSsid:\t${numbersBelow(process.session.pid.numbers, level)}\n`,
    "Kthread:\t0\n",
    living === null ? "" : memoryLines(living),
    `Threads:\t${Math.max(1, process.tasks.size)}\n`,
    signalLines(subject),
    `CapInh:\t${creds.capInheritable}\n`,
    `CapPrm:\t${creds.capPermitted}\n`,
    `CapEff:\t${creds.capEffective}\n`,
    `CapBnd:\t${creds.capBounding}\n`,
    `CapAmb:\t${creds.capAmbient}\n`,
    `NoNewPrivs:\t${task.noNewPrivileges ? 1 : 0}\n`,
    `Seccomp:\t${task.seccomp?.mode ?? 0}\n`,
    `Seccomp_filters:\t${task.seccomp?.count ?? 0}\n`,
    "Speculation_Store_Bypass:\tvulnerable\n",
    "SpeculationIndirectBranch:\talways enabled\n",
    `Cpus_allowed:\t${cpuMask(mayRun, cpuCount)}\n`,
    `Cpus_allowed_list:\t${cpuRanges(mayRun, cpuCount)}\n`,
    "Mems_allowed:\t00000000,00000001\n",
    "Mems_allowed_list:\t0\n",
    `voluntary_ctxt_switches:\t${usage.voluntarySwitches}\n`,
    `nonvoluntary_ctxt_switches:\t${usage.involuntarySwitches}\n`,
  ].join("");
};

/** The table grows from 64 by doubling. */
const fdSize = (end: number): number => {
  let size = 64;
  while (size < end) size *= 2;
  return size;
};
