/** The part of a sandbox's config that makes its mount tree: mounts, device nodes, the gofer's trees. */
import { MAX_ID } from "../../syscall-tables/limits.ts";
import { checkInteger, type Fields, flag, guestPath, integer, list, record, refuse, text, texts } from "./fields.ts";

export interface MountConfig {
  /** overlay: tree `goferTree` below, an in-memory layer above. gofer: the tree itself, write-through. dev: a tmpfs with the usual nodes. */
  readonly type: "overlay" | "gofer" | "tmpfs" | "proc" | "sysfs" | "devpts" | "dev" | "mqueue" | "cgroup";
  /** Absolute guest path. */
  readonly target: string;
  /** What the mount tables show as its source; "" for the type's name. */
  readonly source: string;
  /** mount(2) data, such as "size=64m,mode=1777"; for a tree what the mount tables show. */
  readonly options: string;
  /** What of the gofer's tree it is; null where the type needs none. */
  readonly tree: MountTree | null;
  readonly readOnly: boolean;
  /** MS_* of mount(2): MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME …; MS_RDONLY is `readOnly`. */
  readonly flags: number;
  /** MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, perhaps with MS_REC, in the order they are applied. */
  readonly propagation: readonly number[];
  /** Begins with a copy of what it covers (runc's tmpcopyup). */
  readonly copiesUp: boolean;
}

export interface MountTree {
  /** Its index in GoferConfig.trees. */
  readonly index: number;
  /** The mount below the tree's root that this is; empty for the root. */
  readonly path: readonly string[];
  /** How the mount tables show it. */
  readonly fsType: string;
  readonly root: string;
  /** Trees of one host device have one st_dev; "" for a device of its own. */
  readonly device: string;
  /** It hears of what the host mounts in it later, and must not stand in the way when that is unmounted. */
  readonly listens: boolean;
}

/** A device node or FIFO. */
export interface DeviceConfig {
  readonly path: string;
  readonly type: "c" | "b" | "p";
  readonly major: number;
  readonly minor: number;
  /** Permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A default and its exceptions: "c 1:3" or "b 7:*" → some of "rwm". */
export interface DeviceRulesConfig {
  readonly allowsByDefault: boolean;
  readonly exceptions: readonly (readonly [string, string])[];
}

export interface TreesConfig {
  readonly mounts: readonly MountConfig[];
  /** The nodes and links that runc puts below /dev; null: the mounts bring all there is. */
  readonly devices: { readonly nodes: readonly DeviceConfig[]; readonly hasConsole: boolean } | null;
  /** Devices that may be used and made; null: all that the kernel drives. */
  readonly deviceRules: DeviceRulesConfig | null;
  /** MS_SHARED and the like for "/" when all is mounted; 0: nothing. */
  readonly rootPropagation: number;
  /** Guest paths that show nothing, and that cannot be written; those that do not exist are passed over. */
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

const mountTypes = new Set<string>(["overlay", "gofer", "tmpfs", "proc", "sysfs", "devpts", "dev", "mqueue", "cgroup"]);
const MAX_INT = 0x7fff_ffff;

const mountTree = (value: unknown, path: string, treeCount: number): MountTree => {
  const from = record(value, path);
  return {
    index: integer(from, "index", path, 0, treeCount - 1),
    path: texts(from, "path", path),
    fsType: text(from, "fsType", path),
    root: text(from, "root", path),
    device: text(from, "device", path),
    listens: flag(from, "listens", path),
  };
};

const mount = (value: unknown, path: string, treeCount: number): MountConfig => {
  const from = record(value, path);
  const type = text(from, "type", path);
  if (!mountTypes.has(type)) refuse(`${path}.type`, `one of ${[...mountTypes].join(", ")}`);
  const needsTree = type === "overlay" || type === "gofer";
  if (needsTree !== (from.tree !== null)) refuse(`${path}.tree`, needsTree ? "an object" : "null");
  return {
    type: type as MountConfig["type"],
    target: guestPath(from, "target", path),
    source: text(from, "source", path),
    options: text(from, "options", path),
    tree: needsTree ? mountTree(from.tree, `${path}.tree`, treeCount) : null,
    readOnly: flag(from, "readOnly", path),
    flags: integer(from, "flags", path, 0, MAX_INT),
    propagation: list(from, "propagation", path).map((item) => checkInteger(item, `${path}.propagation`, 0, MAX_INT)),
    copiesUp: flag(from, "copiesUp", path),
  };
};

const device = (value: unknown, path: string): DeviceConfig => {
  const from = record(value, path);
  const type = text(from, "type", path);
  if (type !== "c" && type !== "b" && type !== "p") refuse(`${path}.type`, "c, b or p");
  return {
    path: guestPath(from, "path", path),
    type: type as DeviceConfig["type"],
    major: integer(from, "major", path, 0, 0xfff),
    minor: integer(from, "minor", path, 0, 0xf_ffff),
    mode: integer(from, "mode", path, 0, 0o7777),
    uid: integer(from, "uid", path, 0, MAX_ID),
    gid: integer(from, "gid", path, 0, MAX_ID),
  };
};

const devices = (value: unknown): TreesConfig["devices"] => {
  if (value === null) return null;
  const from = record(value, "sandbox.devices");
  return {
    nodes: list(from, "nodes", "sandbox.devices").map((item, index) => device(item, `sandbox.devices.nodes[${index}]`)),
    hasConsole: flag(from, "hasConsole", "sandbox.devices"),
  };
};

const deviceRules = (value: unknown): TreesConfig["deviceRules"] => {
  if (value === null) return null;
  const path = "sandbox.deviceRules";
  const from = record(value, path);
  return {
    allowsByDefault: flag(from, "allowsByDefault", path),
    exceptions: list(from, "exceptions", path).map((_, index) => {
      const [key, access] = texts(from.exceptions as Fields, String(index), `${path}.exceptions`);
      if (!/^[bc] (\*|\d+):(\*|\d+)$/.test(key) || !/^[rwm]+$/.test(access)) refuse(`${path}.exceptions`, "device rules");
      return [key, access] as const;
    }),
  };
};

export const treesConfig = (from: Fields, treeCount: number): TreesConfig => {
  const mounts = list(from, "mounts", "sandbox").map((item, index) => mount(item, `sandbox.mounts[${index}]`, treeCount));
  if (mounts.length === 0 || mounts[0].target !== "/") refuse("sandbox.mounts[0].target", '"/"');
  return {
    mounts,
    devices: devices(from.devices),
    deviceRules: deviceRules(from.deviceRules),
    rootPropagation: integer(from, "rootPropagation", "sandbox", 0, MAX_INT),
    maskedPaths: texts(from, "maskedPaths", "sandbox"),
    readonlyPaths: texts(from, "readonlyPaths", "sandbox"),
  };
};
