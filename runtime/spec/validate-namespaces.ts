/** linux.namespaces and what hangs on them, with runc's words (libcontainer/configs/validate, specconv). */
import { MOST_OFFSET_SECONDS, type TimeOffsetConfig, type TimeOffsetsConfig } from "../sandbox/config.ts";
import type { Field } from "./field.ts";
import type { IdMapping } from "./spec.ts";
import { idMappings } from "./validate-mounts.ts";

export interface SpecNamespaces {
  /** "": the host's; "new"; or the path of one to join. */
  readonly network: string;
  readonly uts: string;
  readonly ipc: string;
  readonly pid: string;
  /** Of a user namespace of its own; null: none. */
  readonly user: UserMappings | null;
  /** The path of a user namespace to join, or "". */
  readonly userPath: string;
  /** "" the host's; "new"; or the path of one to join. */
  readonly time: string;
  /** Of a new one. */
  readonly timeOffsets: TimeOffsetsConfig;
}

export interface UserMappings {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

const TYPES = new Set(["pid", "network", "ipc", "uts", "mount", "user", "cgroup", "time"]);

/** Type → "new" or a path. */
const listed = (field: Field): ReadonlyMap<string, string> => {
  const namespaces = new Map<string, string>();
  for (const item of field.list()) {
    const name = item.at("type").text("");
    const path = item.at("path").text("");
    const shown = `{${JSON.stringify(name)} ${JSON.stringify(path)}}`;
    if (!TYPES.has(name)) item.say(`namespace ${shown} does not exist`);
    if (namespaces.has(name)) item.say(`malformed spec file: duplicated ns ${shown}`);
    if (path !== "" && !path.startsWith("/")) item.at("path").refuse("must be an absolute path");
    namespaces.set(name, path === "" ? "new" : path);
  }
  return namespaces;
};

const maps = (mappings: readonly IdMapping[], id: number): boolean =>
  mappings.some(({ containerId, size }) => id >= containerId && id - containerId < size);

/** user_namespaces(7): no id twice, on neither side. */
const checkOverlap = (field: Field, mappings: readonly IdMapping[]): void => {
  for (const key of ["containerId", "hostId"] as const) {
    const sorted = [...mappings].sort((a, b) => a[key] - b[key]);
    sorted.forEach((mapping, index) => {
      const next = sorted[index + 1];
      if (next !== undefined && mapping[key] + mapping.size > next[key]) field.refuse("maps an id twice");
    });
  }
};

const userMappings = (linux: Field, namespace: string): UserMappings | null => {
  const uids = idMappings(linux.at("uidMappings"));
  const gids = idMappings(linux.at("gidMappings"));
  // Without the namespace they mean nothing, for runc either.
  if (namespace !== "new") return null;
  if (uids.length === 0) linux.say("User namespaces enabled, but no uid mappings found.");
  if (gids.length === 0) linux.say("User namespaces enabled, but no gid mappings found.");
  if (!maps(uids, 0)) linux.say("User namespaces enabled, but no user mapping found.");
  if (!maps(gids, 0)) linux.say("User namespaces enabled, but no group mapping found.");
  checkOverlap(linux.at("uidMappings"), uids);
  checkOverlap(linux.at("gidMappings"), gids);
  return { uids, gids };
};

/** runc's words for a process that the mappings do not know. */
export const checkMapped = (
  user: UserMappings,
  { uid, gid, groups }: { uid: number; gid: number; groups: readonly number[] },
): string | null => {
  if (!maps(user.uids, uid)) return "cannot set uid to unmapped user in user namespace";
  return [gid, ...groups].every((id) => maps(user.gids, id)) ? null : "cannot set gid to unmapped user in user namespace";
};

const CLOCKS = ["monotonic", "boottime"];

/** As runc 1.2. */
const validateTimeOffsets = (field: Field, namespace: string): TimeOffsetsConfig => {
  if (field.keys.length > 0 && namespace === "")
    field.say("time namespace offsets specified, but time namespace isn't enabled in the config");
  if (field.keys.length > 0 && namespace !== "new") field.refuse("a time namespace that is joined has its offsets");
  for (const name of field.keys)
    if (!CLOCKS.includes(name)) field.at(name).refuse('is no clock of a time namespace: "monotonic", "boottime"');
  const offset = (clock: Field): TimeOffsetConfig => ({
    sec: clock.at("secs").integer(-MOST_OFFSET_SECONDS, MOST_OFFSET_SECONDS, 0),
    nsec: clock.at("nanosecs").integer(0, 999_999_999, 0),
  });
  return { monotonic: offset(field.at("monotonic")), boottime: offset(field.at("boottime")) };
};

/** `field`: the whole config. */
export const validateNamespaces = (field: Field): SpecNamespaces => {
  const linux = field.at("linux");
  const place = linux.at("namespaces");
  const namespaces = listed(place);
  if (!namespaces.has("uts")) {
    for (const name of ["hostname", "domainname"]) {
      if (field.at(name).text("") !== "") field.say(`unable to set ${name} without a private UTS namespace`);
    }
  }
  if (!namespaces.has("mount")) {
    if (!linux.at("maskedPaths").isEmpty || !linux.at("readonlyPaths").isEmpty) {
      field.say("unable to restrict sys entries without a private MNT namespace");
    }
    place.refuse("sharing the host's mount namespace is not supported");
  }
  const mountPath = namespaces.get("mount") ?? "new";
  if (mountPath !== "new") place.refuse(`joining a mount namespace (${mountPath}) is not supported`);
  const user = namespaces.get("user") ?? "";
  const time = namespaces.get("time") ?? "";
  const timeOffsets = validateTimeOffsets(linux.at("timeOffsets"), time);
  return {
    network: namespaces.get("network") ?? "",
    uts: namespaces.get("uts") ?? "",
    ipc: namespaces.get("ipc") ?? "",
    pid: namespaces.get("pid") ?? "",
    user: userMappings(linux, user),
    userPath: user === "new" ? "" : user,
    time,
    timeOffsets,
  };
};

/** Of an IPC namespace; those of the network and of POSIX queues go by their prefix. */
const IPC_SYSCTLS = new Set(
  ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"].map((name) => `kernel.${name}`),
);

/** Paths below /proc/sys and values. A name may be written with slashes, dots in it then being its own (sysctl.d(5)). */
export const validateSysctls = (field: Field, namespaces: SpecNamespaces): readonly (readonly [string, string])[] =>
  field.keys.map((given) => {
    const dot = given.indexOf(".");
    const slash = given.indexOf("/");
    const isSlashed = slash >= 0 && (dot < 0 || slash < dot);
    const swap = (text: string): string => text.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
    const name = isSlashed ? swap(given) : given;
    const quoted = JSON.stringify(given);
    if (IPC_SYSCTLS.has(name) || name.startsWith("fs.mqueue.")) {
      if (namespaces.ipc === "") field.say(`sysctl ${quoted} is not allowed in the hosts ipc namespace`);
    } else if (name.startsWith("net.")) {
      if (namespaces.network === "") field.say(`sysctl ${quoted} not allowed in host network namespace`);
    } else if (name === "kernel.hostname" && namespaces.uts !== "") {
      field.say(`sysctl ${quoted} is not allowed as it conflicts with the OCI "hostname" field`);
    } else if (name !== "kernel.domainname" || namespaces.uts === "") {
      field.say(`sysctl ${quoted} is not in a separate kernel namespace`);
    }
    const path = swap(name);
    if (/[=\n\0]/.test(path) || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
      field.at(given).refuse("is no name of a sysctl");
    }
    return [path, field.at(given).text()] as const;
  });
