/** events: what a container uses, line by line. */
import { writeSync } from "node:fs";
import { ContainerError } from "../../runtime/container/container-error.ts";
import { showEvents } from "../../runtime/container/events.ts";
import { type GlobalOptions, storeOf } from "./context.ts";

export interface EventsFlags {
  readonly interval: string;
  readonly stats?: boolean;
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations: "5s", "1m30s", "500ms". */
export const parseDuration = (text: string): number => {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join("") === text;
  if (!isWhole) throw new ContainerError(`invalid value ${JSON.stringify(text)} for flag -interval: parse error`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit], 0);
};

export const events = async (id: string, flags: EventsFlags, globals: GlobalOptions): Promise<void> => {
  const intervalMs = parseDuration(flags.interval);
  if (intervalMs <= 0) throw new ContainerError("duration interval must be greater than 0");
  await showEvents(storeOf(globals), id, { intervalMs, isOnce: flags.stats === true }, (line) => writeSync(1, `${line}\n`));
};
