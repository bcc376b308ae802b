/** From config.json's root, mounts and devices to the sandbox's mount tree and the trees of its gofer. */
import { realpathSync } from "node:fs";
import { isAbsolute, join, posix } from "node:path";
import { MS_NOATIME, MS_NODIRATIME, MS_RDONLY, MS_REC, MS_SHARED, MS_SLAVE, MS_STRICTATIME } from "../../syscall-tables/flags/mount.ts";
import { ALWAYS_ALLOWED, stateAfter } from "../cgroup/devices.ts";
import type { DeviceRule } from "../cgroup/resources.ts";
import type { GoferTree } from "../sandbox/config.ts";
import type { MountConfig, MountTree, TreesConfig } from "../sandbox/mount-config.ts";
import { applyFlags, type FlagChange } from "../spec/mount-options.ts";
import type { IdMapping, Spec, SpecMount } from "../spec/spec.ts";
import { ContainerError } from "./container-error.ts";
import { type HostMount, HostMounts, relativeTo, shownRoot } from "./host-mounts.ts";
import { type OverlayMode, overlayTree } from "./overlay-mode.ts";

export interface MountsPlan {
  readonly mounts: MountConfig[];
  readonly trees: GoferTree[];
  /** What the launcher opens for each tree: native/launcher/trees.h. */
  readonly records: [string, string][];
}

export const realPath = (what: string, path: string): string => {
  try {
    return (realpathSync(Buffer.from(path, "latin1"), "buffer") as unknown as Buffer).toString("latin1");
  } catch (error) {
    throw new ContainerError(`${what}: ${(error as Error).message}`);
  }
};

/** The flags that the host's kernel keeps for a tree: who reads through it stamps access times there. */
const ATIME_NAMES: readonly (readonly [number, string])[] = [
  [MS_NOATIME, "noatime"],
  [MS_STRICTATIME, "strictatime"],
  [MS_NODIRATIME, "nodiratime"],
];

interface TreeRequest {
  readonly path: string;
  readonly isReadOnly: boolean;
  readonly isAllReadOnly: boolean;
  readonly isRecursive: boolean;
  readonly flags: number;
  readonly propagation: readonly number[];
  readonly listens: boolean;
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

const ranges = (mappings: readonly IdMapping[]): GoferTree["uids"] =>
  mappings.map(({ containerId, hostId, size }) => ({ disk: containerId, shown: hostId, size }));

const treeRecord = (request: TreeRequest): string => {
  const words = [request.isAllReadOnly ? "rro" : request.isReadOnly ? "ro" : "rw"];
  if (request.isRecursive) words.push("rec");
  for (const [flag, name] of ATIME_NAMES) if ((request.flags & flag) !== 0) words.push(name);
  if (request.listens) words.push("slave");
  return `${words.join(",")}:${request.path}`;
};

const treeOf = (host: HostMount, index: number, path: readonly string[], hostPath: string, listens: boolean): MountTree => ({
  index,
  path,
  fsType: host.type,
  root: shownRoot(host, hostPath),
  device: host.device,
  listens,
});

class Planner {
  readonly plan: MountsPlan = { mounts: [], trees: [], records: [] };
  readonly #spec: Spec;
  readonly #bundle: string;
  readonly #host = HostMounts.read();

  constructor(spec: Spec, bundle: string) {
    this.#spec = spec;
    this.#bundle = bundle;
  }

  /** The tree of host path `path` at `target`, and what is mounted below it. */
  #addTree(target: string, asked: Omit<TreeRequest, "listens">, own: FlagChange, all: FlagChange): void {
    const { plan } = this;
    const host = this.#host.at(asked.path);
    // A peer of the host's mounts hears of later ones, but must not send its own: the tree is a slave in both cases.
    const listens = host.isShared && asked.propagation.some((type) => (type & (MS_SLAVE | MS_SHARED)) !== 0);
    const request: TreeRequest = { ...asked, listens };
    const below = request.isRecursive ? this.#host.below(request.path) : [];
    const index = plan.trees.length;
    const readsOnly = request.isReadOnly && (request.isAllReadOnly || below.length === 0);
    plan.trees.push({ readOnly: readsOnly, listens, uids: ranges(request.uidMappings), gids: ranges(request.gidMappings) });
    plan.records.push(["tree", treeRecord(request)]);
    const add = (mount: HostMount, at: string, flags: number, path: string, hostPath: string): void => {
      plan.mounts.push({
        type: "gofer",
        target: at,
        source: mount.source,
        options: mount.options,
        tree: treeOf(mount, index, path === "" ? [] : path.split("/"), hostPath, listens),
        readOnly: (flags & MS_RDONLY) !== 0,
        flags: flags & ~MS_RDONLY,
        propagation: path === "" ? request.propagation : request.propagation.filter((type) => (type & MS_REC) !== 0),
        copiesUp: false,
      });
    };
    // A bind that sets no flag is as its source is ("rw" sets none; runc mounts anew only to set some).
    const kept = own.set === 0 ? host.flags : own.set;
    add(host, target, applyFlags(kept, all), "", request.path);
    for (const mount of below) {
      const path = relativeTo(request.path, mount.path);
      add(mount, posix.join(target, path), applyFlags(mount.flags, all), path, mount.path);
    }
  }

  root(path: string, overlay: OverlayMode): void {
    const { readOnly } = this.#spec.root;
    if (typeof overlay === "object") {
      this.#overlay("/", overlayTree(path, overlay.directory), { source: "overlay", options: "", readOnly, flags: 0, propagation: [] });
      return;
    }
    const own = { set: readOnly ? MS_RDONLY : 0, clear: 0 };
    // Mount points are made in it, whether the container may write there or not.
    const request = { path, isReadOnly: false, isAllReadOnly: false, isRecursive: true, flags: 0, propagation: [] };
    this.#addTree("/", { ...request, uidMappings: [], gidMappings: [] }, own, { set: 0, clear: 0 });
    if (overlay === "memory") this.plan.mounts[0] = { ...this.plan.mounts[0], type: "overlay", source: "overlay", options: "" };
  }

  bind(mount: SpecMount): void {
    const { options } = mount;
    const source = isAbsolute(mount.source) ? mount.source : join(this.#bundle, mount.source);
    const isAllReadOnly = (options.all.set & MS_RDONLY) !== 0;
    if (options.isIdMapped && mount.uidMappings.length === 0) {
      throw new ContainerError(`${mount.path}.options: "idmap" needs uidMappings and gidMappings of the mount`);
    }
    const request = {
      path: realPath(`${mount.path}.source`, source),
      isReadOnly: isAllReadOnly || (options.own.set & MS_RDONLY) !== 0,
      isAllReadOnly,
      isRecursive: options.isRecursive,
      flags: options.own.set,
      propagation: options.propagation,
      uidMappings: mount.uidMappings,
      gidMappings: mount.gidMappings,
    };
    this.#addTree(mount.destination, request, options.own, options.all);
  }

  /** Overlays are mounted by the host's kernel, but nowhere. */
  #overlay(target: string, record: string, shown: Pick<MountConfig, "source" | "options" | "readOnly" | "flags" | "propagation">): void {
    const { plan } = this;
    const tree = { index: plan.trees.length, path: [], fsType: "overlay", root: "/", device: "", listens: false };
    plan.mounts.push({ ...shown, type: "gofer", target, tree, copiesUp: false });
    plan.trees.push({ readOnly: false, listens: false, uids: [], gids: [] });
    plan.records.push(["tree", record]);
  }

  overlay(mount: SpecMount): void {
    const { options, destination } = mount;
    const flags = applyFlags(options.own.set, options.all);
    const readOnly = (flags & MS_RDONLY) !== 0;
    this.#overlay(destination, `${readOnly ? "ro" : "rw"},overlay:${options.data}`, {
      source: mount.source === "" ? "overlay" : mount.source,
      options: options.data,
      readOnly,
      flags: flags & ~MS_RDONLY,
      propagation: options.propagation,
    });
  }

  virtual(mount: SpecMount): void {
    const { type, options, destination, source } = mount;
    const flags = applyFlags(options.own.set, options.all);
    this.plan.mounts.push({
      type: type as MountConfig["type"],
      target: destination,
      source: source === "" ? type : source,
      options: options.data,
      tree: null,
      readOnly: (flags & MS_RDONLY) !== 0,
      flags: flags & ~MS_RDONLY,
      propagation: options.propagation,
      copiesUp: options.copiesUp,
    });
  }
}

export const planMounts = (spec: Spec, root: string, bundle: string, overlay: OverlayMode): MountsPlan => {
  const planner = new Planner(spec, bundle);
  planner.root(root, overlay);
  for (const mount of spec.mounts) {
    if (mount.type === "bind") planner.bind(mount);
    else if (mount.type === "overlay") planner.overlay(mount);
    else planner.virtual(mount);
  }
  return planner.plan;
};

/** The nodes that every container has (config-linux.md, default devices); /dev/console and the links come beside them. */
const DEFAULT_DEVICES: readonly (readonly [string, number, number])[] = [
  ["/dev/null", 1, 3],
  ["/dev/zero", 1, 5],
  ["/dev/full", 1, 7],
  ["/dev/random", 1, 8],
  ["/dev/urandom", 1, 9],
  ["/dev/tty", 5, 0],
];

const CONSOLE: DeviceRule = { allow: true, type: "c", major: 5, minor: 1, access: "rwm" };

/** A bind over /dev brings its own nodes, and nothing is made there (needsSetupDev of runc). */
export const planDevices = (spec: Spec): TreesConfig["devices"] => {
  if (spec.mounts.some(({ type, destination }) => type === "bind" && posix.resolve("/", destination) === "/dev")) return null;
  const own = new Set(spec.devices.map(({ path }) => posix.normalize(path)));
  const usual = DEFAULT_DEVICES.filter(([path]) => !own.has(path)).map(([path, major, minor]) => {
    return { path, type: "c" as const, major, minor, mode: 0o666, uid: 0, gid: 0 };
  });
  return { nodes: [...usual, ...spec.devices], hasConsole: spec.process.terminal };
};

/** As for the cgroup; nodes made inside meet the sandbox's kernel, which no cgroup asks. */
export const planDeviceRules = (spec: Spec): TreesConfig["deviceRules"] => {
  const { allowsByDefault, exceptions } = stateAfter([...spec.resources.devices, ...ALWAYS_ALLOWED, CONSOLE]);
  return { allowsByDefault, exceptions: [...exceptions] };
};
