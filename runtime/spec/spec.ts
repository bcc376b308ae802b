/** config.json as Moat understands it (OCI runtime specification 1.2); validate.ts makes it. Texts are byte strings. */

import type { SeccompProfile } from "../../native/seccomp/profile.ts";
import type { Resources } from "../cgroup/resources.ts";
import type { DeviceConfig } from "../sandbox/mount-config.ts";
import type { ProcessConfig } from "../sandbox/process-config.ts";
import type { MountOptions } from "./mount-options.ts";
import type { SpecNamespaces } from "./validate-namespaces.ts";

export interface SpecMount {
  readonly destination: string;
  /** "bind" for binds, whatever the type says. */
  readonly type: "bind" | "tmpfs" | "proc" | "sysfs" | "devpts" | "mqueue" | "cgroup" | "overlay";
  /** Where it stands, for messages. */
  readonly path: string;
  readonly source: string;
  readonly options: MountOptions;
  /** Of the mount itself; both empty or neither. */
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** A range of ids (user_namespaces(7)). */
export interface IdMapping {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

export interface Hook {
  readonly path: string;
  readonly args: readonly string[];
  /** Null: not given, and the runtime's own is the hook's. */
  readonly env: readonly string[] | null;
  /** Seconds; null: no limit. */
  readonly timeout: number | null;
}

export type HookName = "prestart" | "createRuntime" | "createContainer" | "startContainer" | "poststart" | "poststop";

export interface ConsoleSize {
  readonly height: number;
  readonly width: number;
}

/** Filter and personality are the container's, not the process's: plan.ts and exec add them. */
export interface SpecProcess extends Omit<ProcessConfig, "seccomp" | "seccompListener" | "personality"> {
  readonly consoleSize: ConsoleSize | null;
}

export interface Spec {
  readonly ociVersion: string;
  readonly process: SpecProcess;
  readonly root: { readonly path: string; readonly readOnly: boolean };
  readonly hostname: string;
  readonly domainname: string;
  readonly mounts: readonly SpecMount[];
  readonly hooks: Readonly<Record<HookName, readonly Hook[]>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly namespaces: SpecNamespaces;
  /** Paths below /proc/sys and values. */
  readonly sysctls: readonly (readonly [string, string])[];
  /** personality(2) */
  readonly personality: number;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly seccomp: SeccompProfile | null;
  /** "" where config.json has none. */
  readonly cgroupsPath: string;
  readonly hasCgroupNamespace: boolean;
  readonly resources: Resources;
  readonly devices: readonly DeviceConfig[];
  /** MS_SHARED and the like for the root mount, perhaps with MS_REC; 0: as it is. */
  readonly rootPropagation: number;
}

export const HOOK_NAMES: readonly HookName[] = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
