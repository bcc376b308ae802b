/**
 * A pseudoterminal pair (pty(7)): what is written to the master is typed on the slave, and
 * what is printed on the slave is read from the master.
 */

import { POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { SIGWINCH } from "../../../syscall-tables/flags/signal.ts";
import { CREAD, CS8, EXTPROC, IXON, OPOST, PARENB, TOSTOP, VSTART, VSTOP } from "../../../syscall-tables/flags/terminal.ts";
import { EAGAIN, EINVAL, EIO } from "../../abi/errno.ts";

import { WaitQueue } from "../../task/blocking.ts";
import type { Task } from "../../task/task.ts";
import { makedev } from "../../vfs/devices.ts";
import type { Io } from "../../vfs/io.ts";

import { ByteQueue } from "./byte-queue.ts";
import {
  TCIOFF,
  TCION,
  TCOOFF,
  TCOON,
  TIOCPKT_DATA,
  TIOCPKT_DOSTOP,
  TIOCPKT_FLUSHREAD,
  TIOCPKT_FLUSHWRITE,
  TIOCPKT_IOCTL,
  TIOCPKT_NOSTOP,
  TIOCPKT_START,
  TIOCPKT_STOP,
} from "./ioctl-numbers.ts";
import { LineDiscipline, type LinePort } from "./line-discipline.ts";
import { type SetMode, Terminal, type WindowSize } from "./terminal.ts";
import { CSIZE, TABDLY, Termios, XTABS } from "./termios.ts";
import { TimedReads } from "./timed-reads.ts";

export const UNIX98_PTY_SLAVE_MAJOR = 136;
/** What a master's line discipline holds (n_tty's buffer less one), and thus the most one read gives. */
const MASTER_READ_LIMIT = 4095;
/** Printed and unread, or typed and not yet edited: as much as Linux takes in its flip buffers. */
const OUTPUT_LIMIT = MASTER_READ_LIMIT + 15_360;
const TYPED_LIMIT = 14_336;
/** A slave's write is processed in pieces of this size. */
const CHUNK = 2048;

export class Pty extends Terminal implements LinePort {
  readonly index: number;
  readonly rdev: number;
  readonly termios = new Termios();
  readonly discipline: LineDiscipline;
  readonly windowSize: WindowSize = { rows: 0, cols: 0, xpixel: 0, ypixel: 0 };
  /** TIOCSPTLCK: the slave cannot be opened before unlockpt(3). */
  isLocked = true;
  /** TIOCPKT */
  isPacketMode = false;
  /** Notified for the master's readers and writers. */
  readonly masterQueue = new WaitQueue();
  #packetStatus = 0;
  #isMasterOpen = true;
  #slaveCount = 0;
  /** The slave was open and is no more (TTY_OTHER_CLOSED). */
  #hasSlaveLeft = false;
  readonly #printed = new ByteQueue(OUTPUT_LIMIT);
  readonly #typed = new ByteQueue(TYPED_LIMIT);
  readonly #chunk = new Uint8Array(CHUNK);
  readonly #timedReads = new TimedReads(this.waitQueue);
  #isDelivering = false;
  /** Printed bytes when the delivery began. */
  #settledLength = 0;
  #hasNews = false;

  constructor(index: number) {
    super();
    this.index = index;
    this.rdev = makedev(UNIX98_PTY_SLAVE_MAJOR, index);
    this.discipline = new LineDiscipline(this.termios, this);
  }

  get name(): string {
    return `pts/${this.index}`;
  }

  // --- the discipline's side

  get outputRoom(): number {
    return this.discipline.isStopped || !this.#isMasterOpen ? 0 : this.#printed.room;
  }

  put(byte: number): void {
    this.#printed.push(byte);
    this.#hasNews = true;
  }

  /** Tells the master's readers once per call, however many bytes were printed in it. */
  #announce(): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    this.masterQueue.notify(POLLIN | POLLRDNORM);
  }

  flowChanged(isStopped: boolean): void {
    this.#tellPacket(isStopped ? TIOCPKT_STOP : TIOCPKT_START, isStopped ? TIOCPKT_START : TIOCPKT_STOP);
    if (!isStopped) this.waitQueue.notify(POLLOUT | POLLWRNORM);
  }

  inputFlushed(): void {
    this.#tellPacket(TIOCPKT_FLUSHREAD, 0);
    this.#typedDelivered();
  }

  #tellPacket(set: number, cleared: number): void {
    if (!this.isPacketMode) return;
    this.#packetStatus = (this.#packetStatus & ~cleared) | set;
    this.masterQueue.notify(POLLPRI | POLLIN | POLLRDNORM);
  }

  // --- the slave: a Terminal

  getTermios(target: Termios): number {
    target.copyFrom(this.termios);
    return 0;
  }

  setTermios(termios: Termios, mode: SetMode): number {
    // Only what the discipline holds (n_tty_flush_buffer): bytes that wait before it stay.
    if (mode === "flush") this.discipline.flushInput();
    const { iflag, lflag } = this.termios;
    const hadFlow = this.#hasStandardFlow();
    this.termios.copyFrom(termios);
    // pty_set_termios: there are no other frames on this line.
    this.termios.cflag = ((this.termios.cflag & ~(CSIZE | PARENB)) | CS8 | CREAD) >>> 0;
    this.discipline.termiosChanged(iflag, lflag);
    const hasFlow = this.#hasStandardFlow();
    if (hasFlow !== hadFlow) this.#tellPacket(hasFlow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP, hasFlow ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
    if (((lflag | this.termios.lflag) & EXTPROC) !== 0) this.#tellPacket(TIOCPKT_IOCTL, 0);
    this.#deliver();
    this.waitQueue.notify();
    return 0;
  }

  #hasStandardFlow(): boolean {
    const { cc, iflag } = this.termios;
    return (iflag & IXON) !== 0 && cc[VSTOP] === 0x13 && cc[VSTART] === 0x11;
  }

  getWindowSize(target: WindowSize): number {
    Object.assign(target, this.windowSize);
    return 0;
  }

  setWindowSize(size: WindowSize): number {
    const { rows, cols, xpixel, ypixel } = this.windowSize;
    if (rows === size.rows && cols === size.cols && xpixel === size.xpixel && ypixel === size.ypixel) return 0;
    Object.assign(this.windowSize, size);
    this.signal(SIGWINCH);
    return 0;
  }

  read(io: Io, task: Task, isNonblocking: boolean): number {
    const { discipline } = this;
    if (io.remaining === 0) return 0;
    if (discipline.readsLines) {
      if (!discipline.isReadable(1)) return this.#isMasterOpen ? EAGAIN : EIO;
      return this.#inputTaken(discipline.input.readLine(io));
    }
    const available = discipline.input.length;
    const limit = Math.min(available, io.remaining);
    const verdict = this.#timedReads.check(this.termios.cc, available, io.remaining, task, isNonblocking);
    if (verdict === "wait") return this.#isMasterOpen ? EAGAIN : EIO;
    if (verdict === "end" || limit === 0) return 0;
    return this.#inputTaken(discipline.input.readBytes(io));
  }

  #inputTaken(result: number): number {
    if (result >= 0) this.#deliver();
    return result;
  }

  write(io: Io): number {
    if (!this.#isMasterOpen) return EIO;
    this.discipline.output.printEchoes();
    let done = 0;
    while (io.remaining > 0) {
      // What is taken from the caller is printed for sure: room for the longest expansion is there.
      const want = Math.min(CHUNK, io.remaining, this.#programRoom());
      const n = want === 0 ? EAGAIN : io.take(this.#chunk, 0, want);
      if (n <= 0) {
        this.#announce();
        return done > 0 ? done : n;
      }
      this.discipline.output.write(this.#chunk, 0, n);
      done += n;
    }
    this.#announce();
    return done;
  }

  /** Bytes of a program that surely can be printed: a tab may take eight places, a newline two. */
  #programRoom(): number {
    const { oflag } = this.termios;
    const shift = (oflag & OPOST) === 0 ? 0 : (oflag & TABDLY) === XTABS ? 3 : 1;
    return this.outputRoom >> shift;
  }

  readiness(): number {
    let bits = 0;
    if (this.discipline.isReadable(this.discipline.pollMinimum)) bits |= POLLIN | POLLRDNORM;
    if (!this.#isMasterOpen) bits |= POLLHUP;
    if (this.#programRoom() > 0) bits |= POLLOUT | POLLWRNORM;
    return bits;
  }

  inputLength(): number {
    return this.discipline.inputLength;
  }

  outputLength(): number {
    return 0;
  }

  flushInput(): void {
    this.#typed.cut(0);
    this.discipline.flushInput();
  }

  /**
   * What the master's line discipline has already got cannot be taken back
   * (pty_flush_buffer); echoes of the input that is being delivered have not got there yet.
   */
  flushOutput(): void {
    this.#printed.cut(Math.min(MASTER_READ_LIMIT, this.#isDelivering ? this.#settledLength : MASTER_READ_LIMIT));
    this.#tellPacket(TIOCPKT_FLUSHWRITE, 0);
    this.waitQueue.notify(POLLOUT | POLLWRNORM);
  }

  flowControl(action: number): number {
    const { discipline } = this;
    switch (action) {
      case TCOOFF:
        if (!discipline.isStoppedByIoctl) {
          discipline.isStoppedByIoctl = true;
          discipline.stop();
        }
        return 0;
      case TCOON:
        if (discipline.isStoppedByIoctl) {
          discipline.isStoppedByIoctl = false;
          discipline.start();
          this.#announce();
        }
        return 0;
      case TCIOFF:
        return this.#sendFlowCharacter(VSTOP);
      case TCION:
        return this.#sendFlowCharacter(VSTART);
      default:
        return EINVAL;
    }
  }

  /** tty_send_xchar(): past the output processing, even while output is stopped. */
  #sendFlowCharacter(index: number): number {
    const c = this.termios.cc[index];
    const { isStopped } = this.discipline;
    if (isStopped) this.discipline.start();
    if (c !== 0 && this.outputRoom > 0) this.put(c);
    if (isStopped) this.discipline.stop();
    this.#announce();
    return 0;
  }

  injectInput(byte: number): number {
    if (this.#typed.room > 0) this.#typed.push(byte);
    this.#deliver();
    return 0;
  }

  get stopsBackgroundOutput(): boolean {
    return (this.termios.lflag & TOSTOP) !== 0;
  }

  /** Typed bytes go through the discipline as far as it has room. */
  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    this.#settledLength = this.#printed.length;
    let moved = 0;
    while (this.#typed.length > 0) {
      const front = this.#typed.front;
      const n = this.discipline.receive(front, 0, front.length);
      if (n === 0) break;
      // A signal character may have emptied the queue.
      this.#typed.discard(Math.min(n, this.#typed.length));
      moved += n;
    }
    this.#isDelivering = false;
    this.#announce();
    if (moved > 0) this.#typedDelivered();
  }

  #typedDelivered(): void {
    if (this.discipline.isReadable(1)) this.waitQueue.notify(POLLIN | POLLRDNORM);
    this.masterQueue.notify(POLLOUT | POLLWRNORM);
  }

  // --- opening and closing

  /** The slave cannot be opened while it is locked, nor after the master is gone. */
  override mayOpen(): number {
    return this.isLocked || !this.#isMasterOpen ? EIO : 0;
  }

  override fileOpened(): void {
    this.#slaveCount++;
    this.#hasSlaveLeft = false;
    this.masterQueue.notify();
  }

  override fileClosed(): void {
    if (--this.#slaveCount > 0) return;
    this.isExclusive = false;
    this.isPacketMode = false;
    this.#hasSlaveLeft = true;
    this.masterQueue.notify();
  }

  /** The slave hangs up when its master goes. */
  closeMaster(): void {
    this.#isMasterOpen = false;
    this.isPacketMode = false;
    this.hangUp();
  }

  // --- the master

  masterRead(io: Io): number {
    if (this.isPacketMode && this.#packetStatus !== 0) {
      this.#chunk[0] = this.#packetStatus;
      const n = io.put(this.#chunk, 0, 1);
      if (n > 0) this.#packetStatus = 0;
      return n;
    }
    if (io.remaining === 0) return 0;
    if (this.#printed.length === 0) return this.#hasSlaveLeft ? EIO : EAGAIN;
    let header = 0;
    if (this.isPacketMode) {
      this.#chunk[0] = TIOCPKT_DATA;
      header = io.put(this.#chunk, 0, 1);
      if (header <= 0 || io.remaining === 0) return header;
    }
    const n = this.#printed.drain(io, MASTER_READ_LIMIT);
    if (n < 0) return n;
    this.waitQueue.notify(POLLOUT | POLLWRNORM);
    return header + n;
  }

  masterWrite(io: Io): number {
    if (io.remaining === 0) return 0;
    let done = 0;
    while (io.remaining > 0) {
      const n = this.#typed.fill(io);
      if (n < 0) return done > 0 ? done : n;
      if (n === 0) break;
      done += n;
      this.#deliver();
    }
    return done === 0 ? EAGAIN : done;
  }

  masterReadiness(): number {
    let bits = 0;
    if (this.#printed.length > 0) bits |= POLLIN | POLLRDNORM;
    if (this.isPacketMode && this.#packetStatus !== 0) bits |= POLLPRI | POLLIN | POLLRDNORM;
    if (this.#hasSlaveLeft) bits |= POLLHUP;
    if (this.#typed.room > 0) bits |= POLLOUT | POLLWRNORM;
    return bits;
  }

  setPacketMode(isOn: boolean): void {
    if (isOn && !this.isPacketMode) this.#packetStatus = 0;
    this.isPacketMode = isOn;
  }

  get unreadLength(): number {
    return Math.min(this.#printed.length, MASTER_READ_LIMIT);
  }

  /** TCFLSH on the master: what the master has not read yet. */
  flushPrinted(): void {
    this.#printed.cut(0);
    this.waitQueue.notify(POLLOUT | POLLWRNORM);
  }

  /** TCOFLUSH on the master: what was typed and not yet taken in. */
  flushTyped(): void {
    this.#typed.cut(0);
    this.masterQueue.notify(POLLOUT | POLLWRNORM);
  }
}
