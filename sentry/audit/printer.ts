/**
 * Prints system calls in strace(1)'s look, from the signature tables. The dispatcher tells
 * it of entry, sleep and exit; handlers know nothing of it.
 */
import type { Signature } from "../../syscall-tables/kinds.ts";
import { x86_64 } from "../../syscall-tables/numbers/x86_64.ts";
import { signatures } from "../../syscall-tables/signatures/index.ts";
import { formatArg, isOutput, isValueResult } from "./arguments.ts";
import type { Call, PeekMemory, Traced } from "./call.ts";
import { formatFd } from "./fields.ts";
import { siginfo } from "./siginfo.ts";
import { specials } from "./special.ts";
import { hex, hex64 } from "./text.ts";
import { formatError, formatSignal } from "./words.ts";

/** strace's default for -a. */
const RESULT_COLUMN = 40;
const UNKNOWN: Signature = { args: [], returns: "int" };
const names: Readonly<Record<number, string | undefined>> = x86_64;

interface Pending {
  readonly call: Call;
  /** The arguments shown: index, label and text so far; null: not known before the call returns. */
  readonly parts: { readonly index: number; readonly label: string; readonly before: string | null; text: string | null }[];
  /** How many parts an "unfinished" line has already shown; -1: there was none. */
  shown: number;
}

export class SyscallPrinter<T extends Traced = Traced> {
  readonly #sink: (line: string) => void;
  readonly #only: ReadonlySet<string> | null;
  readonly #describeFd: (task: T, fd: number) => string | null;
  readonly #pending = new Map<T, Pending>();

  /** `only`: the names to print, null for all. `describeFd` names what a descriptor or AT_FDCWD refers to. */
  constructor(sink: (line: string) => void, only: ReadonlySet<string> | null, describeFd: (task: T, fd: number) => string | null) {
    this.#sink = sink;
    this.#only = only;
    this.#describeFd = describeFd;
  }

  wants(nr: number): boolean {
    return this.#only === null || this.#only.has(names[nr] ?? "");
  }

  /** `words`: low and high halves of the six arguments. Returns the line as far as it is known. */
  entry(task: T, nr: number, words: Uint32Array): string {
    const name = names[nr];
    const signature: Signature = name === undefined ? UNKNOWN : signatures[name as keyof typeof signatures];
    const call: Call = {
      name: name ?? `syscall_${hex(nr)}`,
      signature,
      memory: task.memory,
      words: words.slice(0, 12),
      result: null,
      describeFd: (fd) => this.#describeFd(task, fd),
    };
    const pending: Pending = { call, parts: name === undefined ? rawParts(call) : partsOf(call), shown: -1 };
    this.#pending.set(task, pending);
    if (signature.returns === "none") this.#finish(task, pending, "?");
    return open(pending).text;
  }

  /** The call sleeps: shows what is known of it, so that a hang can be seen. */
  unfinished(task: T): void {
    const pending = this.#pending.get(task);
    if (pending === undefined || pending.shown >= 0) return;
    const { text, shown } = open(pending);
    pending.shown = shown;
    this.#line(task, `${text}${shown > 0 && shown < pending.parts.length ? ", " : ""} <unfinished ...>`);
  }

  /** `memory`: the guest's as it will be when it sees the result, if `task.memory` is not yet that (AnswerMemory). */
  exit(task: T, _nr: number, result: number, memory: PeekMemory = task.memory): void {
    const pending = this.#pending.get(task);
    if (pending === undefined) return;
    const { call } = pending;
    call.result = result;
    call.memory = memory;
    const special = specials[call.name];
    for (const part of pending.parts) {
      if (part.text !== null) continue;
      const after = formatOne(call, part.index);
      part.text =
        part.before === null || part.before === after || result < 0
          ? (part.before ?? after)
          : joined(call.signature.args[part.index].of, part.before, after);
    }
    const aux = special?.aux?.(call) ?? null;
    this.#finish(task, pending, `${formatResult(call, result)}${aux === null ? "" : ` (${aux})`}`);
  }

  /** A signal is delivered; `info` is the 128-byte siginfo_t. */
  signal(task: T, info: Uint8Array): void {
    const view = new DataView(info.buffer, info.byteOffset, info.length);
    const call: Call = {
      name: "",
      signature: UNKNOWN,
      memory: task.memory,
      words: new Uint32Array(12),
      result: null,
      describeFd: () => null,
    };
    this.#line(task, `--- ${formatSignal(view.getInt32(0, true))} ${siginfo.format(view, 0, call)} ---`);
  }

  /** The task is gone; `status` as wait(2) reports it. */
  ended(task: T, status: number): void {
    this.#pending.delete(task);
    const low = status & 0x7f;
    const core = (status & 0x80) === 0 ? "" : " (core dumped)";
    this.#line(task, low === 0 ? `+++ exited with ${(status >> 8) & 0xff} +++` : `+++ killed by ${formatSignal(low)}${core} +++`);
  }

  #finish(task: T, { call, parts, shown }: Pending, result: string): void {
    this.#pending.delete(task);
    const rest = parts.slice(Math.max(shown, 0)).map(({ label, text }) => label + (text ?? "?"));
    const start = shown < 0 ? `${call.name}(` : `<... ${call.name} resumed>`;
    this.#sink(`${`${prefix(task)}${start}${rest.join(", ")})`.padEnd(RESULT_COLUMN - 1)} = ${result}`);
  }

  #line(task: T, text: string): void {
    this.#sink(prefix(task) + text);
  }
}

const prefix = ({ tid }: Traced): string => `[pid ${String(tid).padStart(5)}] `;

/** Everything before the first argument that only the end of the call reveals. */
const open = ({ call, parts }: Pending): { text: string; shown: number } => {
  const unknown = parts.findIndex(({ text }) => text === null);
  const shown = unknown < 0 ? parts.length : unknown;
  const known = parts.slice(0, shown).map(({ label, text }) => label + text);
  return { text: `${call.name}(${known.join(", ")}`, shown };
};

const partsOf = (call: Call): Pending["parts"] => {
  const { args } = call.signature;
  const special = specials[call.name];
  const order = special?.shown?.(call) ?? args.map(({ name }) => name);
  return order.map((name) => {
    const index = args.findIndex((arg) => arg.name === name);
    const label = special?.labels?.[name] === undefined ? "" : `${special.labels[name]}=`;
    const isFrozen = special?.frozen?.includes(name) === true;
    if (isFrozen || !(isOutput(args[index]) || special?.outputs?.(call).includes(name) === true)) {
      return { index, label, before: null, text: formatOne(call, index) };
    }
    const before = isValueResult(args[index]) && specials[call.name]?.args?.[name] === undefined ? formatArg(call, index) : null;
    return { index, label, before, text: null };
  });
};

const rawParts = (call: Call): Pending["parts"] =>
  Array.from({ length: 6 }, (_, index) => ({
    index,
    label: "",
    before: null,
    text: hex64(call.words[index * 2], call.words[index * 2 + 1]),
  }));

const formatOne = (call: Call, index: number): string =>
  (specials[call.name]?.args?.[call.signature.args[index].name] ?? formatArg)(call, index);

/** strace(1) draws the two lengths of an address into one pair of brackets. */
const joined = (of: string | undefined, before: string, after: string): string =>
  of === "socklen" ? `${before.slice(0, -1)} => ${after.slice(1)}` : `${before} => ${after}`;

const formatResult = (call: Call, result: number): string => {
  const special = specials[call.name]?.result;
  // mmap(2) and brk(2) return addresses, which are never negative here.
  if (result < 0) return formatError(result);
  if (special !== undefined) return special(call, result);
  switch (call.signature.returns) {
    case "addr":
      return hex(result);
    case "fd":
      return formatFd(call, result);
    case "none":
      return "?";
    default:
      return String(result);
  }
};
