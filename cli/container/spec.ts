/** spec and features: what Moat understands. */
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readCgroupHost } from "../../runtime/cgroup/host.ts";
import { ContainerError } from "../../runtime/container/container-error.ts";
import { defaultSpec } from "../../runtime/spec/default.ts";
import { rootlessSpec } from "../../runtime/spec/rootless.ts";
import { HOOK_NAMES } from "../../runtime/spec/spec.ts";
import { ACTIONS, FLAGS, OPERATORS } from "../../runtime/spec/validate-seccomp.ts";
import { CAPABILITY_NAMES } from "../../sentry/abi/capability.ts";
import { VERSION } from "../version.ts";

export const spec = (flags: { readonly bundle: string; readonly rootless?: boolean }): void => {
  const path = join(resolve(flags.bundle), "config.json");
  if (existsSync(path)) throw new ContainerError("File config.json exists. Remove it first");
  const base = defaultSpec(readCgroupHost().mode === "v2");
  const content = flags.rootless === true ? rootlessSpec(base, process.geteuid?.() ?? 0, process.getegid?.() ?? 0) : base;
  writeFileSync(path, `${JSON.stringify(content, null, "\t")}\n`, { mode: 0o666 });
};

const MOUNT_OPTIONS =
  "acl async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noacl noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private rbind relatime remount ro rprivate rro rrw rshared rslave runbindable rw shared silent slave strictatime suid symfollow sync unbindable";

const SECCOMP_FEATURES = {
  enabled: true,
  actions: [...ACTIONS.keys()].sort(),
  operators: [...OPERATORS.keys()].sort(),
  archs: ["SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"],
  knownFlags: [...FLAGS.keys()].sort(),
  supportedFlags: [...FLAGS.keys()].sort(),
};

export const features = (): void => {
  const report = {
    ociVersionMin: "1.0.0",
    ociVersionMax: "1.2.0",
    hooks: HOOK_NAMES,
    mountOptions: MOUNT_OPTIONS.split(" "),
    linux: {
      namespaces: ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"],
      capabilities: CAPABILITY_NAMES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: SECCOMP_FEATURES,
      apparmor: { enabled: false },
      selinux: { enabled: false },
    },
    annotations: { "org.moat.version": VERSION },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
};
