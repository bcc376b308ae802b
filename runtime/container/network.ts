/** Which network a container uses, and what it may do with it. */
import { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_NET_RAW } from "../../syscall-tables/flags/system.ts";
import type { Spec } from "../spec/spec.ts";
import { ContainerError } from "./container-error.ts";

/** host: the network namespace of config.json; none: a loopback of the sandbox's own, whatever the namespace has. */
export type NetworkMode = "host" | "none";

/** It overrides the flag, as runsc takes flags from annotations. */
const ANNOTATION = "dev.moat.network";

/** Bits of a capability set (capabilities(7)). */
const MAY_BIND_LOW = 1 << CAP_NET_BIND_SERVICE;
const MAY_ADMINISTER = 1 << CAP_NET_ADMIN;
const MAY_SEND_RAW = 1 << CAP_NET_RAW;

export const networkMode = (spec: Spec, wanted: NetworkMode): NetworkMode => {
  const annotation = spec.annotations[ANNOTATION];
  if (annotation === undefined) return wanted;
  if (annotation !== "host" && annotation !== "none") throw new ContainerError(`annotations.${ANNOTATION}: it takes host or none`);
  return annotation;
};

const isNetwork = ([path]: readonly [string, string]): boolean => path.startsWith("net/");

/** The others, and without a host network all of them, are the sentry's. */
export const sentrySysctls = (spec: Spec, mode: NetworkMode): readonly (readonly [string, string])[] =>
  mode === "none" ? spec.sysctls : spec.sysctls.filter((sysctl) => !isNetwork(sysctl));

/**
 * What the launcher is asked for (native/launcher/request.h). Of the broker's capabilities: ports and raw sockets the
 * sentry gives to whom it may; the network may be changed by a container that has CAP_NET_ADMIN, as with runc.
 */
export const networkRecords = (spec: Spec, mode: NetworkMode): (readonly [string, string])[] => {
  if (mode === "none") return [];
  const mayAdminister = spec.process.capabilities?.bounding.includes("CAP_NET_ADMIN") === true;
  const capabilities = MAY_BIND_LOW | MAY_SEND_RAW | (mayAdminister ? MAY_ADMINISTER : 0);
  return [
    ...spec.sysctls.filter(isNetwork).map(([path, value]): [string, string] => ["sysctl", `${path}=${value}`]),
    ["network", capabilities.toString(16)],
  ];
};
