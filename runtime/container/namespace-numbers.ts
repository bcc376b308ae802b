/** Which numbers the links in /proc/PID/ns have inside: a namespace of the container's own has none that the host or another container has. */
import { readFileSync, statSync } from "node:fs";
import type { NamespaceNumbersConfig } from "../sandbox/config.ts";
import type { SpecNamespaces } from "../spec/validate-namespaces.ts";

const numberOf = (pid: number | "self", kind: string): number | null => {
  try {
    return statSync(`/proc/${pid}/ns/${kind}`).ino;
  } catch {
    // An ordinary user may not look at everybody.
    return null;
  }
};

/**
 * Init has namespaces of all kinds, whose numbers stand for the sandbox's. One that is named by path is none that the
 * container shares, unless it shares the sandbox.
 */
export const namespaceNumbers = (
  { ipc, uts, pid, user, userPath }: SpecNamespaces,
  monitor: number,
  hasHostNetwork: boolean,
): NamespaceNumbersConfig | null => {
  const init = Number(readFileSync(`/proc/${monitor}/task/${monitor}/children`, "latin1").split(" ", 1)[0]);
  if (init === 0) return null;
  const of = (namespace: string, kind: string): number | null => numberOf(namespace === "" ? "self" : init, kind);
  return {
    ipc: of(ipc, "ipc"),
    uts: of(uts, "uts"),
    pid: of(pid, "pid"),
    net: numberOf(hasHostNetwork ? monitor : init, "net"),
    user: numberOf(user === null && userPath === "" ? "self" : init, "user"),
  };
};
