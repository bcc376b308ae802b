/** create, run, and what is left to do after a run. */
import { existsSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { resolve } from "node:path";
import { realBundle } from "../../runtime/container/bundle.ts";
import { createContainer } from "../../runtime/container/create.ts";
import { deleteContainer, startContainer } from "../../runtime/container/lifecycle.ts";
import type { Stored } from "../../runtime/container/store.ts";
import { shown } from "../byte-strings.ts";
import { readHostFacts } from "../host-facts.ts";
import { ownerMap } from "../owner-map.ts";
import { cgroupOptions, type GlobalOptions, hasTerminal, log, overlayMode, reportFailure, storeOf } from "./context.ts";
import { preservedEnvironment } from "./preserved.ts";

export interface CreateFlags {
  readonly bundle: string;
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  readonly preserveFds: string;
}

export interface RunFlags extends CreateFlags {
  readonly detach?: boolean;
  readonly keep?: boolean;
}

const ownerName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
};

const make = async (id: string, flags: CreateFlags, isDetached: boolean, globals: GlobalOptions): Promise<Stored> => {
  const stored = await createContainer({
    store: storeOf(globals),
    id,
    bundle: realBundle(resolve(flags.bundle)),
    consoleSocket: flags.consoleSocket ?? null,
    pidFile: flags.pidFile ?? null,
    listenEnvironment: preservedEnvironment(flags.preserveFds),
    isDetached,
    hasTerminal: hasTerminal(),
    hostname: hostname(),
    owner: ownerName(),
    hostFacts: readHostFacts(),
    ownerMap: ownerMap(),
    cgroup: cgroupOptions(globals),
    network: globals.network,
    overlay: overlayMode(globals),
  });
  log(globals, "debug", `the container's monitor is process ${stored.pid}; its program is loaded`);
  return stored;
};

export const create = async (id: string, flags: CreateFlags, globals: GlobalOptions): Promise<void> => {
  await make(id, flags, true, globals);
};

const deleteAndTell = async (id: string, globals: GlobalOptions): Promise<void> => {
  const complaint = await deleteContainer(storeOf(globals), id, { force: true });
  if (complaint !== null) reportFailure(globals, shown(complaint));
};

export const run = async (id: string, flags: RunFlags, globals: GlobalOptions): Promise<void> => {
  const store = storeOf(globals);
  await make(id, flags, flags.detach === true, globals);
  try {
    await startContainer(store, id);
  } catch (error) {
    await deleteAndTell(id, globals);
    throw error;
  }
};

/** The launcher's last step after a run in the foreground. */
export const afterRun = async (id: string, flags: RunFlags, globals: GlobalOptions): Promise<void> => {
  const store = storeOf(globals);
  if (flags.keep !== true && existsSync(store.directory(id))) await deleteAndTell(id, globals);
};
