/** Files under /proc/PID that set something: comm, oom_*, timerslack_ns, uid_map, gid_map, setgroups and the like. */

import { CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN, CAP_SYS_NICE, CAP_SYS_RESOURCE } from "../../../syscall-tables/flags/system.ts";
import { TASK_COMM_LEN } from "../../../syscall-tables/limits.ts";
import { EACCES, EINVAL, EPERM, ESRCH } from "../../abi/errno.ts";
import type { Process } from "../../task/process.ts";
import type { Task } from "../../task/task.ts";
import { type IdExtent, INVALID_ID, type UserNamespace } from "../../task/user-namespace.ts";
import { livingTask, type Subject } from "./task-directory.ts";
import { residentPages } from "./task-state.ts";

const OOM_SCORE_ADJ_MIN = -1000;
const OOM_SCORE_ADJ_MAX = 1000;
const OOM_DISABLE = -17;
const OOM_ADJUST_MAX = 15;
/** At most as many lines in a map (UID_GID_MAP_MAX_EXTENTS). */
const MAP_MAX_EXTENTS = 340;

/** A whole number as kstrtoint(…, 0) reads it after strstrip. */
export const parseInteger = (text: string): number => {
  const match = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\s*\0?$/.exec(text);
  if (match === null) return Number.NaN;
  const digits = match[2];
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return match[1] === "-" ? -value : value;
};

export const commText = ({ task }: Subject): string => `${task.name}\n`;

/** Threads of the same process only (comm_write). */
export const storeComm = (text: string, { task }: Subject, writer: Task): number => {
  if (writer.process !== task.process) return EINVAL;
  const end = text.search(/\0|$/);
  task.name = text.slice(0, Math.min(end, TASK_COMM_LEN - 1));
  return 0;
};

export const oomScoreAdjText = ({ task }: Subject): string => `${task.process.oomScoreAdj}\n`;

const setOomScoreAdj = (process: Process, value: number, writer: Task): number => {
  // Lower than before: the process would be spared at the cost of others.
  if (value < process.oomScoreAdj && !writer.creds.has(CAP_SYS_RESOURCE)) return EACCES;
  process.oomScoreAdj = value;
  return 0;
};

export const storeOomScoreAdj = (text: string, { task }: Subject, writer: Task): number => {
  const value = parseInteger(text);
  if (!(value >= OOM_SCORE_ADJ_MIN && value <= OOM_SCORE_ADJ_MAX)) return EINVAL;
  return setOomScoreAdj(task.process, value, writer);
};

export const oomAdjText = ({ task }: Subject): string => {
  const score = task.process.oomScoreAdj;
  if (score === OOM_SCORE_ADJ_MAX) return `${OOM_ADJUST_MAX}\n`;
  return `${Math.min(OOM_ADJUST_MAX, Math.trunc((score * -OOM_DISABLE) / OOM_SCORE_ADJ_MAX))}\n`;
};

export const storeOomAdj = (text: string, { task }: Subject, writer: Task): number => {
  const value = parseInteger(text);
  if (value !== OOM_DISABLE && !(value >= -16 && value <= OOM_ADJUST_MAX)) return EINVAL;
  const score = value === OOM_ADJUST_MAX ? OOM_SCORE_ADJ_MAX : Math.trunc((value * OOM_SCORE_ADJ_MAX) / -OOM_DISABLE);
  return setOomScoreAdj(task.process, score, writer);
};

/** oom_badness() scaled as fs/proc/base.c proc_oom_score does: 0..2000, 666 for a small process. */
export const oomScoreText = (subject: Subject): string => {
  const task = livingTask(subject);
  const { oomScoreAdj } = subject.task.process;
  if (task === null || oomScoreAdj === OOM_SCORE_ADJ_MIN) return "0\n";
  const total = subject.fs.facts.memTotalBytes / 4096;
  const badness = (residentPages(task) * 1000) / total + oomScoreAdj;
  return `${Math.max(0, Math.trunc(((1000 + badness) * 2) / 3))}\n`;
};

/** Only the slack of others needs a capability (timerslack_ns_write). */
const mayTouchSlack = (subject: Subject, other: Task): boolean => subject.task === other || other.creds.has(CAP_SYS_NICE);

export const timerSlackText = (subject: Subject, reader: Task): string | typeof EPERM =>
  mayTouchSlack(subject, reader) ? `${subject.task.timerSlackNs}\n` : EPERM;

export const storeTimerSlack = (text: string, subject: Subject, writer: Task): number => {
  if (!mayTouchSlack(subject, writer)) return EPERM;
  const value = parseInteger(text);
  if (!(value >= 0)) return EINVAL;
  subject.task.timerSlackNs = value === 0 ? subject.task.defaultTimerSlackNs : value;
  return 0;
};

// --- user namespaces (user_namespaces(7))

const mapLine = (numbers: readonly number[]): string => `${numbers.map((number) => String(number).padStart(10)).join(" ")}\n`;

/** The middle column is what the reader's namespace calls the ids, the parent's view when the reader is inside. */
const mapText = (subject: Subject, reader: Task, which: "uid" | "gid"): string => {
  const ns = subject.task.creds.userNamespace;
  const extents = which === "uid" ? ns.uidMap : ns.gidMap;
  const own = reader.creds.userNamespace;
  const lower = own === ns && ns.parent !== null ? ns.parent : own;
  const show = (id: number): number => (which === "uid" ? lower.fromKuid(id) : lower.fromKgid(id));
  return extents.map(({ inside, outside, count }) => mapLine([inside, show(outside), count])).join("");
};

export const uidMapText = (subject: Subject, reader: Task): string => mapText(subject, reader, "uid");
export const gidMapText = (subject: Subject, reader: Task): string => mapText(subject, reader, "gid");
export const projidMapText = (): string => mapLine([0, 0, INVALID_ID]);

const parseMap = (text: string): { inside: number; lower: number; count: number }[] | null => {
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length > MAP_MAX_EXTENTS) return null;
  const extents: { inside: number; lower: number; count: number }[] = [];
  for (const line of lines) {
    const match = /^\s*([0-9]+)\s+([0-9]+)\s+([0-9]+)\s*$/.exec(line);
    if (match === null) return null;
    const [inside, lower, count] = match.slice(1).map(Number);
    if (count === 0 || inside + count > INVALID_ID || lower + count > INVALID_ID) return null;
    const isOverlapping = extents.some(
      (other) =>
        (inside < other.inside + other.count && other.inside < inside + count) ||
        (lower < other.lower + other.count && other.lower < lower + count),
    );
    if (isOverlapping) return null;
    extents.push({ inside, lower, count });
  }
  return extents;
};

/** new_idmap_permitted(): one's own id, or the capability in the parent. */
const mayMap = (ns: UserNamespace, parent: UserNamespace, extents: readonly IdExtent[], writer: Task, which: "uid" | "gid"): boolean => {
  const { creds } = writer;
  if (extents.length === 1 && extents[0].count === 1 && creds.euid === ns.ownerUid) {
    if (which === "uid" && extents[0].outside === creds.euid) return true;
    if (which === "gid" && !ns.isSetgroupsAllowed && extents[0].outside === creds.egid) return true;
  }
  return creds.hasIn(parent, which === "uid" ? CAP_SETUID : CAP_SETGID);
};

/** map_write(): once, by a member of the namespace or its parent with CAP_SYS_ADMIN over it. */
const storeMap = (text: string, subject: Subject, writer: Task, which: "uid" | "gid"): number => {
  const ns = subject.task.creds.userNamespace;
  const { parent } = ns;
  if (parent === null) return EPERM;
  const own = writer.creds.userNamespace;
  if (own !== ns && own !== parent) return EPERM;
  if ((which === "uid" ? ns.uidMap : ns.gidMap).length > 0) return EPERM;
  if (!writer.creds.hasIn(ns, CAP_SYS_ADMIN)) return EPERM;
  const parsed = parseMap(text);
  if (parsed === null) return EINVAL;
  const extents: IdExtent[] = [];
  for (const { inside, lower, count } of parsed) {
    const outside = which === "uid" ? parent.toKuid(lower) : parent.toKgid(lower);
    const last = which === "uid" ? parent.toKuid(lower + count - 1) : parent.toKgid(lower + count - 1);
    if (outside === INVALID_ID || last !== outside + count - 1) return EPERM;
    extents.push({ inside, outside, count });
  }
  if (!mayMap(ns, parent, extents, writer, which)) return EPERM;
  if (which === "uid") ns.uidMap = extents;
  else ns.gidMap = extents;
  return 0;
};

export const storeUidMap = (text: string, subject: Subject, writer: Task): number => storeMap(text, subject, writer, "uid");
export const storeGidMap = (text: string, subject: Subject, writer: Task): number => storeMap(text, subject, writer, "gid");

export const setgroupsText = ({ task }: Subject): string => (task.creds.userNamespace.isSetgroupsAllowed ? "allow\n" : "deny\n");

export const storeSetgroups = (text: string, { task }: Subject, writer: Task): number => {
  const match = /^(allow|deny)\s*$/.exec(text);
  if (match === null) return EINVAL;
  const ns = task.creds.userNamespace;
  if (!writer.creds.hasIn(ns, CAP_SYS_ADMIN)) return EPERM;
  if (match[1] === "allow") return ns.isSetgroupsAllowed ? 0 : EPERM;
  if (ns.gidMap.length > 0) return EPERM;
  ns.isSetgroupsAllowed = false;
  return 0;
};

// --- values that are kept and shown

export const coredumpFilterText = ({ task }: Subject): string => `${task.process.coreFilter.toString(16).padStart(8, "0")}\n`;

export const storeCoredumpFilter = (text: string, { task }: Subject): number => {
  const value = parseInteger(text);
  if (!(value >= 0)) return EINVAL;
  task.process.coreFilter = value & 0x1ff;
  return 0;
};

/** No audit login was ever recorded; the first one may be set (audit_set_loginuid). */
const loginUids = new WeakMap<Process, number>();

export const loginUidText = ({ task }: Subject): string => String(loginUids.get(task.process) ?? INVALID_ID);

export const storeLoginUid = (text: string, { task }: Subject, writer: Task): number => {
  if (writer !== task) return EPERM;
  const value = parseInteger(text);
  if (!(value >= 0 && value <= INVALID_ID)) return EINVAL;
  if (task.isDead) return ESRCH;
  loginUids.set(task.process, value);
  return 0;
};
