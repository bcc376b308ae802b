/** /proc/PID/{cwd,root,exe} and ns/ (proc(5), namespaces(7)). */
import type { NamespaceNumbersConfig } from "../../../runtime/sandbox/config.ts";
import { S_IFREG } from "../../../syscall-tables/flags/open.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from "../../../syscall-tables/flags/process.ts";
import { EACCES, ENOENT, type Errno, isErrno } from "../../abi/errno.ts";
import { firstIpcNamespace, ipcNamespaceOf } from "../../ipc/ipc-namespace.ts";
import { initialNetwork, networkOf } from "../../net/network-namespace.ts";
import { firstCgroupNamespace } from "../../task/cgroup-namespace.ts";
import { mayInspect } from "../../task/permission.ts";
import { PidNamespace } from "../../task/pid-namespace.ts";
import type { Task } from "../../task/task.ts";
import { firstTimeNamespace, type TimeNamespace } from "../../task/time-namespace.ts";
import { UserNamespace } from "../../task/user-namespace.ts";
import { Filesystem, type FilesystemStatistics } from "../../vfs/filesystem.ts";
import { Inode } from "../../vfs/inode.ts";
import { MountNamespace } from "../../vfs/mount-namespace.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { anonymousPath } from "../../vfs/walk.ts";
import type { DirectoryEntry } from "./generated.ts";
import { namespaceIoctl } from "./namespace-ioctl.ts";
import { isGone, livingTask, type Subject, TaskLink, TaskListing } from "./task-directory.ts";

const placeLink =
  (place: (task: Task) => Path | null) =>
  (subject: Subject): TaskLink => {
    const find = (owner: Subject): Path | Errno => {
      const task = livingTask(owner);
      return (task === null ? null : place(task)) ?? ENOENT;
    };
    return new TaskLink(subject, find, (owner, reader) => {
      const path = find(owner);
      return isErrno(path) ? path : reader.kernel.vfs.pathName(path, reader.fs.root);
    });
  };

export const cwdLink = placeLink((task) => task.fs.cwd);
export const rootLink = placeLink((task) => task.fs.root);
export const exeLink = placeLink((task) => task.process.exePath ?? task.mm.exeFile?.path ?? null);

/** Numbers of namespaces that exist once (include/linux/proc_ns.h). */
const IPC_INO = 0xefff_ffff;
const UTS_INO = 0xefff_fffe;
const USER_INO = 0xefff_fffd;
const PID_INO = 0xefff_fffc;
const CGROUP_INO = 0xefff_fffb;
const TIME_INO = 0xefff_fffa;
const NET_INO = 0xefff_fff9;
/** Namespaces made later; mount namespaces count from 0xf0000000. */
let lastIno = 0xf100_0000;
const inos = new WeakMap<object, number>();

const inoOf = (namespace: object, first: number, isFirst: boolean): number => {
  let ino = inos.get(namespace);
  if (ino === undefined) {
    if (isFirst) return first;
    ino = ++lastIno;
    inos.set(namespace, ino);
  }
  return ino;
};

/** A container's namespaces are told from those of other kernels; one that has a number keeps it. */
export const numberNamespaces = (task: Task, numbers: NamespaceNumbersConfig): void => {
  const number = (namespace: object, ino: number | null): void => {
    if (ino !== null && !inos.has(namespace)) inos.set(namespace, ino);
  };
  number(ipcNamespaceOf(task), numbers.ipc);
  number(task.uts, numbers.uts);
  number(task.pidNamespace, numbers.pid);
  number(networkOf(task), numbers.net);
  number(task.creds.userNamespace, numbers.user);
};

/** What an ns/ link stands for. */
export interface NamespaceReference {
  readonly kind: "cgroup" | "ipc" | "mnt" | "net" | "pid" | "time" | "user" | "uts";
  readonly object: object;
  readonly ino: number;
}

/** The clone(2) flag of each kind. */
export const NAMESPACE_FLAGS: Readonly<Record<NamespaceReference["kind"], number>> = {
  cgroup: CLONE_NEWCGROUP,
  ipc: CLONE_NEWIPC,
  mnt: CLONE_NEWNS,
  net: CLONE_NEWNET,
  pid: CLONE_NEWPID,
  time: CLONE_NEWTIME,
  user: CLONE_NEWUSER,
  uts: CLONE_NEWUTS,
};

const timeReference = (ns: TimeNamespace): NamespaceReference => ({
  kind: "time",
  object: ns,
  ino: inoOf(ns, TIME_INO, ns === firstTimeNamespace),
});

const NAMESPACES: Readonly<Record<string, (task: Task) => NamespaceReference>> = {
  cgroup: ({ cgroupNamespace: ns }) => ({ kind: "cgroup", object: ns, ino: inoOf(ns, CGROUP_INO, ns === firstCgroupNamespace) }),
  ipc: (task) => {
    const ns = ipcNamespaceOf(task);
    return { kind: "ipc", object: ns, ino: inoOf(ns, IPC_INO, ns === firstIpcNamespace(task.kernel)) };
  },
  mnt: (task) => ({ kind: "mnt", object: task.fs.namespace, ino: task.fs.namespace.id }),
  net: (task) => {
    const ns = networkOf(task);
    return { kind: "net", object: ns, ino: inoOf(ns, NET_INO, ns === initialNetwork(task.kernel)) };
  },
  pid: (task) => ({ kind: "pid", object: task.pidNamespace, ino: inoOf(task.pidNamespace, PID_INO, task.pidNamespace.level === 0) }),
  pid_for_children: ({ childPidNamespace: ns }) => ({ kind: "pid", object: ns, ino: inoOf(ns, PID_INO, ns.level === 0) }),
  time: ({ timeNamespace }) => timeReference(timeNamespace),
  time_for_children: ({ childTimeNamespace }) => timeReference(childTimeNamespace),
  user: ({ creds: { userNamespace: ns } }) => ({ kind: "user", object: ns, ino: inoOf(ns, USER_INO, ns.level === 0) }),
  uts: ({ uts }) => ({ kind: "uts", object: uts, ino: inoOf(uts, UTS_INO, uts.isInitial) }),
};

const NSFS_MAGIC = 0x6e73_6673;

class NamespaceFilesystem extends Filesystem {
  override readonly isInternal = true;
  readonly type = "nsfs";
  readonly root: Inode;

  constructor(device: number) {
    super(device);
    this.root = new NamespaceInode(this, { kind: "mnt", object: this, ino: 0 });
  }

  override statfs(): FilesystemStatistics {
    return { type: NSFS_MAGIC, blockSize: 4096, blocks: 0, blocksFree: 0, blocksAvailable: 0, files: 0, filesFree: 0, nameMax: 255 };
  }
}

class NamespaceInode extends Inode {
  readonly reference: NamespaceReference;

  constructor(fs: Filesystem, reference: NamespaceReference) {
    super(fs, reference.ino, S_IFREG | 0o444);
    this.reference = reference;
  }

  override open(_path: Path, flags: number, _task: Task): OpenFile {
    return new NamespaceFile(this, flags, this.reference);
  }
}

/** An open namespace, for setns(2): `reference.object` is the namespace. */
export class NamespaceFile extends OpenFile {
  readonly reference: NamespaceReference;

  constructor(inode: Inode, flags: number, reference: NamespaceReference) {
    super(inode, null, flags);
    this.reference = reference;
  }

  override get anonymousName(): string {
    return nameOf(this.reference);
  }

  override ioctl(task: Task, command: number, argument: number): number {
    const { kind, object } = this.reference;
    return namespaceIoctl(task, object, NAMESPACE_FLAGS[kind], command, argument, (otherKind, other) => {
      const isFirst = (other instanceof UserNamespace || other instanceof PidNamespace) && other.level === 0;
      const first = otherKind === "user" ? USER_INO : PID_INO;
      const path = placeOf({ kind: otherKind, object: other, ino: inoOf(other, first, isFirst) }, task);
      const file = path.dentry.inode.open(path, 0, task);
      return isErrno(file) ? file : task.files.install(file, true);
    });
  }
}

const nameOf = ({ kind, ino }: NamespaceReference): string => `${kind}:[${ino}]`;

let nsfs: NamespaceFilesystem | null = null;
const namespaceInodes = new Map<number, NamespaceInode>();

const placeOf = (reference: NamespaceReference, task: Task): Path => {
  if (reference.object instanceof MountNamespace) reference.object.isKept = true;
  nsfs ??= new NamespaceFilesystem(task.kernel.vfs.allocateDevice());
  let inode = namespaceInodes.get(reference.ino);
  if (inode === undefined) {
    inode = new NamespaceInode(nsfs, reference);
    namespaceInodes.set(reference.ino, inode);
  }
  return anonymousPath({ inode, anonymousName: nameOf(reference) });
};

/** The namespace `kind` (a name of /proc/PID/ns) of `target`, opened for `task`: a descriptor or an errno. */
export const openNamespaceOf = (task: Task, target: Task, kind: string): number => {
  const path = placeOf(NAMESPACES[kind](target), task);
  const file = path.dentry.inode.open(path, 0, task);
  return isErrno(file) ? file : task.files.install(file, true);
};

export class NamespaceListing extends TaskListing {
  readonly #links = new Map<string, TaskLink>();

  constructor(subject: Subject) {
    super(subject, 0o511);
  }

  #link(name: string): TaskLink | null {
    const find = NAMESPACES[name];
    if (find === undefined) return null;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new TaskLink(
        this.subject,
        ({ task }, reader) => placeOf(find(task), reader),
        ({ task }) => nameOf(find(task)),
      );
      this.subject.fs.stamp(link);
      this.#links.set(name, link);
    }
    link.refresh();
    return link;
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    return isGone(this.subject.task) ? ENOENT : (this.#link(name) ?? ENOENT);
  }

  override open(path: Path, flags: number, task: Task): OpenFile | Errno {
    return mayInspect(task, this.subject.task, true) ? super.open(path, flags, task) : EACCES;
  }

  override *entries(): Iterable<DirectoryEntry> {
    for (const name of Object.keys(NAMESPACES)) {
      const inode = this.#link(name);
      if (inode !== null) yield { name, inode };
    }
  }
}
