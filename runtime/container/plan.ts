/** From a container's config.json to what the launcher starts: the sandbox's config and the trees of its gofer. */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { HostFacts, JoinConfig, StartConfig, TimeOffsetsConfig } from "../sandbox/config.ts";
import type { Spec } from "../spec/spec.ts";
import type { UserMappings } from "../spec/validate-namespaces.ts";
import { withCallerLimits } from "./caller-limits.ts";
import { ContainerError } from "./container-error.ts";
import { userNamespaceConfig } from "./namespaces.ts";
import { type NetworkMode, networkMode, sentrySysctls } from "./network.ts";
import { type OverlayMode, overlayOf } from "./overlay-mode.ts";
import { planDeviceRules, planDevices, planMounts, realPath } from "./plan-mounts.ts";
import { compiledSeccomp } from "./seccomp.ts";
import { listenerConfig } from "./seccomp-agent.ts";

export interface SandboxPlan {
  /** The request's records that name the trees, in order. */
  readonly records: readonly (readonly [string, string])[];
  readonly config: StartConfig;
}

export interface PlanOptions {
  readonly spec: Spec;
  readonly bundle: string;
  readonly hostname: string;
  readonly user: UserMappings | null;
  readonly hostFacts: HostFacts;
  readonly ownerMap: StartConfig["gofer"]["ownerMap"];
  readonly network: NetworkMode;
  readonly id: string;
  readonly overlay: OverlayMode;
  readonly joins: JoinConfig | null;
  readonly timeOffsets: TimeOffsetsConfig | null;
  /** Of an IPC namespace that is another container's; the container's own are among them. */
  readonly ipcSysctls: readonly (readonly [string, string])[];
}

const bytes = (path: string): Buffer => Buffer.from(path, "latin1");

export const rootPath = (spec: Spec, bundle: string): string => {
  const given = isAbsolute(spec.root.path) ? spec.root.path : join(bundle, spec.root.path);
  if (!existsSync(bytes(given))) throw new ContainerError(`invalid rootfs: stat ${given}: no such file or directory`);
  const path = realPath("invalid rootfs", given);
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

export const planContainer = ({
  spec,
  bundle,
  hostname,
  user,
  hostFacts,
  ownerMap,
  network,
  id,
  overlay,
  joins,
  timeOffsets,
  ipcSysctls,
}: PlanOptions): SandboxPlan => {
  const root = rootPath(spec, bundle);
  const { trees, records, mounts } = planMounts(spec, root, bundle, overlayOf(overlay, id));
  const { consoleSize: _, ...process } = spec.process;
  const log = { logLevel: "silent", debugLogFd: -1 } as const;
  return {
    records,
    config: {
      sandbox: {
        ...process,
        env: withHome(process.env, process.uid, root),
        limits: withCallerLimits(process.limits),
        seccomp: compiledSeccomp(spec.seccomp),
        seccompListener: listenerConfig(spec.seccomp, id),
        personality: spec.personality,
        hostname,
        domainname: spec.domainname,
        mounts,
        devices: planDevices(spec),
        deviceRules: planDeviceRules(spec),
        rootPropagation: spec.rootPropagation,
        maskedPaths: spec.maskedPaths,
        readonlyPaths: spec.readonlyPaths,
        userNamespace: userNamespaceConfig(user),
        sysctls: [...(joins?.ipc === true ? [] : ipcSysctls), ...sentrySysctls(spec, networkMode(spec, network))],
        waitsForStart: true,
        joins,
        timeOffsets,
        namespaceNumbers: null,
        network: networkMode(spec, network),
        platform: "systrap",
        initUnkillable: true,
        strace: null,
        ...log,
        hostFacts,
        resources: null,
      },
      gofer: { trees, ownerMap: user === null ? ownerMap : null, ...log },
    },
  };
};
