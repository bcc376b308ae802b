/** What tests with engines and containers need of the machine. Where it is missing they say so; in CI that is a failure. */
import { existsSync } from "node:fs";
import { describe, it, type TestOptions } from "node:test";

/** Debian package → the file by which it is known. prepare.mjs installs them. */
const PACKAGES = {
  "busybox-static": "/bin/busybox",
  containerd: "/usr/bin/containerd",
  "containernetworking-plugins": "/usr/lib/cni/ptp",
  curl: "/usr/bin/curl",
  debootstrap: "/usr/sbin/debootstrap",
  "docker.io": "/usr/sbin/dockerd",
  "docker-compose": "/usr/bin/docker-compose",
  iproute2: "/bin/ip",
  iptables: "/usr/sbin/iptables",
  netavark: "/usr/lib/podman/netavark",
  "aardvark-dns": "/usr/lib/podman/aardvark-dns",
  conmon: "/usr/bin/conmon",
  podman: "/usr/bin/podman",
  python3: "/usr/bin/python3",
  runc: "/usr/sbin/runc",
  skopeo: "/usr/bin/skopeo",
  uidmap: "/usr/bin/newuidmap",
  umoci: "/usr/bin/umoci",
  "util-linux": "/usr/bin/nsenter",
} as const;

export type Package = keyof typeof PACKAGES;

const ALWAYS: readonly Package[] = ["busybox-static", "iproute2", "python3", "runc", "util-linux"];

const missing = (packages: readonly Package[], needsRoot: boolean): string[] => [
  ...(!needsRoot || process.geteuid?.() === 0 ? [] : ["root"]),
  ...packages.filter((name) => !existsSync(PACKAGES[name])),
];

const TIMEOUT_MS = 15 * 60_000;

const describeUnless = (lacking: readonly string[], name: string, options: TestOptions, body: () => void): void => {
  if (lacking.length === 0) describe(name, options, body);
  else if (process.env.CI === "true") it(name, () => Promise.reject(new Error(`the machine lacks ${lacking.join(", ")}`)));
  // A contributor's machine need not have them; the report says what is missing, and CI has it all.
  else describe(name, { skip: `needs ${lacking.join(", ")}; "node test/engines/prepare.mjs" installs what Debian has` }, body);
};

/** `describe` for tests that need engines. */
export const describeEngine = (name: string, packages: readonly Package[], body: () => void): void =>
  describeUnless(missing([...ALWAYS, ...packages], true), name, { timeout: TIMEOUT_MS, concurrency: 2 }, body);

/** `describe` for tests of container commands, whose root filesystem is busybox. */
export const describeContainers = (name: string, body: () => void): void =>
  describeUnless(missing(["busybox-static"], false), name, {}, body);

/** The same for what only root may do, beside runc perhaps; `others`: what else the machine lacks, and no package brings. */
export const describeRootContainers = (
  name: string,
  packages: readonly Package[],
  body: () => void,
  others: readonly string[] = [],
): void => describeUnless([...missing(["busybox-static", ...packages], true), ...others], name, {}, body);
