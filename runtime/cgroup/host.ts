/** Which cgroup hierarchies the machine has, where they are mounted and where the caller is in them (cgroups(7)). */
import { readFileSync } from "node:fs";

export interface Hierarchy {
  readonly mountPoint: string;
  /** The part of the hierarchy that the mount shows. */
  readonly root: string;
  /** The caller's cgroup. */
  readonly own: string;
}

export interface CgroupHost {
  /** hybrid: v1, with a v2 hierarchy beside it that has no controllers. */
  readonly mode: "v1" | "v2" | "hybrid" | "none";
  /** v1: by controller ("memory", "name=systemd"). */
  readonly controllers: ReadonlyMap<string, Hierarchy>;
  readonly unified: Hierarchy | null;
}

/** /proc/PID/cgroup: path by controller, "" for v2. */
export const parseOwnCgroups = (text: string): Map<string, string> => {
  const own = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match) for (const controller of match[1].split(",")) own.set(controller, match[2]);
  }
  return own;
};

const unescaped = (field: string): string => field.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));

/** `mountInfo` and `ownCgroups` as in /proc/self. */
export const parseHost = (mountInfo: string, ownCgroups: string): CgroupHost => {
  const own = parseOwnCgroups(ownCgroups);
  const controllers = new Map<string, Hierarchy>();
  let unified: Hierarchy | null = null;
  for (const line of mountInfo.split("\n")) {
    const [left, right] = line.split(" - ");
    if (right === undefined) continue;
    const [, , , root, mountPoint] = left.split(" ").map(unescaped);
    const [type, , superOptions = ""] = right.split(" ");
    if (type === "cgroup2") unified ??= { mountPoint, root, own: own.get("") ?? "/" };
    else if (type === "cgroup") {
      for (const option of superOptions.split(",")) {
        const cgroup = own.get(option);
        if (cgroup !== undefined && !controllers.has(option)) controllers.set(option, { mountPoint, root, own: cgroup });
      }
    }
  }
  const isV1 = [...controllers.keys()].some((name) => !name.startsWith("name="));
  const mode = isV1 ? (unified ? "hybrid" : "v1") : unified ? "v2" : "none";
  return { mode, controllers, unified };
};

export const readCgroupHost = (): CgroupHost =>
  parseHost(readFileSync("/proc/self/mountinfo", "latin1"), readFileSync("/proc/self/cgroup", "latin1"));
