// Every expectation here was seen on Linux's own n_tty.

import assert from "node:assert/strict";
import { test } from "node:test";
import { POLLIN, POLLOUT } from "../../../syscall-tables/flags/poll.ts";
import {
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ECHONL,
  ECHOPRT,
  ICANON,
  ICRNL,
  IGNCR,
  INLCR,
  ISIG,
  ISTRIP,
  IUCLC,
  IUTF8,
  IXANY,
  IXON,
  NOFLSH,
  OCRNL,
  OLCUC,
  ONLRET,
  ONOCR,
  OPOST,
  PARMRK,
  VEOL,
  VMIN,
  VSTOP,
} from "../../../syscall-tables/flags/terminal.ts";
import { EAGAIN } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";

import { kernelIo } from "../../vfs/user-io.ts";
import { TCIOFF, TCOOFF, TCOON } from "./ioctl-numbers.ts";
import { Pty } from "./pty.ts";
import type { SetMode } from "./terminal.ts";
import { Termios, XTABS } from "./termios.ts";

const task = { op: null } as unknown as Task;

class Bench {
  readonly pty = new Pty(0);
  readonly signals: number[] = [];

  constructor(change: (termios: Termios) => void = () => {}) {
    this.pty.signal = (signal) => this.signals.push(signal);
    this.modes(change);
  }

  modes(change: (termios: Termios) => void, mode: SetMode = "now"): this {
    const termios = new Termios();
    this.pty.getTermios(termios);
    change(termios);
    this.pty.setTermios(termios, mode);
    return this;
  }

  /** Types on the keyboard. */
  type(text: string): this {
    this.pty.masterWrite(kernelIo(Buffer.from(text, "latin1"), 0, text.length));
    return this;
  }

  /** Prints from the program. */
  print(text: string): number {
    return this.pty.write(kernelIo(Buffer.from(text, "latin1"), 0, text.length));
  }

  /** What the program reads. */
  read(length = 5000): string | number {
    const bytes = new Uint8Array(length);
    const n = this.pty.read(kernelIo(bytes, 0, length), task, true);
    return n < 0 ? n : Buffer.from(bytes.subarray(0, n)).toString("latin1");
  }

  /** What the screen shows. */
  screen(): string {
    let text = "";
    for (;;) {
      const bytes = new Uint8Array(5000);
      const n = this.pty.masterRead(kernelIo(bytes, 0, bytes.length));
      if (n <= 0) return text;
      text += Buffer.from(bytes.subarray(0, n)).toString("latin1");
    }
  }
}

const without = (flag: number) => (termios: Termios) => {
  termios.lflag &= ~flag;
};
const raw = (termios: Termios): void => {
  termios.iflag = 0;
  termios.lflag = 0;
  termios.oflag = 0;
};

test("a line comes whole and only when it is ended", () => {
  const bench = new Bench().type("ab");
  assert.equal(bench.read(), EAGAIN);
  bench.type("c\n");
  assert.equal(bench.read(), "abc\n");
  assert.equal(bench.read(), EAGAIN);
});

test("one read gives one line, a short one a part of it", () => {
  const bench = new Bench().type("first\nsecond\n");
  assert.equal(bench.read(3), "fir");
  assert.equal(bench.read(), "st\n");
  assert.equal(bench.read(), "second\n");
});

test("end of file: alone it is an empty read, behind text it ends the line without a byte", () => {
  const bench = new Bench().type("\x04");
  assert.equal(bench.read(), "");
  bench.type("abc\x04");
  assert.equal(bench.read(), "abc");
  assert.equal(bench.read(), EAGAIN);
});

test("a read that ends right before the end-of-file mark takes the mark along", () => {
  const bench = new Bench().type("abcd\x04");
  assert.equal(bench.read(4), "abcd");
  assert.equal(bench.read(4), EAGAIN);
  bench.type("abcde\x04\x04");
  assert.equal(bench.read(4), "abcd");
  assert.equal(bench.read(4), "e");
  assert.equal(bench.read(4), "");
});

test("echo shows what is typed, control characters as ^X, the newline as CR LF", () => {
  const bench = new Bench().type("a\x01\x1b\tb\n");
  assert.equal(bench.screen(), "a^A^[\tb\r\n");
});

test("erasing a character, a word, the line", () => {
  const bench = new Bench().type("ab\x7f");
  assert.equal(bench.screen(), "ab\b \b");
  bench.type("\x15one two  \x17");
  assert.equal(bench.screen(), "\b \bone two  \b \b\b \b\b \b\b \b\b \b");
  bench.type("\n");
  assert.equal(bench.read(), "one \n");
});

test("erasing at the start of a line does nothing", () => {
  const bench = new Bench().type("\x7f\x15\x17x\n");
  assert.equal(bench.screen(), "x\r\n");
  assert.equal(bench.read(), "x\n");
});

test("erasing a control character takes two columns, a tab as many as it had", () => {
  const bench = new Bench().type("a\x01\x7f");
  assert.equal(bench.screen(), "a^A\b \b\b \b");
  bench.type("\x15ab\t\x7f");
  assert.equal(bench.screen(), `\b \bab\t${"\b".repeat(6)}`);
});

test("erasing a tab behind a prompt and behind another tab", () => {
  const bench = new Bench();
  bench.print("$ ");
  bench.type("a\t\x7f\t\t\x7f");
  assert.equal(bench.screen(), `$ a\t${"\b".repeat(5)}\t\t${"\b".repeat(8)}`);
});

test("with IUTF8 a character is erased with all its bytes and in one column", () => {
  const bench = new Bench((termios) => {
    termios.iflag |= IUTF8;
  }).type("a\xc3\xa9\x7f\n");
  assert.equal(bench.screen(), "a\xc3\xa9\b \b\r\n");
  assert.equal(bench.read(), "a\n");
});

test("without ECHOE the erase character itself is echoed, without ECHOKE the kill character and a newline", () => {
  const bench = new Bench((termios) => {
    termios.lflag &= ~(ECHOE | ECHOKE);
  }).type("ab\x7f\x15");
  assert.equal(bench.screen(), "ab^?^U\r\n");
  bench.modes(without(ECHOK)).type("x\x15");
  assert.equal(bench.screen(), "x^U");
});

test("ECHOPRT prints erased characters between a backslash and a slash", () => {
  const bench = new Bench((termios) => {
    termios.lflag = (termios.lflag & ~ECHOKE) | ECHOPRT;
  }).type("abc\x7f\x7fd\n");
  assert.equal(bench.screen(), "abc\\cb/d\r\n");
  assert.equal(bench.read(), "ad\n");
});

test("VLNEXT takes the next character as it is", () => {
  const bench = new Bench().type("a\x16\x03\x16\x7fb\n");
  assert.equal(bench.screen(), "a^\b^C^\b^?b\r\n");
  assert.equal(bench.read(), "a\x03\x7fb\n");
  assert.deepEqual(bench.signals, []);
});

test("a literal newline or end-of-file character ends nothing", () => {
  const bench = new Bench().type("a\x16\nb\x16\x04");
  assert.equal(bench.read(), EAGAIN);
  bench.type("\n");
  assert.equal(bench.read(), "a\nb\x04\n");
});

test("VREPRINT shows the line again", () => {
  const bench = new Bench().type("ab\x12");
  assert.equal(bench.screen(), "ab^R\r\nab");
});

test("VEOL and VEOL2 end a line and belong to it", () => {
  const bench = new Bench((termios) => {
    termios.cc[VEOL] = 0x2e;
  }).type("ab.cd.");
  assert.equal(bench.read(), "ab.");
  assert.equal(bench.read(), "cd.");
});

test("signals: to the foreground, echoed, and the input is thrown away", () => {
  const bench = new Bench().type("abc").type("\x03");
  assert.equal(bench.screen(), "abc^C");
  bench.type("x\n");
  assert.equal(bench.read(), "x\n");
  bench.type("\x1c\x1a");
  assert.deepEqual(bench.signals, [2, 3, 20]);
});

test("with NOFLSH a signal leaves the input, without ISIG there is none", () => {
  const bench = new Bench((termios) => {
    termios.lflag |= NOFLSH;
  }).type("ab\x03c\n");
  assert.equal(bench.read(), "abc\n");
  bench.modes(without(ISIG)).type("a\x03\n");
  assert.equal(bench.read(), "a\x03\n");
  assert.deepEqual(bench.signals, [2]);
});

test("a signal in the same input takes back the echo before it", () => {
  const bench = new Bench().type("abc\x03d");
  assert.equal(bench.screen(), "^Cd");
});

test("a line holds 4095 bytes and its end; what is too much is lost", () => {
  const bench = new Bench(without(ECHO)).type("x".repeat(5000)).type("\n");
  assert.equal(bench.read(5000), `${"x".repeat(4095)}\n`);
});

test("NUL, CR and upper case on input", () => {
  assert.equal(new Bench().type("a\rb\n").read(), "a\n");
  const ignoring = new Bench((termios) => {
    termios.iflag = IGNCR;
  });
  assert.equal(ignoring.type("a\rb\n").read(), "ab\n");
  const turned = new Bench((termios) => {
    termios.iflag = INLCR | ICRNL;
  });
  assert.equal(turned.type("a\nb\r").read(), "a\rb\n");
  const lower = new Bench((termios) => {
    termios.iflag = IUCLC | ISTRIP;
  });
  assert.equal(lower.type("AB\xc3\n").read(), "abc\n");
});

test("PARMRK doubles 0xff", () => {
  const bench = new Bench((termios) => {
    raw(termios);
    termios.iflag = PARMRK;
  });
  assert.equal(bench.type("a\xffb").read(), "a\xff\xffb");
});

test("output processing", () => {
  const output = (flags: number, text: string): string => {
    const bench = new Bench((termios) => {
      termios.oflag = flags;
    });
    bench.print(text);
    return bench.screen();
  };
  assert.equal(output(0, "a\n\tb"), "a\n\tb");
  assert.equal(output(OPOST, "a\nb"), "a\nb");
  assert.equal(output(OPOST | OCRNL, "a\rb"), "a\nb");
  assert.equal(output(OPOST | ONOCR, "\ra\r\rb"), "a\rb");
  assert.equal(output(OPOST | OLCUC, "aé\xff"), "A\xc9\xdf");
  assert.equal(output(OPOST | XTABS, "ab\tc\n\td"), "ab      c\n       d");
  assert.equal(output(OPOST | XTABS | ONLRET, "ab\n\td"), "ab\n        d");
});

test("VSTOP holds output and echo back, VSTART lets it go", () => {
  const bench = new Bench();
  bench.type("\x13");
  assert.equal(bench.print("x"), EAGAIN);
  assert.equal(bench.pty.readiness() & POLLOUT, 0);
  bench.type("a");
  assert.equal(bench.screen(), "");
  bench.type("\x11");
  assert.equal(bench.screen(), "a");
  assert.equal(bench.print("x"), 1);
});

test("IXANY: any character lets output go; a signal always does", () => {
  const bench = new Bench((termios) => {
    termios.iflag |= IXANY;
  });
  bench.type("\x13").type("a");
  assert.equal(bench.print("x"), 1);
  bench.modes((termios) => {
    termios.iflag &= ~IXANY;
  });
  bench.type("\x13").type("\x03");
  assert.equal(bench.print("y"), 1);
});

test("TCOOFF is only undone by TCOON; TCIOFF sends the stop character", () => {
  const bench = new Bench();
  bench.pty.flowControl(TCOOFF);
  bench.type("\x11");
  assert.equal(bench.print("x"), EAGAIN);
  bench.pty.flowControl(TCOON);
  assert.equal(bench.print("x"), 1);
  bench.pty.flowControl(TCIOFF);
  assert.equal(bench.screen(), "x\x13");
});

test("switching IXON off restarts stopped output", () => {
  const bench = new Bench().type("\x13");
  bench.modes((termios) => {
    termios.iflag &= ~IXON;
  });
  assert.equal(bench.print("x"), 1);
  assert.equal(bench.pty.termios.cc[VSTOP], 0x13);
});

test("raw mode: bytes as they come, nothing echoed, poll waits for VMIN", () => {
  const bench = new Bench((termios) => {
    raw(termios);
    termios.cc[VMIN] = 3;
  }).type("a\x03");
  assert.equal(bench.pty.readiness() & POLLIN, 0);
  bench.type("\r");
  assert.equal(bench.pty.readiness() & POLLIN, POLLIN);
  assert.equal(bench.read(), "a\x03\r");
  assert.equal(bench.screen(), "");
  bench.modes((termios) => {
    termios.cc[VMIN] = 0;
  });
  assert.equal(bench.read(), "");
});

test("what was typed before ICANON goes off can be read, before it comes on it is a line", () => {
  const bench = new Bench().type("ab");
  bench.modes(without(ICANON));
  assert.equal(bench.read(), "ab");
  bench.type("cd").modes((termios) => {
    termios.lflag |= ICANON;
  });
  assert.equal(bench.read(), "cd");
});

test("a drained or flushed change: only flushing loses the input", () => {
  const bench = new Bench().type("ab\n");
  bench.modes(() => {}, "drain");
  assert.equal(bench.read(), "ab\n");
  bench.type("cd\n").modes(() => {}, "flush");
  assert.equal(bench.read(), EAGAIN);
});

test("ECHONL echoes newlines alone; without ECHOCTL control characters are echoed as they are", () => {
  const bench = new Bench((termios) => {
    termios.lflag = (termios.lflag & ~ECHO) | ECHONL;
  }).type("ab\n");
  assert.equal(bench.screen(), "\r\n");
  const plain = new Bench(without(ECHOCTL)).type("\x01");
  assert.equal(plain.screen(), "\x01");
});

test("FIONREAD counts complete lines without end-of-file marks", () => {
  const bench = new Bench().type("ab\ncd\x04ef");
  assert.equal(bench.pty.inputLength(), 5);
});
