/** /proc/keys and /proc/key-users (security/keys/proc.c): the keys that the reader may view. */
import type { Task } from "../task/task.ts";
import { KEY_VIEW, type Key, keyStoreOf } from "./key.ts";
import { isPossessed, mayUse } from "./task-keys.ts";

const UNITS: readonly (readonly [number, string])[] = [
  [7 * 86_400, "w"],
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"],
];

const timeout = (key: Key, now: number): string => {
  if (key.expiry === 0) return "perm";
  const left = key.expiry - now;
  if (left <= 0) return "expd";
  const [seconds, unit] = UNITS.find(([size]) => left >= size) ?? [1, "s"];
  return `${Math.floor(left / seconds)}${unit}`;
};

const about = (key: Key): string => {
  if (key.isKeyring) return `: ${key.links.length === 0 ? "empty" : key.links.length}`;
  return `: ${key.payload.length}`;
};

const hex = (value: number, width: number): string => (value >>> 0).toString(16).padStart(width, "0");

export const keysText = (task: Task): string => {
  const store = keyStoreOf(task.kernel);
  const ns = task.creds.userNamespace;
  const now = store.now();
  let text = "";
  for (const key of [...store.keys.values()].sort((a, b) => a.serial - b.serial)) {
    if (!mayUse(task.creds, { key, isPossessed: isPossessed(task, key) }, KEY_VIEW)) continue;
    const flags = `I${key.isRevoked ? "R" : "-"}-Q---`;
    const owner = `${String(ns.showUid(key.uid)).padStart(5)} ${String(ns.showGid(key.gid)).padStart(5)}`;
    const head = `${hex(key.serial, 8)} ${flags} ${String(key.references).padStart(5)} ${timeout(key, now).padStart(4)} ${hex(key.perm, 8)}`;
    text += `${head} ${owner} ${key.type.padEnd(9)} ${key.description}${about(key)}\n`;
  }
  return text;
};

export const keyUsersText = (task: Task): string => {
  const store = keyStoreOf(task.kernel);
  let text = "";
  for (const [uid, { keys, bytes }] of store.quotas) {
    const shown = String(task.creds.userNamespace.showUid(uid)).padStart(5);
    const limits = store.limitsOf(uid);
    text += `${shown}: ${String(keys + 1).padStart(5)} ${keys}/${keys} ${keys}/${limits.keys} ${bytes}/${limits.bytes}\n`;
  }
  return text;
};
