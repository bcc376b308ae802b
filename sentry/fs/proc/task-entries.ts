/** The names under /proc/PID and /proc/PID/task/TID with what makes them (tgid_base_stuff and tid_base_stuff of fs/proc/base.c). */

import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, EPERM } from "../../abi/errno.ts";

import { cgroupText } from "../cgroup/cgroupfs.ts";
import { GeneratedDirectory } from "./generated.ts";
import { netDirectory } from "./net-files.ts";
import { ioText, personalityText, schedstatText, schedText, syscallText, wchanText } from "./task-activity.ts";
import {
  commText,
  coredumpFilterText,
  gidMapText,
  loginUidText,
  oomAdjText,
  oomScoreAdjText,
  oomScoreText,
  projidMapText,
  setgroupsText,
  storeComm,
  storeCoredumpFilter,
  storeGidMap,
  storeLoginUid,
  storeOomAdj,
  storeOomScoreAdj,
  storeSetgroups,
  storeTimerSlack,
  storeUidMap,
  timerSlackText,
  uidMapText,
} from "./task-controls.ts";
import {
  type Subject,
  type TaskAccess,
  type TaskEntry,
  type TaskScope,
  type TaskStore,
  type TaskText,
  TaskTextInode,
} from "./task-directory.ts";
import { childrenText, FdInfoListing, FdListing, ThreadListing } from "./task-files.ts";
import { limitsText } from "./task-limits.ts";
import { cwdLink, exeLink, NamespaceListing, rootLink } from "./task-links.ts";
import { MapFilesListing } from "./task-map-files.ts";
import { mapsText, numaMapsText, smapsRollupText, smapsText } from "./task-maps.ts";
import { auxvText, cmdlineText, environText, MemInode } from "./task-memory.ts";
import { mountinfoText, mountsText, mountstatsText } from "./task-mounts.ts";
import { statmText, statText } from "./task-stat.ts";
import { statusText } from "./task-status.ts";
import { storeTimeOffsets, timeOffsetsText } from "./time-offsets.ts";

const text =
  (mode: number, make: TaskText, access: TaskAccess = "all", store: TaskStore | null = null): TaskEntry =>
  (subject) =>
    new TaskTextInode(subject, mode, make, access, store);

/** One that is made by seq_open(). */
const sequence =
  (mode: number, make: TaskText, access: TaskAccess, store: TaskStore): TaskEntry =>
  (subject) =>
    new TaskTextInode(subject, mode, make, access, store, true);

/** No security module: the file is there and says EINVAL. */
const attrDirectory = (subject: Subject): GeneratedDirectory => {
  const { fs } = subject;
  const directory = new GeneratedDirectory(fs, fs.allocateIno(), S_IFDIR | 0o555);
  for (const name of ["current", "exec", "fscreate", "keycreate", "prev", "sockcreate"]) {
    const file = new TaskTextInode(subject, name === "prev" ? 0o444 : 0o666, () => EINVAL);
    fs.stamp(file);
    directory.add(name, file);
  }
  return directory;
};

const both: Readonly<Record<string, TaskEntry>> = {
  fd: (subject) => new FdListing(subject),
  fdinfo: (subject) => new FdInfoListing(subject),
  ns: (subject) => new NamespaceListing(subject),
  net: (subject) => netDirectory(subject.fs),
  environ: text(0o400, environText, "inspect-memory"),
  auxv: text(0o400, auxvText, "inspect-memory"),
  status: text(0o444, statusText),
  personality: text(0o400, personalityText, "inspect-read"),
  limits: text(0o444, limitsText),
  sched: text(0o644, schedText, "all", () => 0),
  comm: sequence(0o644, commText, "all", storeComm),
  syscall: text(0o400, syscallText, "inspect-read"),
  cmdline: text(0o444, cmdlineText),
  stat: text(0o444, statText),
  statm: text(0o444, statmText),
  maps: text(0o444, mapsText, "inspect-memory"),
  numa_maps: text(0o444, numaMapsText, "inspect-memory"),
  mem: (subject) => new MemInode(subject),
  cwd: cwdLink,
  root: rootLink,
  exe: exeLink,
  mounts: text(0o444, mountsText),
  mountinfo: text(0o444, mountinfoText),
  smaps: text(0o444, smapsText, "inspect-memory"),
  smaps_rollup: text(0o444, smapsRollupText, "inspect-memory"),
  attr: attrDirectory,
  wchan: text(0o444, wchanText),
  stack: text(0o400, () => EPERM),
  schedstat: text(0o444, schedstatText),
  cpuset: text(0o444, () => "/\n"),
  cgroup: text(0o444, cgroupText),
  oom_score: text(0o444, oomScoreText),
  oom_adj: text(0o644, oomAdjText, "all", storeOomAdj),
  oom_score_adj: text(0o644, oomScoreAdjText, "all", storeOomScoreAdj),
  loginuid: text(0o644, loginUidText, "all", storeLoginUid),
  sessionid: text(0o444, () => "4294967295"),
  io: text(0o400, ioText, "inspect-read"),
  uid_map: sequence(0o644, uidMapText, "all", storeUidMap),
  gid_map: sequence(0o644, gidMapText, "all", storeGidMap),
  projid_map: text(0o644, projidMapText, "all", () => EPERM),
  setgroups: sequence(0o644, setgroupsText, "all", storeSetgroups),
};

const ofProcesses: Readonly<Record<string, TaskEntry>> = {
  task: (subject) => new ThreadListing(subject),
  map_files: (subject) => new MapFilesListing(subject),
  mountstats: text(0o400, mountstatsText),
  coredump_filter: text(0o644, coredumpFilterText, "all", storeCoredumpFilter),
  timers: text(0o444, () => ""),
  timens_offsets: sequence(0o644, timeOffsetsText, "all", storeTimeOffsets),
  timerslack_ns: sequence(0o666, timerSlackText, "all", storeTimerSlack),
  clear_refs: text(
    0o200,
    () => EINVAL,
    "all",
    (value) => (/^[1-5]\s*$/.test(value) ? 0 : EINVAL),
  ),
};

const ofThreads: Readonly<Record<string, TaskEntry>> = {
  children: text(0o444, childrenText),
};

const processTable: ReadonlyMap<string, TaskEntry> = new Map(Object.entries({ ...both, ...ofProcesses }));
const threadTable: ReadonlyMap<string, TaskEntry> = new Map(Object.entries({ ...both, ...ofThreads }));

export const taskEntries = (scope: TaskScope): ReadonlyMap<string, TaskEntry> => (scope === "process" ? processTable : threadTable);
