/**
 * N_TTY, the standard line discipline: what typed bytes become (termios(3)). Edited lines
 * in canonical mode, plain bytes otherwise; signals, flow control and echo on the way.
 */

import { SIGINT, SIGQUIT, SIGTSTP } from "../../../syscall-tables/flags/signal.ts";
import {
  ECHO,
  ECHOCTL,
  ECHONL,
  EXTPROC,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNCR,
  INLCR,
  ISIG,
  ISTRIP,
  IUCLC,
  IXANY,
  IXON,
  NOFLSH,
  PARMRK,
  VEOF,
  VEOL,
  VEOL2,
  VERASE,
  VINTR,
  VKILL,
  VLNEXT,
  VMIN,
  VQUIT,
  VREPRINT,
  VSTART,
  VSTOP,
  VSUSP,
  VTIME,
  VWERASE,
} from "../../../syscall-tables/flags/terminal.ts";
import { LINE_BUFFER_SIZE, LineBuffer } from "./line-buffer.ts";
import { eraseInput } from "./line-editing.ts";
import { OutputProcessor, type OutputSink } from "./output.ts";
import { type Termios, VDISABLE } from "./termios.ts";

const NL = 0x0a;
const CR = 0x0d;
const BS = 0x08;
const CARET = 0x5e;
const MARKED = 0xff;

/** What the discipline asks of the terminal around it. */
export interface LinePort extends OutputSink {
  /** To the foreground process group. */
  signal(signal: number): void;
  /** VSTOP, VSTART or TCXONC changed whether output flows. */
  flowChanged(isStopped: boolean): void;
  /** Output that nobody has seen yet is thrown away (SIGINT and friends). */
  flushOutput(): void;
  /** The input was thrown away. */
  inputFlushed(): void;
}

/** ctype's tolower over Latin-1, as the kernel has it. */
const toLower = (byte: number): number => {
  const isUpper = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0xc0 && byte <= 0xde && byte !== 0xd7);
  return isUpper ? byte + 0x20 : byte;
};

export class LineDiscipline {
  readonly termios: Termios;
  readonly input = new LineBuffer();
  readonly output: OutputProcessor;
  readonly #port: LinePort;
  /** Bytes that need a look; all others go straight to the buffer. */
  readonly #special = new Uint8Array(256);
  #isRaw = false;
  #isCanonical = true;
  #isLiteralNext = false;
  /** ECHOPRT: between the backslash and the slash. */
  isErasing = false;
  /** Stopped by VSTOP or TCOOFF. */
  isStopped = false;
  /** Stopped by TCOOFF: only TCOON goes on. */
  isStoppedByIoctl = false;

  constructor(termios: Termios, port: LinePort) {
    this.termios = termios;
    this.#port = port;
    this.output = new OutputProcessor(termios, port);
    this.#classify();
  }

  /** After a change of `termios`, whose flags before were `oldIflag` and `oldLflag`. */
  termiosChanged(oldIflag: number, oldLflag: number): void {
    const lflag = this.termios.lflag;
    if (((oldLflag ^ lflag) & (ICANON | EXTPROC)) !== 0) {
      this.input.changeMode((lflag & ICANON) !== 0);
      this.isErasing = false;
      this.#isLiteralNext = false;
    }
    this.#classify();
    if ((this.termios.iflag & IXON) === 0 && (oldIflag & IXON) !== 0 && !this.isStoppedByIoctl) {
      this.start();
      this.output.printEchoes();
    }
  }

  #classify(): void {
    const { iflag, lflag, cc } = this.termios;
    this.#isCanonical = (lflag & ICANON) !== 0;
    this.#special.fill(0);
    this.#isRaw = (iflag & (ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK)) === 0 && (lflag & (ICANON | ISIG | ECHO)) === 0;
    if (this.#isRaw) return;
    const mark = (...indexes: number[]): void => {
      for (const index of indexes) this.#special[cc[index]] = 1;
    };
    if ((iflag & IXON) !== 0) mark(VSTART, VSTOP);
    if ((lflag & ISIG) !== 0) mark(VINTR, VQUIT, VSUSP);
    if (this.#isCanonical) {
      mark(VERASE, VKILL, VEOF, VEOL);
      if ((lflag & IEXTEN) !== 0) mark(VWERASE, VLNEXT, VEOL2);
      if ((lflag & IEXTEN) !== 0 && (lflag & ECHO) !== 0) mark(VREPRINT);
    }
    this.#special[VDISABLE] = 0;
    if ((iflag & (IGNCR | ICRNL)) !== 0) this.#special[CR] = 1;
    if ((iflag & INLCR) !== 0 || this.#isCanonical) this.#special[NL] = 1;
  }

  #has(flag: number): boolean {
    return (this.termios.lflag & flag) !== 0;
  }

  get #readsLines(): boolean {
    return this.#isCanonical && !this.#has(EXTPROC);
  }

  /** Whether a reader that wants `minimum` bytes finds something. */
  isReadable(minimum: number): boolean {
    return this.#readsLines ? this.input.hasLine : this.input.length >= Math.max(1, minimum);
  }

  /** What poll(2) waits for: VMIN bytes, unless a timer would end the read before. */
  get pollMinimum(): number {
    const { cc } = this.termios;
    return cc[VTIME] === 0 && cc[VMIN] > 0 ? cc[VMIN] : 1;
  }

  get readsLines(): boolean {
    return this.#readsLines;
  }

  /** FIONREAD. */
  get inputLength(): number {
    return this.#isCanonical ? this.input.canonicalLength : this.input.length;
  }

  /** Takes typed bytes as far as the buffer has room: how many. */
  receive(source: Uint8Array, at: number, length: number): number {
    let done = 0;
    while (done < length) {
      // With PARMRK a byte may become three (n_tty_receive_buf_common).
      let room = LINE_BUFFER_SIZE - this.input.length;
      if ((this.termios.iflag & PARMRK) !== 0) room = Math.ceil(room / 3);
      room--;
      if (room <= 0) {
        // A line that is too long loses its latest bytes, so that it can still be ended.
        if (!this.#isCanonical || this.input.hasLine) break;
        if (room < 0) this.input.head--;
        room = 1;
      }
      const n = Math.min(room, length - done);
      if (this.#isRaw) this.input.putAll(source, at + done, n);
      else for (let i = 0; i < n; i++) this.#receiveByte(source[at + done + i]);
      done += n;
      // Piece by piece: more echoes than their queue holds would be lost.
      if (this.#has(ECHO | ECHONL)) this.output.printEchoes();
    }
    return done;
  }

  #receiveByte(byte: number): void {
    const { iflag } = this.termios;
    let c = byte;
    if ((iflag & ISTRIP) !== 0) c &= 0x7f;
    if ((iflag & IUCLC) !== 0 && this.#has(IEXTEN)) c = toLower(c);
    if (this.#isLiteralNext) {
      this.#isLiteralNext = false;
      this.#receiveOrdinary(c);
    } else if (this.#has(EXTPROC)) {
      this.input.put(c);
    } else if (this.#special[c] === 1) {
      this.#receiveSpecial(c);
    } else {
      this.#startOnAny();
      this.#receiveOrdinary(c);
    }
  }

  #startOnAny(): void {
    if (!this.isStopped || this.isStoppedByIoctl) return;
    if ((this.termios.iflag & IXON) === 0 || (this.termios.iflag & IXANY) === 0) return;
    this.start();
    this.output.printEchoes();
  }

  #receiveOrdinary(c: number): void {
    if (this.#has(ECHO)) {
      this.finishErasing();
      this.#markLineStart();
      this.output.echoCharacter(c);
    }
    this.#keep(c);
  }

  /** A newline that came out of a translation is echoed as one; typed and without a meaning it is ^J. */
  #receiveTranslated(c: number): void {
    if (c !== NL || !this.#has(ECHO)) {
      this.#receiveOrdinary(c);
      return;
    }
    this.finishErasing();
    this.output.echoByte(NL);
    this.#keep(c);
  }

  #keep(c: number): void {
    if (c === MARKED && (this.termios.iflag & PARMRK) !== 0) this.input.put(c);
    this.input.put(c);
  }

  #markLineStart(): void {
    if (this.input.canonHead === this.input.head) this.output.markStart();
  }

  #receiveSpecial(typed: number): void {
    const { iflag, cc } = this.termios;
    if ((iflag & IXON) !== 0) {
      if (typed === cc[VSTART]) {
        this.start();
        this.output.printEchoes();
        return;
      }
      if (typed === cc[VSTOP]) {
        this.stop();
        return;
      }
    }
    if (this.#has(ISIG)) {
      const signal = typed === cc[VINTR] ? SIGINT : typed === cc[VQUIT] ? SIGQUIT : typed === cc[VSUSP] ? SIGTSTP : 0;
      if (signal !== 0) {
        this.#receiveSignal(signal, typed);
        return;
      }
    }
    this.#startOnAny();

    let c = typed;
    if (c === CR) {
      if ((iflag & IGNCR) !== 0) return;
      if ((iflag & ICRNL) !== 0) c = NL;
    } else if (c === NL && (iflag & INLCR) !== 0) {
      c = CR;
    }
    if (!this.#isCanonical || !this.#receiveEditing(c)) this.#receiveTranslated(c);
  }

  /** Characters with a meaning in canonical mode; false: `c` is ordinary after all. */
  #receiveEditing(c: number): boolean {
    const { cc } = this.termios;
    const isExtended = this.#has(IEXTEN);
    // A special character that is set to VDISABLE is never asked for: NUL is not marked special.
    if (c === cc[VERASE]) eraseInput(this, "character");
    else if (c === cc[VKILL]) eraseInput(this, "line");
    else if (c === cc[VWERASE] && isExtended) eraseInput(this, "word");
    else if (c === cc[VLNEXT] && isExtended) this.#beginLiteral();
    else if (c === cc[VREPRINT] && isExtended && this.#has(ECHO)) this.#reprint(c);
    else if (c === NL) {
      if (this.#has(ECHO | ECHONL)) this.output.echoByte(NL);
      this.input.putLineEnd(NL);
    } else if (c === cc[VEOF]) this.input.putLineEnd(VDISABLE);
    else if (c === cc[VEOL] || (c === cc[VEOL2] && isExtended)) {
      if (this.#has(ECHO)) {
        this.#markLineStart();
        this.output.echoCharacter(c);
      }
      if (c === MARKED && (this.termios.iflag & PARMRK) !== 0) this.input.put(c);
      this.input.putLineEnd(c);
    } else return false;
    return true;
  }

  #beginLiteral(): void {
    this.#isLiteralNext = true;
    if (!this.#has(ECHO)) return;
    this.finishErasing();
    if (!this.#has(ECHOCTL)) return;
    this.output.echoByte(CARET);
    this.output.echoByte(BS);
  }

  #reprint(c: number): void {
    this.finishErasing();
    this.output.echoCharacter(c);
    this.output.echoByte(NL);
    for (let i = this.input.canonHead; i < this.input.head; i++) this.output.echoCharacter(this.input.at(i));
  }

  /** ECHOPRT ends its run of erased characters with a slash. */
  finishErasing(): void {
    if (!this.isErasing) return;
    this.output.echoByte(0x2f);
    this.isErasing = false;
  }

  #receiveSignal(signal: number, c: number): void {
    this.#port.signal(signal);
    if (!this.#has(NOFLSH)) {
      this.output.dropEchoes();
      this.#port.flushOutput();
      this.flushInput();
    }
    if ((this.termios.iflag & IXON) !== 0) this.start();
    // The echo waits for the end of the input at hand: another signal in it takes it back.
    if (this.#has(ECHO)) this.output.echoCharacter(c);
    else this.output.printEchoes();
  }

  flushInput(): void {
    this.input.clear();
    this.#isLiteralNext = false;
    this.isErasing = false;
    this.#port.inputFlushed();
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.#port.flowChanged(true);
  }

  start(): void {
    if (!this.isStopped || this.isStoppedByIoctl) return;
    this.isStopped = false;
    this.#port.flowChanged(false);
  }
}
