/** ps: the container's processes as the host's ps(1) shows them, which is what runc prints. */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { guestHostPids } from "../../runtime/container/container-cgroup.ts";
import { ContainerError } from "../../runtime/container/container-error.ts";
import { ControlClient } from "../../runtime/container/control-client.ts";
import { type Store, type Stored, statusOf } from "../../runtime/container/store.ts";
import { type GlobalOptions, storeOf } from "./context.ts";

const PS_MS = 20_000;

/** The pid in the innermost namespace, by which the sentry knows the process. */
const innerPid = (pid: number): number => {
  try {
    const numbers = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1].split("\t") ?? [];
    return Number(numbers.at(-1) ?? 0);
  } catch {
    return 0;
  }
};

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

/** Host pid → the user inside, whom the host does not know. */
const usersOf = (store: Store, stored: Stored, pids: readonly number[]): Map<number, string> => {
  if (statusOf(stored) === "paused") return new Map();
  const client = new ControlClient(store.directory(stored.id));
  const uids = new Map(client.processes().map(({ hostPid, uid }) => [hostPid, uid]));
  client.close();
  const names = userNames();
  return new Map(
    pids.flatMap((pid): [number, string][] => {
      const uid = uids.get(innerPid(pid));
      return uid === undefined ? [] : [[pid, names.get(uid) ?? String(uid)]];
    }),
  );
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
  const pids = statusOf(stored) === "stopped" ? [] : guestHostPids(stored.pid);
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
  const users = isDefault ? usersOf(store, stored, pids) : new Map<number, string>();
  const lines = rows.map(({ pid, line }) => {
    const user = users.get(pid);
    return user === undefined ? line : line.replace(/^\S+\s*/, (field) => `${user} `.padEnd(field.length));
  });
  process.stdout.write(`${[header, ...lines].join("\n")}\n`);
};
