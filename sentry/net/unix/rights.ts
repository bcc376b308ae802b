/**
 * File descriptors under way between unix sockets (SCM_RIGHTS). A socket may lie in its own
 * receive queue, or two in each other's: nobody holds them, and yet they have references.
 * `collect` finds such cycles (unix_gc) and empties their queues.
 */

import { RLIMIT_NOFILE } from "../../../syscall-tables/flags/process.ts";
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from "../../../syscall-tables/flags/system.ts";
import { ETOOMANYREFS } from "../../abi/errno.ts";

import type { Task } from "../../task/task.ts";
import type { OpenFile } from "../../vfs/open-file.ts";

/** A socket that may hold files in flight, and be one. */
export interface RightsHolder extends OpenFile {
  /** The files in its receive queue. */
  heldRights(): Iterable<readonly OpenFile[]>;
  /** Connections that wait in its accept queue. */
  pendingSockets(): readonly RightsHolder[];
  /** Is it reachable through the listener in whose accept queue it waits? */
  readonly waitsIn: RightsHolder | null;
  /** Drops what is in its receive queue. */
  purge(): void;
  readonly isRightsHolder: true;
}

export const isHolder = (file: OpenFile): file is RightsHolder => "isRightsHolder" in file;

/** How many references to a unix socket are in flight. */
const inFlight = new Map<RightsHolder, number>();
/** Sockets with files in their receive queue. */
const holders = new Map<RightsHolder, number>();
/** Files in flight by sender, limited by RLIMIT_NOFILE. */
const sentBy = new Map<number, number>();

const add = <K>(map: Map<K, number>, key: K, by: number): void => {
  const count = (map.get(key) ?? 0) + by;
  if (count === 0) map.delete(key);
  else map.set(key, count);
};

/** SCM_RIGHTS in a queue, with who has sent them. */
export class Rights {
  readonly files: readonly OpenFile[];
  readonly uid: number;
  readonly holder: RightsHolder;

  /** Takes over the references; they lie in `holder`'s receive queue now. */
  constructor(files: readonly OpenFile[], uid: number, holder: RightsHolder) {
    this.files = files;
    this.uid = uid;
    this.holder = holder;
    this.#count(1);
  }

  #count(by: number): void {
    add(sentBy, this.uid, by * this.files.length);
    add(holders, this.holder, by);
    for (const file of this.files) if (isHolder(file)) add(inFlight, file, by);
  }

  /** The receiver gets them: the references are the caller's. */
  detach(): readonly OpenFile[] {
    this.#count(-1);
    return this.files;
  }

  /** MSG_PEEK: more references to the same files. */
  duplicate(): readonly OpenFile[] {
    for (const file of this.files) file.take();
    return this.files;
  }

  drop(): void {
    for (const file of this.detach()) file.put();
  }
}

/** too_many_unix_fds(): 0 or ETOOMANYREFS. */
export const mayHaveInFlight = (task: Task): number => {
  const { creds } = task;
  const limit = task.process.limits.get(RLIMIT_NOFILE).soft;
  if ((sentBy.get(creds.uid) ?? 0) <= limit || creds.has(CAP_SYS_RESOURCE) || creds.has(CAP_SYS_ADMIN)) return 0;
  return ETOOMANYREFS;
};

let isCollecting = false;

/** Releases sockets that only their own kind refers to. Called when a unix socket's reference goes while others are in flight. */
export const collect = (): void => {
  if (inFlight.size === 0 || isCollecting) return;
  const reached = new Set<RightsHolder>();
  const reach = (socket: RightsHolder): void => {
    const stack = [socket];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      for (const files of next.heldRights()) for (const file of files) if (isHolder(file)) stack.push(file);
      for (const pending of next.pendingSockets()) stack.push(pending);
    }
  };
  // Whoever has a reference that is not in flight is alive, and so is all that it can reach. A pending connection lives by its listener.
  const isHeld = (socket: RightsHolder): boolean => socket.waitsIn === null && socket.references > (inFlight.get(socket) ?? 0);
  for (const holder of [...holders.keys(), ...inFlight.keys()]) {
    if (isHeld(holder)) reach(holder);
    else if (holder.waitsIn !== null && isHeld(holder.waitsIn)) reach(holder.waitsIn);
  }
  const garbage = [...inFlight.keys()].filter((socket) => !reached.has(socket));
  if (garbage.length === 0) return;
  isCollecting = true;
  for (const socket of garbage) {
    socket.purge();
    for (const pending of socket.pendingSockets()) pending.purge();
  }
  isCollecting = false;
};

export const hasFilesInFlight = (): boolean => inFlight.size > 0;
