/** ps: the container's processes as the host's ps(1) shows them, which is what runc prints. */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { guestHostPids, innerPid } from "../../runtime/container/container-cgroup.ts";
import { ContainerError } from "../../runtime/container/container-error.ts";
import { ControlClient } from "../../runtime/container/control-client.ts";
import { type Store, type Stored, statusOf } from "../../runtime/container/store.ts";
import type { ProcessInfo } from "../../runtime/sandbox/control-protocol.ts";
import { type GlobalOptions, storeOf } from "./context.ts";

const PS_MS = 20_000;

const userNames = (): Map<number, string> => {
  try {
    const entries = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"));
    return new Map(entries.filter((fields) => fields.length > 2).map((fields): [number, string] => [Number(fields[2]), fields[0]]));
  } catch {
    return new Map();
  }
};

/** The guest's processes as the sentry knows them, by host pid; none while it is frozen or gone. */
const known = (store: Store, stored: Stored, pids: readonly number[]): Map<number, ProcessInfo> => {
  if (pids.length === 0 || statusOf(stored) === "paused") return new Map();
  const client = new ControlClient(store.directory(stored.id));
  const processes = new Map(client.processes().map((info) => [info.hostPid, info]));
  client.close();
  return new Map(
    pids.flatMap((pid): [number, ProcessInfo][] => {
      const info = processes.get(innerPid(pid));
      return info === undefined ? [] : [[pid, info]];
    }),
  );
};

/** In a sandbox that containers share, the sentry knows whose a process is. */
const guestsOf = (store: Store, stored: Stored): { guests: readonly number[]; processes: Map<number, ProcessInfo> } => {
  if (statusOf(stored) === "stopped") return { guests: [], processes: new Map() };
  const all = guestHostPids(stored.sandbox === "" ? stored.pid : store.read(stored.sandbox).pid);
  const processes = known(store, stored, all);
  return { guests: processes.size === 0 ? all : all.filter((pid) => processes.has(pid)), processes };
};

interface Listing {
  readonly header: string;
  readonly rows: readonly { readonly pid: number; readonly line: string }[];
}

/** What ps(1) says of the container's processes, as it says it of all. */
const rowsOf = (pids: readonly number[], options: readonly string[], uid?: number): Listing => {
  const result = spawnSync("ps", options, { encoding: "utf8", timeout: PS_MS, ...(uid === undefined ? {} : { uid }) });
  if (result.error) throw new ContainerError(`exec: "ps": ${result.error.message}`);
  if (result.status !== 0) throw new ContainerError(`exit status ${result.status}: ${result.stdout}${result.stderr}`);
  const [header, ...lines] = result.stdout.split("\n");
  const column = header.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw new ContainerError("couldn't find PID field in ps output");
  const rows = lines.map((line) => ({ pid: Number(line.trim().split(/\s+/)[column]), line }));
  return { header, rows: rows.filter(({ pid }) => pids.includes(pid)) };
};

export const ps = (id: string, options: readonly string[], flags: { readonly format: string }, globals: GlobalOptions): void => {
  const store = storeOf(globals);
  const stored = store.read(id);
  const { guests, processes } = guestsOf(store, stored);
  // The first is shown as its monitor, whose pid is the container's; that has the program's arguments as well.
  const pids = guests.map((pid) => (processes.get(pid)?.isFirst === true ? stored.pid : pid));
  if (flags.format === "json") {
    process.stdout.write(JSON.stringify(pids.length === 0 ? null : pids));
    return;
  }
  const isDefault = options.length === 0;
  const psOptions = isDefault ? ["-ef"] : options;
  let { header, rows } = rowsOf(pids, psOptions);
  // "x" asks for the caller's own, which the guest's are not on the host.
  if (rows.length === 0 && pids.length > 0)
    ({ header, rows } = rowsOf(pids, psOptions, statSync(`/proc/${pids[0]}`, { throwIfNoEntry: false })?.uid));
  const names = userNames();
  const users = new Map(guests.map((pid, index) => [pids[index], processes.get(pid)]));
  const lines = rows.map(({ pid, line }) => {
    const uid = isDefault ? users.get(pid)?.uid : undefined;
    const user = uid === undefined ? undefined : (names.get(uid) ?? String(uid));
    return user === undefined ? line : line.replace(/^\S+\s*/, (field) => `${user} `.padEnd(field.length));
  });
  process.stdout.write(`${[header, ...lines].join("\n")}\n`);
};
