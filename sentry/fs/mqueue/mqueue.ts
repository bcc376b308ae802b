/** mqueue: the POSIX message queues of an IPC namespace as files (mq_overview(7), "Mounting the message queue filesystem"). */
import { S_IFDIR, S_IFMT, S_IFREG } from "../../../syscall-tables/flags/open.ts";
import { RLIMIT_MSGQUEUE } from "../../../syscall-tables/flags/process.ts";
import { EMFILE, ENOSPC, EPERM, type Errno } from "../../abi/errno.ts";
import { firstIpcNamespace, type IpcNamespace, ipcNamespaceOf } from "../../ipc/ipc-namespace.ts";
import { PosixQueue, PosixQueueFile } from "../../ipc/posix-queue.ts";
import type { Kernel } from "../../kernel.ts";
import type { Task } from "../../task/task.ts";
import type { UserAccount } from "../../task/user-accounts.ts";
import type { Inode } from "../../vfs/inode.ts";
import { MemoryDirectory } from "../../vfs/memory/memory-directory.ts";
import { MemoryFilesystem } from "../../vfs/memory/memory-filesystem.ts";
import { MemoryRegular } from "../../vfs/memory/memory-regular.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";

const MQUEUE_MAGIC = 0x19800202;
/** FILENT_SIZE: what stat(2) shows as a queue's size. */
const QUEUE_SIZE = 80;

export interface QueueDefaults {
  readonly queuesMax: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
}

class QueueInode extends MemoryRegular {
  mq: PosixQueue;
  /** Whom RLIMIT_MSGQUEUE charges for it. */
  account: UserAccount | null = null;
  charge = 0;

  constructor(fs: MqueueFilesystem, mode: number, uid: number, gid: number) {
    super(fs, mode, uid, gid);
    const { maxMessages, maxBytes } = fs.defaults();
    this.mq = new PosixQueue(this, maxMessages, maxBytes);
    this.size = QUEUE_SIZE;
  }

  override open(path: Path, flags: number, _task: Task): OpenFile | Errno {
    return new PosixQueueFile(this.mq, path.dentry.name, flags, path);
  }

  /** mqueue_evict_inode() */
  override forget(): void {
    if (this.account !== null) this.account.queueBytes -= this.charge;
    this.account = null;
    super.forget();
  }

  /** O_TRUNC says nothing to a queue. */
  protected override resize(_length: number): number {
    return 0;
  }
}

class QueueDirectory extends MemoryDirectory {
  declare readonly fs: MqueueFilesystem;

  protected override makeRegular(mode: number, uid: number, gid: number): MemoryRegular {
    return new QueueInode(this.fs, mode, uid, gid);
  }

  override create(name: string, mode: number, uid: number, gid: number, rdev: number): Inode | Errno {
    if ((mode & S_IFMT) !== S_IFREG) return EPERM;
    return this.entries.size >= this.fs.defaults().queuesMax ? ENOSPC : super.create(name, mode, uid, gid, rdev);
  }
  override symlink(): Errno {
    return EPERM;
  }
  override link(): number {
    return EPERM;
  }
  override rename(): number {
    return EPERM;
  }
}

export class MqueueFilesystem extends MemoryFilesystem {
  readonly type = "mqueue";
  protected readonly magic = MQUEUE_MAGIC;
  readonly root: QueueDirectory;
  /** mq_open(3) makes names without a walk. */
  override readonly isVolatile = true;
  readonly defaults: () => QueueDefaults;

  constructor(kernel: Kernel, defaults: () => QueueDefaults) {
    super(kernel, 1);
    this.defaults = defaults;
    this.root = new QueueDirectory(this, S_IFDIR | 0o1777, 0, 0);
  }
}

/** The queues by name. */
export class PosixQueues {
  readonly fs: MqueueFilesystem;

  constructor(kernel: Kernel, defaults: () => QueueDefaults) {
    this.fs = new MqueueFilesystem(kernel, defaults);
  }

  get isFull(): boolean {
    return this.fs.root.entries.size >= this.fs.defaults().queuesMax;
  }

  #inode(name: string): QueueInode | null {
    const inode = this.fs.root.lookup(name, null);
    return inode instanceof QueueInode ? inode : null;
  }

  find(name: string): PosixQueue | null {
    return this.#inode(name)?.mq ?? null;
  }

  /** `mode` before the umask. EMFILE: the user has as much of them as RLIMIT_MSGQUEUE permits. */
  create(task: Task, name: string, mode: number, maxMessages: number, maxBytes: number): PosixQueue | Errno {
    // struct msg_msg and a tree node per message: mqueue_get_inode().
    const charge = maxMessages * (maxBytes + 48) + Math.min(maxMessages, 32768) * 48;
    const account = task.kernel.pids.users.of(task.creds.uid);
    if (account.queueBytes + charge > task.process.limits.get(RLIMIT_MSGQUEUE).soft) return EMFILE;
    const { root } = this.fs;
    const full = S_IFREG | (mode & ~task.fs.umask & 0o7777);
    // CAP_SYS_RESOURCE goes beyond the number that creat(2) keeps to.
    const inode = MemoryDirectory.prototype.create.call(root, name, full, task.creds.fsuid, task.creds.fsgid, 0) as QueueInode;
    inode.mq = new PosixQueue(inode, maxMessages, maxBytes);
    account.queueBytes += charge;
    inode.account = account;
    inode.charge = charge;
    return inode.mq;
  }

  unlink(name: string): void {
    const inode = this.#inode(name);
    if (inode === null) return;
    this.fs.root.unlink(name, inode);
    if (inode.openCount === 0) inode.forget();
  }
}

/** mount(2) of type mqueue: the caller's namespace has one. */
export const registerMqueue = (kernel: Kernel): void => {
  const namespaceOf = (task: Task | null): IpcNamespace => (task === null ? firstIpcNamespace(kernel) : ipcNamespaceOf(task));
  kernel.vfs.registerFilesystem(
    "mqueue",
    (task) => namespaceOf(task).posixQueues.fs,
    (task) => namespaceOf(task).userNamespace,
  );
};
