/** What all container commands have: the global flags, the log, and how they fail. */
import { appendFileSync } from "node:fs";
import { isatty } from "node:tty";
import { defaultRoot, Store } from "../../runtime/container/store.ts";

export interface GlobalOptions {
  readonly root?: string;
  readonly log?: string;
  readonly logFormat: "text" | "json";
  readonly debug?: boolean;
}

export const storeOf = (options: GlobalOptions): Store => new Store(options.root ?? defaultRoot());

const asText = (level: string, message: string): string =>
  `time="${new Date().toISOString().replace(/\.\d+/, "")}" level=${level} msg=${JSON.stringify(message)}\n`;

const asJson = (level: string, message: string): string => `${JSON.stringify({ level, msg: message, time: new Date().toISOString() })}\n`;

/** As runc: into the log, from which engines take it, and on standard error unless the log is there. */
export const reportFailure = (options: GlobalOptions, message: string): void => {
  const line = options.logFormat === "json" ? asJson("error", message) : asText("error", message);
  if (options.log === undefined) {
    process.stderr.write(isatty(2) && options.logFormat === "text" ? `ERRO[0000] ${message}\n` : line);
    return;
  }
  try {
    appendFileSync(options.log, line, { mode: 0o600 });
  } catch (error) {
    process.stderr.write(`moat: ${options.log}: ${(error as Error).message}\n`);
  }
  process.stderr.write(`${message}\n`);
};
