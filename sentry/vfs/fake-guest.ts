/** A kernel and tasks for unit tests of files: real VFS, fd tables and credentials; flat guest memory; block() as task/task.ts has it. */
import { O_PATH } from "../../syscall-tables/flags/open.ts";
import { EBADF, EFAULT, ENAMETOOLONG, type Errno } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import type { UserMemory } from "../mm/user-memory.ts";
import type { Implementation } from "../syscalls/implement.ts";
import { BLOCKED, type BlockingOp, type WaitQueue } from "../task/blocking.ts";
import { Credentials } from "../task/credentials.ts";
import type { Task } from "../task/task.ts";
import { FdTable } from "./fd-table.ts";
import type { Filesystem } from "./filesystem.ts";
import { FsContext } from "./fs-context.ts";
import type { OpenFile } from "./open-file.ts";
import { overmounted } from "./tree.ts";
import { Vfs } from "./vfs.ts";

const BASE = 0x10000;
const SIZE = 8 << 20;

class FlatMemory implements UserMemory {
  readonly bytes = new Uint8Array(SIZE);
  readonly view = new DataView(this.bytes.buffer);

  #fit(addr: number, length: number): number {
    return addr < BASE ? 0 : Math.max(0, Math.min(length, BASE + SIZE - addr));
  }
  readInto(addr: number, target: Uint8Array, at: number, length: number): number {
    const n = this.#fit(addr, length);
    if (n > 0) target.set(this.bytes.subarray(addr - BASE, addr - BASE + n), at);
    return n;
  }
  writeFrom(addr: number, source: Uint8Array, at: number, length: number): number {
    const n = this.#fit(addr, length);
    if (n > 0) this.bytes.set(source.subarray(at, at + n), addr - BASE);
    return n;
  }
  copyIn(addr: number, length: number): Uint8Array | Errno {
    return this.#fit(addr, length) < length ? EFAULT : this.bytes.slice(addr - BASE, addr - BASE + length);
  }
  viewIn(addr: number, length: number): DataView | Errno {
    const bytes = this.copyIn(addr, length);
    return typeof bytes === "number" ? bytes : new DataView(bytes.buffer);
  }
  copyOut(addr: number, bytes: Uint8Array): 0 | Errno {
    return this.writeFrom(addr, bytes, 0, bytes.length) === bytes.length ? 0 : EFAULT;
  }
  #load(addr: number, size: number, load: (at: number) => number): number {
    return this.#fit(addr, size) < size ? EFAULT : load(addr - BASE);
  }
  loadU8(addr: number): number {
    return this.#load(addr, 1, (at) => this.bytes[at]);
  }
  loadU16(addr: number): number {
    return this.#load(addr, 2, (at) => this.view.getUint16(at, true));
  }
  loadU32(addr: number): number {
    return this.#load(addr, 4, (at) => this.view.getUint32(at, true));
  }
  loadU64(addr: number): number {
    return this.#load(addr, 8, (at) => Number(this.view.getBigUint64(at, true)));
  }
  storeU8(addr: number, value: number): 0 | Errno {
    return this.copyOut(addr, Uint8Array.of(value));
  }
  storeU16(addr: number, value: number): 0 | Errno {
    return this.copyOut(addr, new Uint8Array(Uint16Array.of(value).buffer));
  }
  storeU32(addr: number, value: number): 0 | Errno {
    return this.copyOut(addr, new Uint8Array(Uint32Array.of(value).buffer));
  }
  storeU64(addr: number, value: number): 0 | Errno {
    return this.copyOut(addr, new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
  }
  readCString(addr: number, max: number): string | Errno {
    const at = addr - BASE;
    const end = this.bytes.indexOf(0, at);
    if (end < 0) return EFAULT;
    return end - at >= max ? ENAMETOOLONG : Buffer.from(this.bytes.subarray(at, end)).toString("latin1");
  }
}

/** A place in guest memory for results. */
export const BUFFER = BASE + 0x1000;
/** A second one, for inputs. */
export const INPUT = BASE + (SIZE >> 1);

export class FakeGuestTask {
  readonly kernel: Kernel;
  readonly memory = new FlatMemory();
  files: FdTable;
  fs: FsContext;
  creds: Credentials;
  readonly process: { pid: number; limits: { get(resource: number): { soft: number } }; isZombie: boolean };
  /** RLIMIT_FSIZE. */
  fileSizeLimit = Number.POSITIVE_INFINITY;
  isDead = true;
  /** Nothing is left to a guest process. */
  readonly thread = { ops: { onFailure: null } };
  op: BlockingOp | null = null;
  result = BLOCKED;
  readonly #queues: WaitQueue[] = [];

  constructor(kernel: Kernel, fs: FsContext, pid: number, creds: Credentials) {
    this.kernel = kernel;
    this.fs = fs;
    this.creds = creds;
    const limits = { get: (resource: number) => ({ soft: resource === 7 ? 1024 : this.fileSizeLimit }) };
    this.process = { pid, limits, isZombie: false };
    this.files = new FdTable(limits);
  }

  get asTask(): Task {
    return this as unknown as Task;
  }

  file(fd: number): OpenFile | Errno {
    const file = this.files.get(fd);
    return file === null || (file.flags & O_PATH) !== 0 ? EBADF : file;
  }

  block(op: BlockingOp): number {
    this.op = op;
    op.subscribe(this.asTask);
    return this.step();
  }
  waitOn(queue: WaitQueue): void {
    queue.add(this);
    this.#queues.push(queue);
  }
  /** Steps at once: the tests look at `result`. */
  wake(): void {
    queueMicrotask(() => this.step());
  }
  step(): number {
    if (this.op === null) return this.result;
    this.result = this.op.step(this.asTask);
    if (this.result !== BLOCKED) {
      this.op = null;
      for (const queue of this.#queues.splice(0)) queue.remove(this);
    }
    return this.result;
  }

  /** Calls a handler; strings go as they are. */
  call(implementation: Implementation, ...args: (number | string | null)[]): number {
    return (implementation.handler as unknown as (task: Task, ...args: unknown[]) => number)(this.asTask, ...args);
  }
  /** Puts bytes at INPUT. */
  input(data: string | Uint8Array): number {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.memory.copyOut(INPUT, bytes);
    return bytes.length;
  }
  output(length: number): string {
    return Buffer.from(this.memory.copyIn(BUFFER, length) as Uint8Array).toString("latin1");
  }
}

export interface FakeGuest {
  readonly kernel: Kernel;
  readonly vfs: Vfs;
  readonly task: FakeGuestTask;
  /** One more task in the same namespace with its own fd table. */
  fork(creds?: Credentials): FakeGuestTask;
}

let nowSec = 1_700_000_000;
/** Moves the clock. */
export const passTime = (seconds: number): void => {
  nowSec += seconds;
};

/** `makeRoot` makes the root filesystem once the kernel is there. */
export const fakeGuest = (makeRoot: (kernel: Kernel) => Filesystem, creds: Credentials = Credentials.create(0, 0)): FakeGuest => {
  const tasks: FakeGuestTask[] = [];
  const kernel = {
    clock: {
      monotonicNs: () => nowSec * 1e9,
      stamp: (time: { sec: number; nsec: number }) => {
        time.sec = nowSec;
        time.nsec = 0;
      },
    },
    pids: { *processes() {}, pid: () => null },
    schedule: (task: FakeGuestTask) => task.wake(),
  } as unknown as Kernel;
  const vfs = new Vfs(kernel);
  (kernel as { vfs: Vfs }).vfs = vfs;
  const namespace = vfs.createNamespace(makeRoot(kernel), "root");
  const root = overmounted(namespace.root, namespace.root.root);
  const fork = (as = creds): FakeGuestTask => {
    const task = new FakeGuestTask(kernel, new FsContext(namespace, root, root, 0o022), tasks.length + 1, as);
    tasks.push(task);
    return task;
  };
  return { kernel, vfs, task: fork(), fork };
};
