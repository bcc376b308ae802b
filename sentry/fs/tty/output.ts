/**
 * What is printed on a terminal: OPOST processing with the cursor column, and the queue
 * of echoes that wait for room (drivers/tty/n_tty.c keeps the same two).
 */
import { ECHOCTL, IUTF8, OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST } from "../../../syscall-tables/flags/terminal.ts";
import { TABDLY, type Termios, XTABS } from "./termios.ts";

/** Where processed bytes go: a pty's master queue. */
export interface OutputSink {
  /** Bytes that `put` takes now; 0 while output is stopped. */
  readonly outputRoom: number;
  put(byte: number): void;
}

const NL = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const BS = 0x08;
const SPACE = 0x20;
const TAB_WIDTH = 8;

/** Echo queue entries: kind << 8 | byte. */
const ECHO_BYTE = 0;
const ECHO_CHARACTER = 1;
const ECHO_ERASE_TAB = 2;
const ECHO_MOVE_BACK = 3;
const ECHO_SET_START = 4;
const ECHO_LITERAL = 5;
const ECHO_LIMIT = 4096;
/** n_tty's own escape byte (ECHO_OP_START): its echo goes round OPOST. */
const ESCAPE = 0xff;
/** In an ECHO_ERASE_TAB entry: columns count from a tab and not from the start of the input. */
const AFTER_TAB = 0x80;

export const isControl = (byte: number): boolean => byte < 0x20 || byte === 0x7f;
export const isContinuation = (byte: number, termios: Termios): boolean => (termios.iflag & IUTF8) !== 0 && (byte & 0xc0) === 0x80;

/** ctype's toupper over Latin-1, as the kernel has it. */
const toUpper = (byte: number): number => {
  const isLower = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0xdf && byte !== 0xf7);
  return isLower ? byte - 0x20 : byte;
};

export class OutputProcessor {
  readonly #termios: Termios;
  readonly #sink: OutputSink;
  #column = 0;
  /** The column where the current input line started. */
  #startColumn = 0;
  readonly #echoes: number[] = [];

  constructor(termios: Termios, sink: OutputSink) {
    this.#termios = termios;
    this.#sink = sink;
  }

  /** Prints bytes of a program: how many were taken; fewer when there is no room. */
  write(source: Uint8Array, at: number, length: number): number {
    const isProcessed = (this.#termios.oflag & OPOST) !== 0;
    let room = this.#sink.outputRoom;
    for (let i = 0; i < length; i++) {
      if (room <= 0) return i;
      const byte = source[at + i];
      if (!isProcessed) {
        this.#sink.put(byte);
        room--;
        continue;
      }
      const used = this.#process(byte, room);
      if (used < 0) return i;
      room -= used;
    }
    return length;
  }

  /** One byte through OPOST: the bytes it took on the wire, or -1 when they do not fit. */
  #process(byte: number, room: number): number {
    const oflag = this.#termios.oflag;
    let out = byte;
    switch (byte) {
      case NL:
        if ((oflag & ONLRET) !== 0) this.#column = 0;
        if ((oflag & ONLCR) !== 0) {
          if (room < 2) return -1;
          this.#startColumn = this.#column = 0;
          this.#sink.put(CR);
          this.#sink.put(NL);
          return 2;
        }
        this.#startColumn = this.#column;
        break;
      case CR:
        if ((oflag & ONOCR) !== 0 && this.#column === 0) return 0;
        if ((oflag & OCRNL) !== 0) {
          out = NL;
          if ((oflag & ONLRET) !== 0) this.#startColumn = this.#column = 0;
          break;
        }
        this.#startColumn = this.#column = 0;
        break;
      case TAB: {
        const spaces = TAB_WIDTH - (this.#column & (TAB_WIDTH - 1));
        if ((oflag & TABDLY) === XTABS) {
          if (room < spaces) return -1;
          this.#column += spaces;
          for (let i = 0; i < spaces; i++) this.#sink.put(SPACE);
          return spaces;
        }
        this.#column += spaces;
        break;
      }
      case BS:
        if (this.#column > 0) this.#column--;
        break;
      default:
        if (isControl(byte)) break;
        if ((oflag & OLCUC) !== 0) out = toUpper(byte);
        if (!isContinuation(byte, this.#termios)) this.#column++;
    }
    if (room < 1) return -1;
    this.#sink.put(out);
    return 1;
  }

  /** Echo that is printed as it is. */
  echoByte(byte: number): void {
    this.#queue(((byte === ESCAPE ? ECHO_LITERAL : ECHO_BYTE) << 8) | byte);
  }

  /** Echo that ECHOCTL shows as ^X when it is a control character. */
  echoCharacter(byte: number): void {
    const isShown = (this.#termios.lflag & ECHOCTL) !== 0 && isControl(byte) && byte !== TAB;
    if (isShown) this.#queue((ECHO_CHARACTER << 8) | byte);
    else this.echoByte(byte);
  }

  /** Echo that goes back over a tab which had `columns` characters before it. */
  echoEraseTab(columns: number, isAfterTab: boolean): void {
    this.#queue((ECHO_ERASE_TAB << 8) | (columns & 7) | (isAfterTab ? AFTER_TAB : 0));
  }

  /** A byte of a multi-byte character was printed: it took no column of its own. */
  echoMoveBack(): void {
    this.#queue(ECHO_MOVE_BACK << 8);
  }

  /** The next echo is the first of an input line. */
  markStart(): void {
    this.#queue(ECHO_SET_START << 8);
  }

  dropEchoes(): void {
    this.#echoes.length = 0;
  }

  /** Forgets the cursor's column: nobody knows it after a reset. */
  resetColumn(): void {
    this.#column = this.#startColumn = 0;
  }

  #queue(entry: number): void {
    if (this.#echoes.length >= ECHO_LIMIT) this.#echoes.shift();
    this.#echoes.push(entry);
  }

  /** Prints waiting echoes as far as there is room. */
  printEchoes(): void {
    const echoes = this.#echoes;
    if (echoes.length === 0) return;
    let done = 0;
    let room = this.#sink.outputRoom;
    while (done < echoes.length) {
      const used = this.#printEcho(echoes[done], room);
      if (used < 0) break;
      room -= used;
      done++;
    }
    if (done === echoes.length) echoes.length = 0;
    else if (done > 0) echoes.splice(0, done);
  }

  #printEcho(entry: number, room: number): number {
    const byte = entry & 0xff;
    switch (entry >> 8) {
      case ECHO_CHARACTER:
        if (room < 2) return -1;
        this.#sink.put(0x5e);
        this.#sink.put(byte ^ 0x40);
        this.#column += 2;
        return 2;
      case ECHO_ERASE_TAB: {
        const columns = (byte & 7) + ((byte & AFTER_TAB) === 0 ? this.#startColumn : 0);
        const backs = TAB_WIDTH - (columns & (TAB_WIDTH - 1));
        if (room < backs) return -1;
        for (let i = 0; i < backs; i++) {
          this.#sink.put(BS);
          if (this.#column > 0) this.#column--;
        }
        return backs;
      }
      case ECHO_MOVE_BACK:
        if (this.#column > 0) this.#column--;
        return 0;
      case ECHO_SET_START:
        this.#startColumn = this.#column;
        return 0;
      case ECHO_LITERAL:
        if (room < 1) return -1;
        this.#sink.put(byte);
        this.#column++;
        return 1;
      default:
        if ((this.#termios.oflag & OPOST) !== 0) return this.#process(byte, room);
        if (room < 1) return -1;
        this.#sink.put(byte);
        return 1;
    }
  }
}
