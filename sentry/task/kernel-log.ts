/** The kernel's own messages (printk, syslog(2)): what a sandbox has to say is how it began. */
import { KERNEL_RELEASE, KERNEL_VERSION } from "./kernel-version.ts";

const RECORDS: readonly string[] = [
  `<5>[    0.000000] Linux version ${KERNEL_RELEASE} (moat@moat) (moat) ${KERNEL_VERSION}\n`,
  "<6>[    0.000000] Kernel is a user-space one: system calls are answered by moat\n",
  "<6>[    0.000000] Run the sandbox's first program\n",
];

/** How many records reading has consumed, and from which on a whole reading begins (SYSLOG_ACTION_CLEAR). */
let consumed = 0;
let cleared = 0;

const bytesOf = (records: readonly string[]): Uint8Array => Buffer.from(records.join(""), "latin1");

/** Bytes that SYSLOG_ACTION_READ has not told yet. */
export const unreadLength = (): number => bytesOf(RECORDS.slice(consumed)).length;

/** The next whole records that `length` bytes hold; they are consumed. */
export const readNext = (length: number): Uint8Array => {
  let end = consumed;
  for (let left = length; end < RECORDS.length && RECORDS[end].length <= left; end++) left -= RECORDS[end].length;
  const bytes = bytesOf(RECORDS.slice(consumed, end));
  consumed = end;
  return bytes;
};

/** The last whole records that `length` bytes hold, of those since the last clearing. */
export const readLast = (length: number): Uint8Array => {
  let first = RECORDS.length;
  for (let left = length; first > cleared && RECORDS[first - 1].length <= left; first--) left -= RECORDS[first - 1].length;
  return bytesOf(RECORDS.slice(first));
};

export const clearLog = (): void => {
  cleared = RECORDS.length;
};
