/** The kernel's own messages (printk, syslog(2), /dev/kmsg): how the sandbox began, and what programs have written to it. */
import { WaitQueue } from "./blocking.ts";
import { KERNEL_RELEASE, KERNEL_VERSION } from "./kernel-version.ts";

interface LogRecord {
  /** Facility and level (syslog(2)). */
  readonly priority: number;
  readonly timeUs: number;
  /** One line, without its end. */
  readonly text: string;
}

/** As many characters are kept, with what each record takes besides: empty ones cost memory, too (struct printk_info). */
const CAPACITY = 1 << 17;
const RECORD_OVERHEAD = 88;
const cost = ({ text }: LogRecord): number => text.length + RECORD_OVERHEAD;

const records: LogRecord[] = [
  { priority: 5, timeUs: 0, text: `Linux version ${KERNEL_RELEASE} (moat@moat) (moat) ${KERNEL_VERSION}` },
  { priority: 6, timeUs: 0, text: "Kernel is a user-space one: system calls are answered by moat" },
  { priority: 6, timeUs: 0, text: "Run the sandbox's first program" },
];
let size = records.reduce((sum, record) => sum + cost(record), 0);
/** The number of the first record that is kept. */
let first = 0;
/** How many records syslog(2) has consumed, and from which on a whole reading begins (SYSLOG_ACTION_CLEAR). */
let consumed = 0;
let cleared = 0;

/** Those who wait for the next record. */
export const logQueue = new WaitQueue();

export const logStart = (): number => first;
export const logCleared = (): number => Math.max(cleared, first);
export const logEnd = (): number => first + records.length;
export const logRecord = (sequence: number): LogRecord | undefined => records[sequence - first];

export const appendToLog = (record: LogRecord): void => {
  records.push(record);
  size += cost(record);
  while (size > CAPACITY) {
    size -= cost(records[0]);
    records.shift();
    first++;
  }
};

/** print_prefix(): in front of each line of the text. */
const line = ({ priority, timeUs, text }: LogRecord): string => {
  const seconds = String(Math.floor(timeUs / 1e6)).padStart(5);
  const prefix = `<${priority}>[${seconds}.${String(timeUs % 1e6).padStart(6, "0")}] `;
  return `${prefix}${text.replaceAll("\n", `\n${prefix}`)}\n`;
};

const lines = (from: number): string[] => records.slice(Math.max(0, from - first)).map(line);
const bytesOf = (texts: readonly string[]): Uint8Array => Buffer.from(texts.join(""), "latin1");

/** Bytes that SYSLOG_ACTION_READ has not told yet. */
export const unreadLength = (): number => bytesOf(lines(consumed)).length;

/** The next whole records that `length` bytes hold; they are consumed. */
export const readNext = (length: number): Uint8Array => {
  const unread = lines(consumed);
  let count = 0;
  for (let left = length; count < unread.length && unread[count].length <= left; count++) left -= unread[count].length;
  consumed = Math.max(consumed, first) + count;
  return bytesOf(unread.slice(0, count));
};

/** The last whole records that `length` bytes hold, of those since the last clearing. */
export const readLast = (length: number): Uint8Array => {
  const kept = lines(cleared);
  let from = kept.length;
  for (let left = length; from > 0 && kept[from - 1].length <= left; from--) left -= kept[from - 1].length;
  return bytesOf(kept.slice(from));
};

export const clearLog = (): void => {
  cleared = logEnd();
};
