/** state, list, ps, wait: what is known of containers. */
import { ControlClient } from "../../runtime/container/control-client.ts";
import { type Store, type Stored, statusOf } from "../../runtime/container/store.ts";
import { type GlobalOptions, storeOf } from "./context.ts";
import { checkFormat } from "./usage.ts";

const GAP = 3;
const LEAST_WIDTH = 12;

/** As Go's text/tabwriter lays out what runc prints. */
const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0].map((_, column) => Math.max(LEAST_WIDTH, ...rows.map((row) => row[column].length + GAP)));
  return rows
    .map((row) => `${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]))).join("")}\n`)
    .join("");
};

const stateOf = (stored: Stored): Record<string, unknown> => {
  const status = statusOf(stored);
  const { ociVersion, id, pid, bundle, rootfs, created, owner, annotations } = stored;
  return {
    ociVersion,
    id,
    pid: status === "stopped" ? 0 : pid,
    status,
    bundle,
    rootfs,
    created,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    owner,
  };
};

export const state = (id: string, globals: GlobalOptions): void => {
  // As runc: the owner is for `list`, and no newline ends it.
  process.stdout.write(JSON.stringify({ ...stateOf(storeOf(globals).read(id)), owner: "" }, null, 2));
};

const allStored = (store: Store): Stored[] =>
  store.ids().flatMap((id) => {
    try {
      return [store.read(id)];
    } catch {
      // Being made, or being deleted.
      return [];
    }
  });

export const list = (flags: { readonly format: string; readonly quiet?: boolean }, globals: GlobalOptions): void => {
  checkFormat(flags.format);
  const all = allStored(storeOf(globals));
  if (flags.quiet) process.stdout.write(all.map(({ id }) => `${id}\n`).join(""));
  else if (flags.format === "json") process.stdout.write(`${all.length === 0 ? "null" : JSON.stringify(all.map(stateOf))}\n`);
  else {
    const rows = all.map((stored) => {
      const { id, pid, status, bundle, created, owner } = stateOf(stored);
      return [id, String(pid), status, bundle, created, owner] as string[];
    });
    process.stdout.write(table([["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], ...rows]));
  }
};

/** As runsc prints it. */
export const wait = (id: string, globals: GlobalOptions): void => {
  const store = storeOf(globals);
  if (statusOf(store.read(id)) !== "stopped") {
    try {
      const client = new ControlClient(store.directory(id));
      client.awaitEnd();
      client.close();
    } catch (error) {
      if (statusOf(store.read(id)) !== "stopped") throw error;
    }
  }
  // Killed with its monitor, it could not leave a status: 128 + SIGKILL.
  process.stdout.write(`${JSON.stringify({ id, exitStatus: store.exitStatus(id) ?? 137 })}\n`);
};
