/** From a container's config.json to what the launcher starts: the sandbox's config and the trees of its gofer. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { GoferTree, HostFacts, MountConfig, StartConfig } from "../sandbox/config.ts";
import type { Spec, SpecMount } from "../spec/spec.ts";
import { ContainerError } from "./container-error.ts";
import { compiledSeccomp } from "./seccomp.ts";

export interface SandboxPlan {
  readonly treePaths: readonly string[];
  readonly config: StartConfig;
}

export interface PlanOptions {
  readonly spec: Spec;
  readonly bundle: string;
  readonly hostname: string;
  readonly hostFacts: HostFacts;
  readonly ownerMap: StartConfig["gofer"]["ownerMap"];
}

const bytes = (path: string): Buffer => Buffer.from(path, "latin1");

const realPath = (what: string, path: string): string => {
  try {
    return (realpathSync(bytes(path), "buffer") as unknown as Buffer).toString("latin1");
  } catch (error) {
    throw new ContainerError(`${what}: ${(error as Error).message}`);
  }
};

export const rootPath = (spec: Spec, bundle: string): string => {
  const path = realPath("root.path", isAbsolute(spec.root.path) ? spec.root.path : join(bundle, spec.root.path));
  if (!statSync(bytes(path)).isDirectory()) throw new ContainerError(`root.path: ${spec.root.path} is not a directory`);
  return path;
};

/** A file of the container's own; null when it leads out of the root, or does not exist. */
const readInside = (root: string, name: string): string | null => {
  try {
    const path = (realpathSync(bytes(join(root, name)), "buffer") as unknown as Buffer).toString("latin1");
    return path.startsWith(`${root}/`) ? readFileSync(bytes(path), "latin1") : null;
  } catch {
    return null;
  }
};

/** HOME from the container's /etc/passwd when config.json has none, as runc does. */
export const withHome = (env: readonly string[], uid: number, root: string): readonly string[] => {
  if (env.some((entry) => entry.startsWith("HOME="))) return env;
  const entry = (readInside(root, "/etc/passwd") ?? "")
    .split("\n")
    .map((line) => line.split(":"))
    .find((fields) => fields.length >= 6 && fields[2] === String(uid));
  return [...env, `HOME=${entry === undefined || entry[5] === "" ? "/" : entry[5]}`];
};

/** Of the container's /dev the sandbox makes the nodes itself. */
const KINDS: Readonly<Record<Exclude<SpecMount["type"], "bind">, MountConfig["type"]>> = {
  tmpfs: "tmpfs",
  proc: "proc",
  sysfs: "sysfs",
  devpts: "devpts",
  mqueue: "tmpfs",
  cgroup: "tmpfs",
};

const plannedMount = (mount: SpecMount): MountConfig => {
  const { type, destination: target, options } = mount;
  const isDev = type === "tmpfs" && target.replace(/\/+$/, "") === "/dev";
  const kind = isDev ? "dev" : KINDS[type as Exclude<SpecMount["type"], "bind">];
  const data = type === "mqueue" ? "mode=1777" : type === "tmpfs" || type === "devpts" ? options.data : "";
  return { type: kind, target, options: data, goferTree: -1, readOnly: options.isReadOnly, flags: options.flags };
};

export const planContainer = ({ spec, bundle, hostname, hostFacts, ownerMap }: PlanOptions): SandboxPlan => {
  const root = rootPath(spec, bundle);
  // Mount points are made in it, whether the container may write there or not.
  const trees: GoferTree[] = [{ readOnly: false }];
  const treePaths = [root];
  const mounts: MountConfig[] = [{ type: "gofer", target: "/", options: "", goferTree: 0, readOnly: spec.root.readOnly, flags: 0 }];
  for (const mount of spec.mounts) {
    if (mount.type !== "bind") {
      mounts.push(plannedMount(mount));
      continue;
    }
    const { isReadOnly: readOnly, flags } = mount.options;
    const source = isAbsolute(mount.source) ? mount.source : join(bundle, mount.source);
    treePaths.push(realPath(`${mount.path}.source`, source));
    mounts.push({ type: "gofer", target: mount.destination, options: "", goferTree: trees.length, readOnly, flags });
    trees.push({ readOnly });
  }
  const { consoleSize: _, ...process } = spec.process;
  const log = { logLevel: "silent", debugLogFd: -1 } as const;
  return {
    treePaths,
    config: {
      sandbox: {
        ...process,
        env: withHome(process.env, process.uid, root),
        seccomp: compiledSeccomp(spec.seccomp),
        hostname,
        domainname: spec.domainname,
        mounts,
        maskedPaths: spec.maskedPaths,
        readonlyPaths: spec.readonlyPaths,
        waitsForStart: true,
        network: "none",
        platform: "systrap",
        initUnkillable: true,
        strace: null,
        ...log,
        hostFacts,
      },
      gofer: { trees, ownerMap, ...log },
    },
  };
};
