/** devpts: /dev/ptmx and the slaves of its ptys (pts(4), Documentation/filesystems/devpts.rst). Every mount is an instance of its own. */
import { O_ACCMODE, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, S_IFCHR, S_IFDIR, S_IFMT } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, EIO, ENODEV, ENOENT, ENOSPC, type Errno, isErrno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { Task } from "../../task/task.ts";
import { INVALID_ID, initialUserNamespace } from "../../task/user-namespace.ts";
import { removeDentry } from "../../vfs/dentry-cache.ts";
import { makedev, registerCharDevice } from "../../vfs/devices.ts";
import { Filesystem, type FilesystemStatistics } from "../../vfs/filesystem.ts";
import { type AttributeChange, Inode } from "../../vfs/inode.ts";
import type { Mount } from "../../vfs/mount.ts";
import type { OpenFile } from "../../vfs/open-file.ts";

import type { Path } from "../../vfs/path.ts";
import type { FilesystemFactory } from "../../vfs/vfs.ts";
import { applyChange } from "../proc/attributes.ts";
import { type DirectoryEntry, ListedDirectory } from "../proc/generated.ts";
import type { HostTerminal } from "../tty/host-tty.ts";
import { Pty, UNIX98_PTY_SLAVE_MAJOR } from "../tty/pty.ts";
import { PtyMaster } from "../tty/pty-master.ts";
import type { Terminal } from "../tty/terminal.ts";
import { openTerminal } from "../tty/tty-file.ts";
import { type DevptsOptions, formatDevptsOptions, parseDevptsOptions } from "./options.ts";

const DEVPTS_SUPER_MAGIC = 0x1cd1;
const ROOT_INO = 1;
const PTMX_INO = 2;
const FIRST_SLAVE_INO = 3;
const TTYAUX_MAJOR = 5;
const PTMX_MINOR = 2;
/** UNIX98_PTY_SLAVE_MAJOR covers 136..143, 256 ptys each, as one range of minors. */
const MAX_MINOR = 0xfffff;

class DevptsNode extends Inode {
  override setAttributes(change: AttributeChange, _task: Task | null): number {
    return applyChange(this, change, (this.fs as Devpts).kernel.clock);
  }
}

class SlaveInode extends DevptsNode {
  readonly index: number;
  readonly terminal: Terminal;

  constructor(fs: Devpts, index: number, terminal: Terminal) {
    super(fs, FIRST_SLAVE_INO + index, S_IFCHR | fs.config.mode);
    this.index = index;
    this.terminal = terminal;
    this.rdev = makedev(UNIX98_PTY_SLAVE_MAJOR, index);
  }
}

class DevptsRoot extends ListedDirectory {
  readonly #fs: Devpts;

  constructor(fs: Devpts) {
    super(fs, ROOT_INO, S_IFDIR | 0o755);
    this.#fs = fs;
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    if (name === "ptmx") return this.#fs.ptmx;
    return this.#fs.slaveNamed(name) ?? ENOENT;
  }

  override *entries(): Iterable<DirectoryEntry> {
    yield { name: "ptmx", inode: this.#fs.ptmx };
    for (const [index, inode] of this.#fs.slaves) yield { name: String(index), inode };
  }

  override setAttributes(change: AttributeChange, _task: Task | null): number {
    return applyChange(this, change, this.#fs.kernel.clock);
  }
}

export class Devpts extends Filesystem {
  override readonly blockSize = 1024;
  readonly type = "devpts";
  readonly kernel: Kernel;
  readonly root: Inode;
  readonly ptmx: Inode;
  override readonly isVolatile = true;
  readonly slaves = new Map<number, SlaveInode>();
  config: DevptsOptions;

  constructor(kernel: Kernel, config: DevptsOptions) {
    super(kernel.vfs.allocateDevice());
    this.kernel = kernel;
    this.config = config;
    this.root = new DevptsRoot(this);
    this.ptmx = new DevptsNode(this, PTMX_INO, S_IFCHR | config.ptmxmode);
    this.ptmx.rdev = makedev(TTYAUX_MAJOR, PTMX_MINOR);
    for (const inode of [this.root, this.ptmx]) this.#stamp(inode);
    for (const inode of [this.root, this.ptmx]) {
      inode.uid = initialUserNamespace().toKuid(0);
      inode.gid = initialUserNamespace().toKgid(0);
    }
  }

  #stamp(inode: Inode): void {
    for (const time of [inode.atime, inode.mtime, inode.ctime, inode.btime]) this.kernel.clock.stamp(time);
  }

  override get options(): string {
    return formatDevptsOptions(this.config);
  }

  override remount(data: string): number {
    const config = parseDevptsOptions(data, this.config);
    if (isErrno(config)) return config;
    this.config = config;
    this.ptmx.mode = S_IFCHR | config.ptmxmode;
    return 0;
  }

  override statfs(): FilesystemStatistics {
    return {
      type: DEVPTS_SUPER_MAGIC,
      blockSize: 4096,
      blocks: 0,
      blocksFree: 0,
      blocksAvailable: 0,
      files: 0,
      filesFree: 0,
      nameMax: 255,
    };
  }

  slaveNamed(name: string): SlaveInode | null {
    return /^(0|[1-9][0-9]{0,6})$/.test(name) ? (this.slaves.get(Number(name)) ?? null) : null;
  }

  /** ptmx_open(): a fresh pair; the slave appears under the lowest free number. */
  openMaster(inode: Inode, path: Path, flags: number, task: Task): OpenFile | Errno {
    const index = this.#freeIndex();
    if (index >= this.config.max) return ENOSPC;
    const pty = new Pty(index);
    const slave = this.#addSlave(index, pty, task.creds.fsuid, task.creds.fsgid);
    return new PtyMaster(
      pty,
      inode,
      path,
      flags,
      (peerFlags, opener) => this.#openPeer(slave, path, peerFlags, opener),
      () => this.#remove(slave),
    );
  }

  #freeIndex(): number {
    let index = 0;
    while (this.slaves.has(index)) index++;
    return index;
  }

  #addSlave(index: number, terminal: Terminal, uid: number, gid: number): SlaveInode {
    const slave = new SlaveInode(this, index, terminal);
    slave.uid = this.config.uid ?? uid;
    slave.gid = this.config.gid ?? gid;
    this.#stamp(slave);
    this.slaves.set(index, slave);
    return slave;
  }

  /** A terminal of the caller's, whose master is outside: it has a slave's name and number here. */
  adopt(terminal: HostTerminal, mount: Mount, uid: number): Path | null {
    const index = this.#freeIndex();
    const slave = this.#addSlave(index, terminal, uid, 0);
    slave.uid = uid;
    const path = this.kernel.vfs.child(null, { mount, dentry: mount.root }, String(index));
    if (isErrno(path)) return null;
    terminal.rdev = slave.rdev;
    terminal.name = `pts/${index}`;
    terminal.slavePath = path;
    terminal.onUnused = () => this.#remove(slave);
    return path;
  }

  /** devpts_pty_kill(): the name goes with the master, whatever still has the slave open. */
  #remove(slave: SlaveInode): void {
    const { index } = slave;
    this.slaves.delete(index);
    slave.nlink = 0;
    const dentry = this.rootDentry?.children?.get(String(index)) ?? null;
    if (dentry !== null && dentry.inode === slave) removeDentry(dentry);
  }

  openSlave(inode: SlaveInode, path: Path, flags: number, task: Task): OpenFile | Errno {
    return openTerminal(inode.terminal, inode, path, flags, task);
  }

  /** TIOCGPTPEER: the slave by object and not by name; `master` lies in the mount that shows it, or next to it. */
  #openPeer(slave: SlaveInode, master: Path, flags: number, task: Task): OpenFile | Errno {
    if ((flags & ~(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) !== 0) return EINVAL;
    const mount = master.mount.fs === this ? master.mount : this.#mountNear(master, task);
    if (mount === null) return ENODEV;
    const path = this.kernel.vfs.child(task, { mount, dentry: mount.root }, String(slave.index));
    return isErrno(path) ? path : this.openSlave(slave, path, flags, task);
  }

  #mountNear(master: Path, task: Task): Path["mount"] | null {
    const pts = devptsMountNextTo(master, task);
    return pts !== null && pts.mount.fs === this ? pts.mount : null;
  }
}

/** devpts_mntget(): a ptmx node elsewhere uses the instance mounted on "pts" in its own directory. */
const devptsMountNextTo = (node: Path, task: Task): Path | null => {
  const { parent } = node.dentry;
  if (parent === null) return null;
  const path = task.kernel.vfs.child(task, { mount: node.mount, dentry: parent }, "pts");
  return isErrno(path) || path.dentry !== path.mount.root || !(path.mount.fs instanceof Devpts) ? null : path;
};

const openPtmx = (inode: Inode, path: Path, flags: number, task: Task): OpenFile | Errno => {
  const { fs } = path.mount;
  if (fs instanceof Devpts && inode.fs === fs) return fs.openMaster(inode, path, flags, task);
  const near = devptsMountNextTo(path, task);
  return near === null ? ENODEV : (near.mount.fs as Devpts).openMaster(inode, path, flags, task);
};

/** A slave's number means something only within its own instance. */
const openSlave = (inode: Inode, path: Path, flags: number, task: Task): OpenFile | Errno =>
  inode instanceof SlaveInode && (inode.mode & S_IFMT) === S_IFCHR ? (inode.fs as Devpts).openSlave(inode, path, flags, task) : EIO;

/** Makes devpts known to mount(2) and serves its device numbers. */
export const registerDevpts = (kernel: Kernel): void => {
  const make: FilesystemFactory = (task, _source, data) => {
    const config = parseDevptsOptions(data);
    if (isErrno(config)) return config;
    const namespace = task?.creds.userNamespace ?? initialUserNamespace();
    const uid = config.uid === null ? null : namespace.toKuid(config.uid);
    const gid = config.gid === null ? null : namespace.toKgid(config.gid);
    return uid === INVALID_ID || gid === INVALID_ID ? EINVAL : new Devpts(kernel, { ...config, uid, gid });
  };
  kernel.vfs.registerFilesystem("devpts", make, (task) => task.creds.userNamespace);
  registerCharDevice(TTYAUX_MAJOR, PTMX_MINOR, openPtmx);
  registerCharDevice(UNIX98_PTY_SLAVE_MAJOR, [0, MAX_MINOR], openSlave);
};
