/** Terminal modes: termios(3), include/uapi/asm-generic/termbits.h. */
import {
  CREAD,
  CS8,
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ICANON,
  ICRNL,
  IEXTEN,
  ISIG,
  IXON,
  ONLCR,
  OPOST,
} from "../../../syscall-tables/flags/terminal.ts";

export const NCCS = 19;
/** _POSIX_VDISABLE: a special character with this value is off. */
export const VDISABLE = 0;
export const TABDLY = 0o14000;
export const XTABS = 0o14000;

// c_cflag
export const CBAUD = 0o10017;
export const BOTHER = 0o10000;
export const B38400 = 0o17;
export const CSIZE = 0o60;
const IBSHIFT = 16;

/** The kernel's struct termios (TCGETS), struct termios2 (TCGETS2) and struct termio (TCGETA). */
export const TERMIOS_SIZE = 36;
export const TERMIOS2_SIZE = 44;
export const TERMIO_SIZE = 18;
const NCC = 8;

/** Bits per second by the value of c_cflag & CBAUD: 0..15, then CBAUDEX | 1… */
const BAUD_LOW = [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400];
const BAUD_HIGH = [
  57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
];

export class Termios {
  iflag = ICRNL | IXON;
  oflag = OPOST | ONLCR;
  cflag = B38400 | CS8 | CREAD;
  lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
  line = 0;
  readonly cc = Uint8Array.from([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0]);
  ispeed = 38400;
  ospeed = 38400;

  copyFrom(other: Termios): void {
    this.iflag = other.iflag;
    this.oflag = other.oflag;
    this.cflag = other.cflag;
    this.lflag = other.lflag;
    this.line = other.line;
    this.cc.set(other.cc);
    this.ispeed = other.ispeed;
    this.ospeed = other.ospeed;
  }

  /** struct termios, or termios2 when `size` is TERMIOS2_SIZE. */
  encode(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.iflag, true);
    view.setUint32(4, this.oflag, true);
    view.setUint32(8, this.cflag, true);
    view.setUint32(12, this.lflag, true);
    bytes[16] = this.line;
    bytes.set(this.cc, 17);
    if (size === TERMIOS2_SIZE) {
      view.setUint32(36, this.ispeed, true);
      view.setUint32(40, this.ospeed, true);
    }
    return bytes;
  }

  decode(view: DataView): void {
    this.iflag = view.getUint32(0, true);
    this.oflag = view.getUint32(4, true);
    this.cflag = view.getUint32(8, true);
    this.lflag = view.getUint32(12, true);
    this.line = view.getUint8(16);
    for (let i = 0; i < NCCS; i++) this.cc[i] = view.getUint8(17 + i);
    if (view.byteLength >= TERMIOS2_SIZE) {
      this.ispeed = view.getUint32(36, true);
      this.ospeed = view.getUint32(40, true);
    }
    this.#deriveSpeeds();
  }

  /** struct termio: the low halves of the flags and the first eight characters. */
  encodeTermio(): Uint8Array {
    const bytes = new Uint8Array(TERMIO_SIZE);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, this.iflag & 0xffff, true);
    view.setUint16(2, this.oflag & 0xffff, true);
    view.setUint16(4, this.cflag & 0xffff, true);
    view.setUint16(6, this.lflag & 0xffff, true);
    bytes[8] = this.line;
    bytes.set(this.cc.subarray(0, NCC), 9);
    return bytes;
  }

  decodeTermio(view: DataView): void {
    this.iflag = withLowHalf(this.iflag, view.getUint16(0, true));
    this.oflag = withLowHalf(this.oflag, view.getUint16(2, true));
    this.cflag = withLowHalf(this.cflag, view.getUint16(4, true));
    this.lflag = withLowHalf(this.lflag, view.getUint16(6, true));
    this.line = view.getUint8(8);
    for (let i = 0; i < NCC; i++) this.cc[i] = view.getUint8(9 + i);
    this.#deriveSpeeds();
  }

  /** tty_termios_baud_rate: the numbers follow the CBAUD bits unless those say BOTHER. */
  #deriveSpeeds(): void {
    const out = this.cflag & CBAUD;
    if (out !== BOTHER) this.ospeed = baudRate(out);
    const input = (this.cflag >>> IBSHIFT) & CBAUD;
    if (input === 0) this.ispeed = this.ospeed;
    else if (input !== BOTHER) this.ispeed = baudRate(input);
  }
}

const withLowHalf = (flags: number, low: number): number => ((flags & ~0xffff) | low) >>> 0;

const baudRate = (code: number): number => ((code & BOTHER) === 0 ? BAUD_LOW[code] : (BAUD_HIGH[(code & 0o17) - 1] ?? 0));

/** The modes of a pty master's own side: no processing at all (drivers/tty/pty.c). */
export const rawTermios = (): Termios => {
  const termios = new Termios();
  termios.iflag = 0;
  termios.oflag = 0;
  termios.lflag = 0;
  return termios;
};
