/** Where a container's cgroups are: cgroupsPath, or what runc takes without one. */
import { posix } from "node:path";
import type { CgroupHost, Hierarchy } from "./host.ts";
import { CgroupError } from "./resources.ts";

/** Directories by controller; "" is the v2 hierarchy. */
export type CgroupPaths = Readonly<Record<string, string>>;

/** A container's place under systemd: a scope in a slice. */
export interface SystemdUnit {
  readonly slice: string;
  readonly unit: string;
  /** config.json's: some are properties of the unit. */
  readonly annotations: Readonly<Record<string, string>>;
}

const KNOWN = new Set([
  "blkio",
  "cpu",
  "cpuacct",
  "cpuset",
  "devices",
  "freezer",
  "hugetlb",
  "memory",
  "misc",
  "name=systemd",
  "net_cls",
  "net_prio",
  "perf_event",
  "pids",
  "rdma",
]);

/** Without a way out by "..". */
const clean = (path: string): string =>
  (path.startsWith("/") ? posix.normalize(path) : posix.normalize(`/${path}`).slice(1)).replace(/\/$/, "");

const below = (root: string, path: string): string => {
  const relative = posix.relative(root, path);
  return relative.startsWith("..") ? path : relative;
};

const place = ({ mountPoint, root, own }: Hierarchy, inner: string, beside: boolean): string => {
  if (inner.startsWith("/")) return posix.join(mountPoint, inner);
  const from = below(root, own);
  return posix.join(mountPoint, beside ? posix.dirname(posix.join("/", from)) : from, inner);
};

/** cgroupfs driver: an absolute path counts from the mount, another from the caller's cgroup; on v2 beside that, which has processes. */
export const cgroupfsPaths = (host: CgroupHost, cgroupsPath: string, id: string): CgroupPaths => {
  const inner = clean(cgroupsPath === "" ? id : cgroupsPath);
  if (inner === "") throw new CgroupError(`linux.cgroupsPath: ${JSON.stringify(cgroupsPath)} names no cgroup`);
  if (host.mode === "v2") return { "": place(host.unified as Hierarchy, inner, true) };
  const paths: Record<string, string> = {};
  for (const [name, hierarchy] of host.controllers) if (KNOWN.has(name)) paths[name] = place(hierarchy, inner, false);
  if (host.unified) paths[""] = place(host.unified, inner, false);
  return paths;
};

/** "slice:prefix:name" of the systemd driver. */
export const systemdUnit = (
  cgroupsPath: string,
  id: string,
  isRootless: boolean,
  annotations: SystemdUnit["annotations"] = {},
): SystemdUnit => {
  if (cgroupsPath === "") return { slice: isRootless ? "user.slice" : "system.slice", unit: `moat-${id}.scope`, annotations };
  const parts = cgroupsPath.split(":");
  if (parts.length !== 3) {
    throw new CgroupError(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`,
    );
  }
  const [slice, prefix, name] = parts;
  const unit = name.endsWith(".slice") ? name : `${prefix}-${name}.scope`;
  return { slice: slice === "" ? (isRootless ? "user.slice" : "system.slice") : slice, unit, annotations };
};

/** "a-b.slice" is a directory in "a.slice" (systemd.slice(5)). */
export const expandSlice = (slice: string): string => {
  const name = slice.endsWith(".slice") ? slice.slice(0, -".slice".length) : "";
  if (slice === "-.slice") return "/";
  if (name === "" || slice.includes("/") || name.startsWith("-") || name.endsWith("-") || name.includes("--")) {
    throw new CgroupError(`invalid slice name: ${slice}`);
  }
  const parts = name.split("-");
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("-")}.slice`).join("");
};

/** `manager`: the cgroup below which this systemd keeps its units, / or that of the user's. */
export const systemdPaths = (host: CgroupHost, { slice, unit }: SystemdUnit, manager: string): CgroupPaths =>
  cgroupfsPaths(host, posix.join("/", manager, expandSlice(slice), unit), "");
