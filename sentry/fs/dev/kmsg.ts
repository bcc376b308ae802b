/** kmsg: the kernel's log, record by record (Documentation/ABI/testing/dev-kmsg); read with CAP_SYSLOG (dmesg_restrict). */
import { SEEK_DATA, SEEK_END, SEEK_SET } from "../../../syscall-tables/flags/fd.ts";
import { O_ACCMODE, O_WRONLY } from "../../../syscall-tables/flags/open.ts";
import { POLLERR, POLLIN, POLLOUT, POLLPRI, POLLRDNORM } from "../../../syscall-tables/flags/poll.ts";
import { CAP_SYSLOG } from "../../../syscall-tables/flags/system.ts";
import { EAGAIN, EFAULT, EINVAL, EPERM, EPIPE, type Errno, ESPIPE } from "../../abi/errno.ts";
import type { WaitQueue } from "../../task/blocking.ts";
import { appendToLog, logCleared, logEnd, logQueue, logRecord, logStart } from "../../task/kernel-log.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { Io } from "../../vfs/io.ts";
import { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";

/** PRINTKRB_RECORD_MAX */
const RECORD_MAX = 1024;
/** LOG_USER | MESSAGE_LOGLEVEL_DEFAULT */
const DEFAULT_PRIORITY = (1 << 3) | 4;
const LEVEL_MASK = 7;
const US_PER_NS = 1e-3;

const line = Buffer.alloc(RECORD_MAX);

/** msg_add_ext_text(): what is not printable is \xNN. */
const escaped = (text: string): string =>
  text.replace(/[^\x20-\x7e]|\\/g, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`);

class KmsgFile extends OpenFile {
  #next = logStart();

  override read(io: Io, _task: Task): number {
    if (this.#next < logStart()) {
      this.#next = logStart();
      return EPIPE;
    }
    const record = logRecord(this.#next);
    if (record === undefined) return EAGAIN;
    const text = Buffer.from(`${record.priority},${this.#next},${record.timeUs},-;${escaped(record.text)}\n`, "latin1");
    this.#next++;
    if (text.length > io.remaining) return EINVAL;
    return io.put(text, 0, text.length) === text.length ? text.length : EFAULT;
  }

  /** devkmsg_write(): one record; "<N>" in front is its priority, which cannot be the kernel's own. */
  override write(io: Io, task: Task): number {
    const length = io.remaining;
    if (length > RECORD_MAX) return EINVAL;
    if (io.take(line, 0, length) !== length) return EFAULT;
    const written = line.toString("latin1", 0, length);
    const [prefix, digits] = /^<(\d{1,9})>/.exec(written) ?? [""];
    const given = digits === undefined ? DEFAULT_PRIORITY : Number(digits);
    const facility = given & ~LEVEL_MASK || DEFAULT_PRIORITY & ~LEVEL_MASK;
    const timeUs = Math.floor(task.kernel.clock.monotonicNs() * US_PER_NS);
    appendToLog({ priority: facility | (given & LEVEL_MASK), timeUs, text: written.slice(prefix.length).replace(/\n$/, "") });
    logQueue.notify(POLLIN | POLLRDNORM);
    return length;
  }

  /** devkmsg_llseek(): to the first record, to the first since the last clearing, behind the last. */
  override seek(offset: number, whence: number): number {
    if (offset !== 0) return ESPIPE;
    if (whence === SEEK_SET) this.#next = logStart();
    else if (whence === SEEK_DATA) this.#next = logCleared();
    else if (whence === SEEK_END) this.#next = logEnd();
    else return EINVAL;
    return 0;
  }

  override readiness(): number {
    const isLost = this.#next < logStart();
    return POLLOUT | (this.#next < logEnd() ? POLLIN | POLLRDNORM : 0) | (isLost ? POLLERR | POLLPRI : 0);
  }

  override get waitQueue(): WaitQueue {
    return logQueue;
  }
}

export const openKmsg = (inode: Inode, path: Path | null, flags: number, task: Task): OpenFile | Errno =>
  (flags & O_ACCMODE) === O_WRONLY || task.creds.has(CAP_SYSLOG) ? new KmsgFile(inode, path, flags) : EPERM;
