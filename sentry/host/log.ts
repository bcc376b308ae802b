/**
 * Moat's own log: pino's JSON lines without pino (13 ms at start-up), written synchronously,
 * since libuv does not run while the kernel does and a line must survive a crash.
 */
import { writeSync } from "node:fs";
import type { LogLevel } from "../../runtime/sandbox/config.ts";

/** pino's level numbers. */
const levels: Record<LogLevel, number> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 };

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export class Log {
  readonly #least: number;
  readonly #fd: number;
  readonly #name: string;

  /** `fd` -1 is silence, whatever the level. */
  constructor(name: string, level: LogLevel, fd: number) {
    this.#name = name;
    this.#least = fd < 0 ? levels.silent : levels[level];
    this.#fd = fd;
  }

  /** Ask before building an expensive message. */
  get isDebug(): boolean {
    return this.#least <= levels.debug;
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#least <= 20) this.#write(20, message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#least <= 30) this.#write(30, message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#least <= 40) this.#write(40, message, fields);
  }

  error(message: string, fields?: LogFields): void {
    if (this.#least <= 50) this.#write(50, message, fields);
  }

  #write(level: number, message: string, fields: LogFields | undefined): void {
    const line = `${JSON.stringify({ level, time: Date.now(), name: this.#name, ...fields, msg: message })}\n`;
    try {
      writeSync(this.#fd, line);
    } catch {
      // A full disk or a closed pipe is no reason to end the guest.
    }
  }
}
