/**
 * Reads config.json. What cannot be honoured is refused by name; what has no effect by nature
 * (AppArmor, SELinux) is passed over, and so are unknown fields, as the specification wants.
 */
import { Field } from "./field.ts";
import { HOOK_NAMES, type Hook, type HookName, type Spec } from "./spec.ts";
import { networkSysctls } from "./sysctl.ts";
import { device, mount, rootPropagation } from "./validate-mounts.ts";
import { validateProcess } from "./validate-process.ts";
import { validateResources } from "./validate-resources.ts";
import { validateSeccomp } from "./validate-seccomp.ts";

/** A sandbox has its own of each, whatever the container's config says of the host's. */
const OWN_NAMESPACES = ["pid", "network", "ipc", "uts", "mount"];

const hook = (field: Field): Hook => {
  const path = field.at("path");
  if (!path.text().startsWith("/")) path.refuse("must be an absolute path");
  const timeout = field.at("timeout");
  return {
    path: path.text(),
    args: field.at("args").texts(),
    env: field.at("env").exists ? field.at("env").texts() : null,
    timeout: timeout.exists ? timeout.integer(-(2 ** 31), 2 ** 31) : null,
  };
};

const namespaces = (field: Field): string => {
  let network = "";
  const own = new Set<string>();
  for (const item of field.list()) {
    const type = item.at("type");
    const name = type.text();
    const path = item.at("path");
    if (own.has(name)) item.refuse(`a second namespace of type ${JSON.stringify(name)}`);
    own.add(name);
    if (name === "network") network = path.isEmpty ? "new" : path.text();
    else if (name === "user" || name === "time") type.refuse(`${JSON.stringify(name)} is not supported`);
    else if (name !== "cgroup" && !OWN_NAMESPACES.includes(name)) type.refuse(`unknown namespace ${JSON.stringify(name)}`);
    else path.mustBeEmpty("joining another container's namespace is not supported");
  }
  for (const name of OWN_NAMESPACES)
    if (name !== "network" && !own.has(name)) field.refuse(`sharing the host's ${name} namespace is not supported`);
  return network;
};

const linux = (
  field: Field,
): Pick<
  Spec,
  | "network"
  | "networkSysctls"
  | "maskedPaths"
  | "readonlyPaths"
  | "seccomp"
  | "cgroupsPath"
  | "hasCgroupNamespace"
  | "resources"
  | "devices"
  | "rootPropagation"
> => {
  for (const name of ["uidMappings", "gidMappings", "netDevices", "intelRdt", "timeOffsets", "memoryPolicy"]) field.at(name).mustBeEmpty();
  const personality = field.at("personality");
  if (personality.exists && personality.at("domain").text() !== "LINUX") personality.at("domain").refuse('only "LINUX" is supported');
  const network = namespaces(field.at("namespaces"));
  return {
    cgroupsPath: field.at("cgroupsPath").text(""),
    hasCgroupNamespace: field
      .at("namespaces")
      .list()
      .some((item) => item.at("type").value === "cgroup"),
    resources: validateResources(field.at("resources")),
    network,
    networkSysctls: networkSysctls(field.at("sysctl"), network),
    maskedPaths: field.at("maskedPaths").texts(),
    readonlyPaths: field.at("readonlyPaths").texts(),
    seccomp: validateSeccomp(field.at("seccomp")),
    devices: field.at("devices").list().map(device),
    rootPropagation: rootPropagation(field.at("rootfsPropagation")),
  };
};

const version = (field: Field): string => {
  const text = field.text("");
  // runc does not ask for it.
  if (text === "") return text;
  if (!/^1\.[0-9]+\.[0-9]+(-.*)?$/.test(text)) field.refuse(`${JSON.stringify(text)} is not supported, only 1.x`);
  return text;
};

export const validateSpec = (config: unknown): Spec => {
  const field = new Field(config, "");
  const root = field.at("root");
  if (!root.exists) root.say("root must be specified");
  for (const name of ["windows", "solaris", "vm", "zos", "freebsd"]) field.at(name).mustBeEmpty();
  const hooks = {} as Record<HookName, readonly Hook[]>;
  for (const name of HOOK_NAMES) hooks[name] = field.at("hooks").at(name).list().map(hook);
  const annotations = field.at("annotations");
  const hostname = field.at("hostname");
  if (hostname.text("").length > 64) hostname.refuse("is longer than 64 bytes");
  return {
    ociVersion: version(field.at("ociVersion")),
    process: validateProcess(field.at("process")),
    root: { path: root.at("path").text(), readOnly: root.at("readonly").flag(false) },
    hostname: hostname.text(""),
    domainname: field.at("domainname").text("(none)"),
    mounts: field.at("mounts").list().map(mount),
    hooks,
    annotations: Object.fromEntries(annotations.keys.map((key) => [key, annotations.at(key).text()])),
    ...linux(field.at("linux")),
  };
};
