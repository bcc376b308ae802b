/** The guest's mount tree, as the config lists it. */

import { getSystemErrorMap } from "node:util";
import type { MountConfig, MountTree, TreesConfig } from "../../runtime/sandbox/mount-config.ts";
import { MS_RDONLY, MS_SHARED } from "../../syscall-tables/flags/mount.ts";
import { EINVAL, ENODEV, ENOENT, ENOTDIR, EPERM, type Errno, isErrno } from "../abi/errno.ts";
import { cgroupHierarchies } from "../fs/cgroup/cgroupfs.ts";
import { GoferFilesystem } from "../fs/gofer/filesystem.ts";
import { Overlay } from "../fs/overlay/overlay.ts";
import type { GoferClient } from "../host/gofer-client.ts";
import { firstIpcNamespace, type IpcNamespace } from "../ipc/ipc-namespace.ts";
import type { Kernel } from "../kernel.ts";
import type { Filesystem } from "../vfs/filesystem.ts";
import { Mount } from "../vfs/mount.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import { copyTree } from "../vfs/mount-tree.ts";
import { changePropagation, mountFlags } from "../vfs/mounting.ts";
import type { Path } from "../vfs/path.ts";
import { enslave } from "../vfs/peer-group.ts";
import { attachTree } from "../vfs/propagation.ts";
import { pathName } from "../vfs/tree.ts";
import { copyInto } from "./copy-up.ts";
import { makeDevices } from "./devices.ts";
import { placeAt } from "./place.ts";

/** Config type → the names that mount(2) knows, the first that is registered. */
const REGISTERED: Partial<Record<MountConfig["type"], readonly string[]>> = {
  dev: ["devtmpfs"],
};

class TreeBuilder {
  readonly #kernel: Kernel;
  readonly #gofer: GoferClient;
  /** Bytes that a filesystem in memory may take where its options do not say. */
  readonly #memoryShare: number;
  readonly #ipc: IpcNamespace;
  /** st_dev of trees by their host device. */
  readonly #devices = new Map<string, number>();

  constructor(kernel: Kernel, gofer: GoferClient, memoryShare: number, ipc: IpcNamespace) {
    this.#ipc = ipc;
    this.#kernel = kernel;
    this.#gofer = gofer;
    this.#memoryShare = memoryShare;
  }

  #deviceOf({ device }: MountTree): number {
    const known = device === "" ? undefined : this.#devices.get(device);
    if (known !== undefined) return known;
    const made = this.#kernel.vfs.allocateDevice();
    this.#devices.set(device, made);
    return made;
  }

  filesystem(mount: MountConfig, tree: MountTree | null, data: string): Filesystem | Errno {
    if (tree !== null) {
      const isImmutable = mount.type === "overlay";
      const shown = { type: tree.fsType, root: tree.root, options: mount.options };
      const fs = GoferFilesystem.attach(this.#gofer, tree.index, this.#deviceOf(tree), {
        isImmutable,
        path: tree.path,
        shown,
        listens: tree.listens,
      });
      return isErrno(fs) || !isImmutable ? fs : new Overlay(this.#kernel, fs, { size: this.#memoryShare });
    }
    if (mount.type === "mqueue") return this.#ipc.posixQueues.fs;
    for (const name of REGISTERED[mount.type] ?? [mount.type]) {
      const factory = this.#kernel.vfs.filesystemType(name);
      // What stands in for a filesystem that does not exist knows nothing of its options.
      if (factory !== null) return factory(null, mount.source, name === "tmpfs" && mount.type !== "tmpfs" ? "" : data);
    }
    return ENODEV;
  }
}

const refuse = (mount: MountConfig, error: number, why = ""): never => {
  const reason = why === "" ? (getSystemErrorMap().get(error)?.[1] ?? `errno ${-error}`) : why;
  const source = mount.tree !== null ? mount.tree.root : mount.source === "" ? mount.type : mount.source;
  throw new Error(`error mounting ${JSON.stringify(source)} to rootfs at ${JSON.stringify(mount.target)}: ${reason}`);
};

/** What runc lets a container cover in its proc filesystem (checkProcMount). */
const COVERABLE = new Set(
  "/cpuinfo /diskstats /meminfo /stat /swaps /uptime /loadavg /slabinfo /net/dev /sys/kernel/ns_last_pid /sys/crypto/fips_enabled".split(
    " ",
  ),
);

const insideProc = ({ target }: MountConfig): string => `${JSON.stringify(target)} cannot be mounted because it is inside /proc`;

/** Whether the directory that lacks the name is the proc filesystem's. */
const leadsIntoProc = (kernel: Kernel, namespace: MountNamespace, target: string): boolean => {
  const parent = placeAt(kernel, namespace, target.slice(0, target.lastIndexOf("/") + 1));
  return !isErrno(parent) && parent.mount.fs.type === "proc";
};

const checkPlace = (mount: MountConfig, place: Path): void => {
  if (place.mount.fs.type !== "proc") return;
  const inside = pathName(place, { mount: place.mount, dentry: place.mount.root });
  const isFresh = inside === "/" && mount.type === "proc";
  if (!isFresh && !COVERABLE.has(inside)) refuse(mount, EPERM, insideProc(mount));
};

const namesMode = (options: string): boolean => options.split(",").some((option) => option.startsWith("mode="));

/** runc: a tmpfs over a directory that is there has that directory's permissions unless it says otherwise. */
const tmpfsData = (options: string, existing: Path | null): string => {
  if (existing === null || namesMode(options)) return options;
  const mode = `mode=${(existing.dentry.inode.mode & 0o7777).toString(8)}`;
  return options === "" ? mode : `${mode},${options}`;
};

/** Whether the last component itself is a link: proc and sysfs are not put behind one. */
const isLink = (kernel: Kernel, namespace: MountNamespace, target: string): boolean => {
  const end = target.replace(/\/+$/, "");
  const slash = end.lastIndexOf("/");
  const parent = placeAt(kernel, namespace, end.slice(0, slash + 1));
  if (isErrno(parent)) return false;
  const entry = kernel.vfs.child(null, parent, end.slice(slash + 1));
  return !isErrno(entry) && entry.dentry.inode.isSymlink;
};

/** Null: a mount below a recursive bind's source that went away after the mounts were listed, which the host's own bind would not have seen. */
const place = (kernel: Kernel, builder: TreeBuilder, namespace: MountNamespace, mount: MountConfig): Mount | null => {
  if ((mount.type === "proc" || mount.type === "sysfs") && isLink(kernel, namespace, mount.target)) {
    refuse(mount, EPERM, `filesystem ${JSON.stringify(mount.type)} must be mounted on ordinary directory`);
  }
  const existing = placeAt(kernel, namespace, mount.target);
  const data = mount.type === "tmpfs" && !mount.copiesUp ? tmpfsData(mount.options, isErrno(existing) ? null : existing) : mount.options;
  const fs = builder.filesystem(mount, mount.tree, data);
  if (fs === ENOENT && mount.tree !== null && mount.tree.path.length > 0) return null;
  if (isErrno(fs)) return refuse(mount, fs);
  const at = placeAt(kernel, namespace, mount.target, fs.root.isDirectory ? "directory" : "file");
  if (isErrno(at)) return refuse(mount, at, leadsIntoProc(kernel, namespace, mount.target) ? insideProc(mount) : "");
  if (at.dentry.inode.isDirectory !== fs.root.isDirectory) return refuse(mount, ENOTDIR, "not a directory");
  checkPlace(mount, at);
  // runc mounts a tmpfs writable and makes the mount read-only.
  if (mount.readOnly && mount.tree === null && mount.type !== "tmpfs") fs.isReadOnly = true;
  const made = kernel.vfs.newMount(fs, mount.source === "" ? mount.type : mount.source, mountFlagsOf(mount));
  if (mount.copiesUp) {
    const { inode } = at.dentry;
    const error = copyInto(inode, fs.root);
    if (error < 0) return refuse(mount, error);
    if (!isErrno(existing) && !namesMode(mount.options)) fs.root.setAttributes({ mode: inode.mode }, null);
  }
  attachTree(made, at.mount, at.dentry, null);
  return made;
};

const mountFlagsOf = ({ flags, readOnly }: MountConfig): number => mountFlags(flags | (readOnly ? MS_RDONLY : 0));

const propagate = (mount: Mount, types: readonly number[]): void => {
  for (const type of types) changePropagation(null, { mount, dentry: mount.root }, type);
};

const cgroupRoot = (mount: MountConfig): MountConfig => ({
  ...mount,
  options: "",
  source: cgroupHierarchies().length > 0 ? "tmpfs" : "cgroup",
});

/** Mounts everything in order; the first one is the root. Throws an Error that names the mount that failed. */
export const buildMounts = (
  kernel: Kernel,
  gofer: GoferClient,
  config: TreesConfig,
  memoryShare: number,
  ipc: IpcNamespace = firstIpcNamespace(kernel),
): MountNamespace => {
  const builder = new TreeBuilder(kernel, gofer, memoryShare, ipc);
  const [root, ...others] = config.mounts.map((mount) => (mount.type === "cgroup" ? cgroupRoot(mount) : mount));
  const fs = builder.filesystem(root, root.tree, root.options);
  if (isErrno(fs)) return refuse(root, fs);
  const namespace = kernel.vfs.createNamespace(fs, root.source === "" ? root.type : root.source, mountFlagsOf(root));
  // runc makes a tmpfs on /dev read-only when its nodes are made.
  const late: Mount[] = [];
  // A bind is there as a whole before its propagation changes: what lies below would be shared by being mounted on a shared mount.
  let placed: { readonly made: Mount; readonly config: MountConfig }[] = [];
  const finish = (): void => {
    for (const { made, config: mount } of placed) {
      if (mount.tree?.listens && mount.propagation.every((type) => (type & MS_SHARED) === 0)) enslave(made);
      propagate(made, mount.propagation);
    }
    placed = [];
  };
  for (const mount of others) {
    if (placed.length > 0 && (mount.tree === null || mount.tree.index !== placed[0].config.tree?.index)) finish();
    const isDev = config.devices !== null && mount.readOnly && mount.type === "tmpfs" && mount.target.replace(/\/+$/, "") === "/dev";
    const made = place(kernel, builder, namespace, mount);
    if (made === null) continue;
    placed.push({ made, config: mount });
    if (isDev) late.push(made);
    // v1: each hierarchy is a mount of its own, by which programs find it.
    for (const part of mount.type === "cgroup" ? cgroupHierarchies() : []) {
      place(kernel, builder, namespace, { ...mount, target: `${mount.target}/${part}`, source: "cgroup", options: part });
    }
  }
  finish();
  if (config.devices !== null) makeDevices(kernel, namespace, config.devices);
  for (const mount of late) mount.flags |= MS_RDONLY;
  if (config.rootPropagation !== 0) propagate(namespace.root, [config.rootPropagation]);
  return namespace;
};

/** maskedPaths and readonlyPaths of config.json: what does not exist needs neither. */
export const restrictPaths = (kernel: Kernel, namespace: MountNamespace, { maskedPaths, readonlyPaths }: TreesConfig): void => {
  for (const path of readonlyPaths) {
    const at = placeAt(kernel, namespace, path);
    if (isErrno(at)) continue;
    const copy = copyTree(at.mount, { root: at.dentry });
    copy.flags |= MS_RDONLY;
    attachTree(copy, at.mount, at.dentry, null);
  }
  const nothing = placeAt(kernel, namespace, "/dev/null");
  for (const path of maskedPaths) {
    const at = placeAt(kernel, namespace, path);
    if (isErrno(at)) continue;
    if (at.dentry.inode.isDirectory) {
      const empty = kernel.vfs.filesystemType("tmpfs")?.(null, "tmpfs", "") ?? EINVAL;
      if (isErrno(empty)) continue;
      empty.isReadOnly = true;
      attachTree(kernel.vfs.newMount(empty, "tmpfs", mountFlags(MS_RDONLY)), at.mount, at.dentry, null);
    } else if (!isErrno(nothing)) {
      attachTree(new Mount(nothing.mount.fs, nothing.dentry, nothing.mount.flags, nothing.mount.source), at.mount, at.dentry, null);
    }
  }
};
