/** VERASE, VWERASE and VKILL: what they take from the line and how that looks (termios(3)). */
import { ECHO, ECHOCTL, ECHOE, ECHOK, ECHOKE, ECHOPRT, VERASE, VKILL } from "../../../syscall-tables/flags/terminal.ts";
import type { LineDiscipline } from "./line-discipline.ts";
import { isContinuation, isControl } from "./output.ts";

const BS = 0x08;
const TAB = 0x09;
const NL = 0x0a;
const SPACE = 0x20;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;

/** ctype's isalnum over Latin-1, as the kernel has it. */
const isAlphanumeric = (c: number): boolean =>
  (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || (c >= 0xc0 && c !== 0xd7 && c !== 0xf7);

export const eraseInput = (tty: LineDiscipline, what: "character" | "word" | "line"): void => {
  const { input, output, termios } = tty;
  const { lflag } = termios;
  if (input.head === input.canonHead) return;
  if (what === "line" && (lflag & (ECHO | ECHOK | ECHOKE | ECHOE)) !== (ECHO | ECHOK | ECHOKE | ECHOE)) {
    input.head = input.canonHead;
    if ((lflag & ECHO) === 0) return;
    tty.finishErasing();
    output.echoCharacter(termios.cc[VKILL]);
    if ((lflag & ECHOK) !== 0) output.echoByte(NL);
    return;
  }
  let hasSeenWord = false;
  while (input.head !== input.canonHead) {
    let start = input.head;
    do start--;
    while (isContinuation(input.at(start), termios) && start !== input.canonHead);
    const c = input.at(start);
    // The tail of a character whose first byte is in an earlier line stays.
    if (isContinuation(c, termios)) break;
    if (what === "word") {
      if (isAlphanumeric(c) || c === UNDERSCORE) hasSeenWord = true;
      else if (hasSeenWord) break;
    }
    const end = input.head;
    input.head = start;
    if ((lflag & ECHO) !== 0) echoErased(tty, what, start, end);
    if (what === "character") break;
  }
  if (input.head === input.canonHead && (lflag & ECHO) !== 0) tty.finishErasing();
};

/** Shows that the character in `start`..`end` is gone. */
const echoErased = (tty: LineDiscipline, what: "character" | "word" | "line", start: number, end: number): void => {
  const { input, output, termios } = tty;
  const { lflag } = termios;
  const c = input.at(start);
  if ((lflag & ECHOPRT) !== 0) {
    if (!tty.isErasing) {
      output.echoByte(BACKSLASH);
      tty.isErasing = true;
    }
    output.echoCharacter(c);
    for (let i = start + 1; i < end; i++) {
      output.echoByte(input.at(i));
      output.echoMoveBack();
    }
  } else if (what === "character" && (lflag & ECHOE) === 0) {
    output.echoCharacter(termios.cc[VERASE]);
  } else if (c === TAB) {
    echoErasedTab(tty);
  } else {
    if (isControl(c) && (lflag & ECHOCTL) !== 0) rubOut(tty);
    if (!isControl(c) || (lflag & ECHOCTL) !== 0) rubOut(tty);
  }
};

const rubOut = (tty: LineDiscipline): void => {
  tty.output.echoByte(BS);
  tty.output.echoByte(SPACE);
  tty.output.echoByte(BS);
};

/** The width of a tab follows from what stands before it, back to another tab or the start of the input. */
const echoErasedTab = (tty: LineDiscipline): void => {
  const { input, output, termios } = tty;
  let columns = 0;
  let isAfterTab = false;
  for (let i = input.head - 1; i >= input.canonHead; i--) {
    const c = input.at(i);
    if (c === TAB) {
      isAfterTab = true;
      break;
    }
    if (isControl(c)) {
      if ((termios.lflag & ECHOCTL) !== 0) columns += 2;
    } else if (!isContinuation(c, termios)) {
      columns++;
    }
  }
  output.echoEraseTab(columns, isAfterTab);
};
