/** What stands in /proc itself, beside the processes. */

import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { ENOENT } from "../../abi/errno.ts";
import { keysText, keyUsersText } from "../../keys/proc-keys.ts";
import { KERNEL_RELEASE, KERNEL_VERSION } from "../../task/kernel-version.ts";
import { majorOf, minorOf } from "../../vfs/devices.ts";
import type { Inode } from "../../vfs/inode.ts";
import { allLocks, type LockEntry } from "../../vfs/locks.ts";
import { GeneratedDirectory, GeneratedLink, TextFileInode } from "./generated.ts";
import { cpuinfoText } from "./host-facts.ts";
import type { Procfs } from "./procfs.ts";
import { internalFilesystems, procIpc } from "./registries.ts";
import { sysctlDirectory } from "./sysctl.ts";
import { loadavgText, meminfoText, statText, uptimeText } from "./system-load.ts";

const DEVICES = `Character devices:
  1 mem
  5 /dev/tty
  5 /dev/console
  5 /dev/ptmx
128 ptm
136 pts

Block devices:
`;

const TTY_DRIVERS = `/dev/tty             /dev/tty        5       0 system:/dev/tty
/dev/console         /dev/console    5       1 system:console
/dev/ptmx            /dev/ptmx       5       2 system
pty_slave            /dev/pts      136 0-1048575 pty:slave
pty_master           /dev/ptm      128 0-1048575 pty:master
`;

const IPC_HEADINGS = {
  msg: "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n",
  sem: "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n",
  shm: "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n",
} as const;

const CONTROLLERS = [
  "cpuset",
  "cpu",
  "cpuacct",
  "blkio",
  "memory",
  "devices",
  "freezer",
  "net_cls",
  "perf_event",
  "net_prio",
  "hugetlb",
  "pids",
];

const cgroupsText = (): string =>
  `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${CONTROLLERS.map((name) => `${name}\t0\t1\t1\n`).join("")}`;

const filesystemsText = (fs: Procfs): string => {
  const known = fs.kernel.vfs.filesystems().map(({ type, nodev }) => `${nodev ? "nodev" : ""}\t${type}\n`);
  return known.join("") + internalFilesystems.map((type) => `nodev\t${type}\n`).join("");
};

const lockLine = (lock: LockEntry, index: number, pid: number): string => {
  const { device } = lock.inode.fs;
  const hex = (value: number): string => value.toString(16).padStart(2, "0");
  const place = `${hex(majorOf(device))}:${hex(minorOf(device))}:${lock.inode.ino}`;
  const end = Number.isFinite(lock.end) ? String(lock.end) : "EOF";
  return `${index}: ${lock.kind.padEnd(6)} ADVISORY  ${lock.isWrite ? "WRITE" : "READ"} ${pid} ${place} ${lock.start} ${end}\n`;
};

/** Locks of processes that cannot be seen from this namespace are left out (locks_show). */
const locksText = (fs: Procfs): string => {
  let text = "";
  let index = 0;
  for (const lock of allLocks()) {
    const pid = lock.pid < 0 ? -1 : (fs.kernel.pids.pid(lock.pid)?.in(fs.pids) ?? 0);
    if (pid !== 0) text += lockLine(lock, ++index, pid);
  }
  return text;
};

/** Makes the fixed entries of one procfs, in the order of its listing. */
export const rootFiles = (fs: Procfs): Map<string, Inode> => {
  const { kernel, facts, pids } = fs;
  const { clock } = kernel;
  const files = new Map<string, Inode>();
  const add = (name: string, inode: Inode): void => {
    fs.stamp(inode);
    files.set(name, inode);
  };
  const directory = (children: Readonly<Record<string, Inode>>): GeneratedDirectory => {
    const made = new GeneratedDirectory(fs, fs.allocateIno(), S_IFDIR | 0o555);
    for (const [name, inode] of Object.entries(children)) {
      fs.stamp(inode);
      made.add(name, inode);
    }
    return made;
  };
  const text = (make: (reader: Parameters<TextFileInode["text"]>[0]) => string, mode = 0o444): Inode =>
    new TextFileInode(fs, fs.allocateIno(), mode, make);
  const link = (target: string): Inode => new GeneratedLink(fs, fs.allocateIno(), () => target);

  add("bus", directory({}));
  add("cgroups", text(cgroupsText));
  add(
    "cmdline",
    text(() => "quiet\n"),
  );
  add(
    "consoles",
    text(() => ""),
  );
  add(
    "cpuinfo",
    text(() => cpuinfoText(facts)),
  );
  add(
    "devices",
    text(() => DEVICES),
  );
  add(
    "diskstats",
    text(() => ""),
  );
  add(
    "filesystems",
    text(() => filesystemsText(fs)),
  );
  add("fs", directory({}));
  add("key-users", text(keyUsersText));
  add("keys", text(keysText));
  add(
    "loadavg",
    text((reader) => loadavgText(clock, pids, reader.pidNamespace)),
  );
  add(
    "locks",
    text(() => locksText(fs)),
  );
  add(
    "meminfo",
    text(() => meminfoText(pids, facts)),
  );
  add(
    "misc",
    text(() => ""),
  );
  add(
    "modules",
    text(() => ""),
  );
  add("mounts", link("self/mounts"));
  add("net", link("self/net"));
  add(
    "partitions",
    text(() => "major minor  #blocks  name\n\n"),
  );
  add(
    "self",
    new GeneratedLink(fs, fs.allocateIno(), (reader) => {
      const pid = reader.process.leader.pid.in(pids);
      return pid === 0 ? ENOENT : String(pid);
    }),
  );
  add(
    "stat",
    text((reader) => statText(reader, clock, pids, facts)),
  );
  add(
    "swaps",
    text(() => "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
  );
  add("sys", sysctlDirectory(fs));
  const ipc = (kind: keyof typeof IPC_HEADINGS): Inode => text((reader) => IPC_HEADINGS[kind] + (procIpc.get(kind)?.(reader) ?? ""));
  add("sysvipc", directory({ msg: ipc("msg"), sem: ipc("sem"), shm: ipc("shm") }));
  add(
    "thread-self",
    new GeneratedLink(fs, fs.allocateIno(), (reader) => {
      const pid = reader.process.leader.pid.in(pids);
      return pid === 0 ? ENOENT : `${pid}/task/${reader.pid.in(pids)}`;
    }),
  );
  add("tty", directory({ drivers: text(() => TTY_DRIVERS), ldiscs: text(() => "n_tty       0\n") }));
  add(
    "uptime",
    text((reader) => uptimeText(reader, clock, pids, facts)),
  );
  add(
    "version",
    text(() => `Linux version ${KERNEL_RELEASE} (moat@moat) (moat) ${KERNEL_VERSION}\n`),
  );
  add(
    "vmstat",
    text(() => vmstatText(facts.memTotalBytes)),
  );
  return files;
};

/** The few counters that vmstat(8) and monitoring agents cannot do without. */
const vmstatText = (memTotalBytes: number): string => {
  const rows: readonly (readonly [string, number])[] = [
    ["nr_free_pages", Math.floor(memTotalBytes / 4096)],
    ["nr_dirty", 0],
    ["nr_writeback", 0],
    ["nr_mapped", 0],
    ["pgpgin", 0],
    ["pgpgout", 0],
    ["pswpin", 0],
    ["pswpout", 0],
    ["pgfault", 0],
    ["pgmajfault", 0],
    ["oom_kill", 0],
  ];
  return rows.map(([name, value]) => `${name} ${value}\n`).join("");
};
