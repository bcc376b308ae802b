/** The first line of a script: `#!interpreter argument` (execve(2), fs/binfmt_script.c). */
import { ENOEXEC, type Errno } from "../abi/errno.ts";

/** BINPRM_BUF_SIZE: how much of a file is looked at. */
export const BINPRM_BUF_SIZE = 256;

export interface ScriptLine {
  readonly interpreter: string;
  /** All after the first run of blanks, one argument; null without. */
  readonly argument: string | null;
}

/**
 * The line of `head` (BINPRM_BUF_SIZE bytes, zeros behind a short file), or ENOEXEC. The
 * bounds are inclusive, and a NUL ends strings but not the line, as in load_script().
 */
export const parseScriptLine = (head: Uint8Array): ScriptLine | Errno => {
  const text = Buffer.from(head.buffer, head.byteOffset, BINPRM_BUF_SIZE).toString("latin1");
  if (!text.startsWith("#!")) return ENOEXEC;
  let end = text.indexOf("\n");
  const nul = text.indexOf("\0");
  if (end < 0 || (nul >= 0 && nul < end)) {
    // Without a newline the name may be cut off, unless a blank or the end of the file follows it.
    end = BINPRM_BUF_SIZE - 1;
    const first = findFirst(text, 2, end, isNotBlank);
    if (first < 0 || findFirst(text, first, end, isTerminator) < 0) return ENOEXEC;
  }
  while (isBlank(text[end - 1])) end--;
  const start = findFirst(text, 2, end, isNotBlank);
  if (start < 0 || start === end) return ENOEXEC;
  const separator = findFirst(text, start, end, isTerminator);
  const interpreter = text.slice(start, separator < 0 ? end : separator);
  if (separator < 0 || text[separator] === "\0") return { interpreter, argument: null };
  const argumentStart = findFirst(text, separator, end, isNotBlank);
  if (argumentStart < 0) return { interpreter, argument: null };
  return { interpreter, argument: text.slice(argumentStart, end).split("\0", 1)[0] };
};

const isBlank = (char: string): boolean => char === " " || char === "\t";
const isNotBlank = (char: string): boolean => !isBlank(char);
const isTerminator = (char: string): boolean => isBlank(char) || char === "\0";

/** The first index in [from, last] whose character is `wanted`, or -1. */
const findFirst = (text: string, from: number, last: number, wanted: (char: string) => boolean): number => {
  for (let at = from; at <= last; at++) if (wanted(text[at])) return at;
  return -1;
};
