/** proc(5), per pid namespace. Names come and go with tasks, so nothing is cached but inodes. */
import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { ENOENT, type Errno, isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { PidNamespace } from "../../task/pid-namespace.ts";
import type { Task } from "../../task/task.ts";
import { Filesystem, type FilesystemStatistics } from "../../vfs/filesystem.ts";
import type { Inode } from "../../vfs/inode.ts";

import { type DirectoryEntry, ListedDirectory } from "./generated.ts";
import type { HostFacts } from "./host-facts.ts";
import { HIDEPID_INVISIBLE, HIDEPID_OFF, maySeeProcess, type ProcOptions, parseProcOptions, shownProcOptions } from "./options.ts";
import { rootFiles } from "./root-files.ts";
import { TaskDirectory, taskNamed } from "./task-directory.ts";
import { taskEntries } from "./task-entries.ts";

const PROC_SUPER_MAGIC = 0x9fa0;
/** PROC_ROOT_INO */
const ROOT_INO = 1;

export class Procfs extends Filesystem {
  override readonly blockSize = 1024;
  readonly type = "proc";
  override readonly isVolatile = true;
  override readonly refusesNewNames = true;
  readonly kernel: Kernel;
  readonly facts: HostFacts;
  /** Whose processes it shows, by the numbers they have there. */
  readonly pids: PidNamespace;
  #settings: ProcOptions;
  readonly root: ProcRoot;
  #lastIno = ROOT_INO;
  readonly #processes = new WeakMap<Task, TaskDirectory>();
  readonly #threads = new WeakMap<Task, TaskDirectory>();

  constructor(kernel: Kernel, facts: HostFacts, pids: PidNamespace, settings: ProcOptions) {
    super(kernel.vfs.allocateDevice());
    this.#settings = settings;
    this.kernel = kernel;
    this.facts = facts;
    this.pids = pids;
    this.root = new ProcRoot(this);
  }

  get settings(): ProcOptions {
    return this.#settings;
  }

  override get options(): string {
    return shownProcOptions(this.#settings);
  }

  override remount(data: string): number {
    const settings = parseProcOptions(data, null, this.#settings);
    if (isErrno(settings)) return settings;
    this.#settings = settings;
    return 0;
  }

  override statfs(): FilesystemStatistics {
    return { type: PROC_SUPER_MAGIC, blockSize: 4096, blocks: 0, blocksFree: 0, blocksAvailable: 0, files: 0, filesFree: 0, nameMax: 255 };
  }

  allocateIno(): number {
    return ++this.#lastIno;
  }

  /** Stamps a fresh inode: procfs shows the time when an inode was made. */
  stamp(inode: Inode): void {
    const { clock } = this.kernel;
    clock.stamp(inode.atime);
    Object.assign(inode.mtime, inode.atime);
    Object.assign(inode.ctime, inode.atime);
  }

  /** /proc/TID: a process, or any of its threads when asked for by name. */
  processDirectory(task: Task): TaskDirectory {
    let directory = this.#processes.get(task);
    if (directory === undefined) {
      directory = new TaskDirectory(this, task, "process", taskEntries("process"));
      this.#processes.set(task, directory);
    }
    return directory;
  }

  /** /proc/PID/task/TID */
  threadDirectory(task: Task): TaskDirectory {
    let directory = this.#threads.get(task);
    if (directory === undefined) {
      directory = new TaskDirectory(this, task, "thread", taskEntries("thread"));
      this.#threads.set(task, directory);
    }
    return directory;
  }
}

class ProcRoot extends ListedDirectory {
  readonly #fs: Procfs;
  #files: Map<string, Inode> | null = null;

  constructor(fs: Procfs) {
    super(fs, ROOT_INO, S_IFDIR | 0o555);
    this.#fs = fs;
  }

  get #fixed(): Map<string, Inode> {
    this.#files ??= rootFiles(this.#fs);
    return this.#files;
  }

  override refresh(): number {
    let count = 0;
    for (const _process of this.#fs.pids.processes()) count++;
    this.nlink = 2 + count;
    return 0;
  }

  /** With subset=pid there is nothing else but what leads to the reader. */
  #isShown(name: string): boolean {
    return !this.#fs.settings.isPidOnly || name === "self" || name === "thread-self";
  }

  override lookup(name: string, reader: Task | null): Inode | Errno {
    const fixed = this.#isShown(name) ? this.#fixed.get(name) : undefined;
    if (fixed !== undefined) return fixed;
    const task = taskNamed(name, this.#fs.pids);
    if (task === null) return ENOENT;
    const { settings } = this.#fs;
    if (reader !== null && settings.hidePid >= HIDEPID_INVISIBLE && !maySeeProcess(settings, reader, task, HIDEPID_INVISIBLE))
      return ENOENT;
    const directory = this.#fs.processDirectory(task);
    directory.refresh();
    return directory;
  }

  override *entries(reader: Task): Iterable<DirectoryEntry> {
    for (const [name, inode] of this.#fixed) if (this.#isShown(name)) yield { name, inode };
    const { pids, settings } = this.#fs;
    const leaders = [...pids.processes()].map((process) => process.leader);
    leaders.sort((a, b) => a.pid.in(pids) - b.pid.in(pids));
    for (const leader of leaders) {
      if (settings.hidePid !== HIDEPID_OFF && !maySeeProcess(settings, reader, leader, HIDEPID_INVISIBLE)) continue;
      yield { name: String(leader.pid.in(pids)), inode: this.#fs.processDirectory(leader) };
    }
  }
}

export const registerProcfs = (kernel: Kernel, facts: HostFacts): void => {
  kernel.vfs.registerFilesystem(
    "proc",
    (task, _source, data) => {
      const settings = parseProcOptions(data, task);
      return isErrno(settings) ? settings : new Procfs(kernel, facts, task?.pidNamespace ?? kernel.pids, settings);
    },
    (task) => task.pidNamespace.userNamespace,
  );
};
