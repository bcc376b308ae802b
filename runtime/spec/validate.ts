/**
 * Reads config.json. What cannot be honoured is refused by name; what has no effect by nature
 * (AppArmor, SELinux) is passed over, and so are unknown fields, as the specification wants.
 */
import { Field } from "./field.ts";
import { HOOK_NAMES, type Hook, type HookName, type Spec } from "./spec.ts";
import { device, mount, rootPropagation } from "./validate-mounts.ts";
import { type SpecNamespaces, validateNamespaces, validateSysctls } from "./validate-namespaces.ts";
import { validateProcess } from "./validate-process.ts";
import { validateResources } from "./validate-resources.ts";
import { validateSeccomp } from "./validate-seccomp.ts";

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

const linux = (
  field: Field,
  namespaces: SpecNamespaces,
): Pick<
  Spec,
  | "namespaces"
  | "sysctls"
  | "personality"
  | "maskedPaths"
  | "readonlyPaths"
  | "seccomp"
  | "cgroupsPath"
  | "hasCgroupNamespace"
  | "resources"
  | "devices"
  | "rootPropagation"
> => {
  for (const name of ["netDevices", "intelRdt", "memoryPolicy"]) field.at(name).mustBeEmpty();
  return {
    cgroupsPath: field.at("cgroupsPath").text(""),
    hasCgroupNamespace: field
      .at("namespaces")
      .list()
      .some((item) => item.at("type").value === "cgroup"),
    resources: validateResources(field.at("resources")),
    namespaces,
    sysctls: validateSysctls(field.at("sysctl"), namespaces),
    personality: personality(field.at("personality")),
    maskedPaths: field.at("maskedPaths").texts(),
    readonlyPaths: field.at("readonlyPaths").texts(),
    seccomp: validateSeccomp(field.at("seccomp")),
    devices: field.at("devices").list().map(device),
    rootPropagation: rootPropagation(field.at("rootfsPropagation")),
  };
};

/** linux/personality.h */
const PERSONALITIES: ReadonlyMap<string, number> = new Map([
  ["LINUX", 0],
  ["LINUX32", 8],
]);

const personality = (field: Field): number => {
  if (!field.exists) return 0;
  const domain = field.at("domain");
  field.at("flags").mustBeEmpty();
  return PERSONALITIES.get(domain.text()) ?? domain.refuse('must be "LINUX" or "LINUX32"');
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
    ...linux(field.at("linux"), validateNamespaces(field)),
  };
};
