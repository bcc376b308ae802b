/** What to put where in engines whose configuration is not JSON. */
import type { RuntimeEntry } from "./docker-config.ts";

const quoted = (text: string): string => JSON.stringify(text);

const containerd = (name: string, entry: RuntimeEntry): string => `containerd (/etc/containerd/config.toml, then restart containerd):
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}.options]
      BinaryName = ${quoted(entry.path)}
  ctr run --runc-binary ${entry.path} IMAGE ID
`;

const podman = (
  name: string,
  entry: RuntimeEntry,
): string => `Podman (/etc/containers/containers.conf or ~/.config/containers/containers.conf):
  [engine]
    runtime_supports_json = ["crun", "runc", "kata", "runsc", "youki", ${quoted(name)}]
  [engine.runtimes]
    ${name} = [${quoted(entry.path)}]
  podman --runtime ${name}${(entry.runtimeArgs ?? []).map((arg) => ` --runtime-flag ${arg.replace(/^--/, "")}`).join("")} run IMAGE
`;

/** Neither containerd's nor Podman's configuration has a place for a runtime's flags: containerd gets a program that adds them. */
const wrapper = (entry: RuntimeEntry): string => `For containerd, a program of this text as BinaryName passes the flags on:
  #!/bin/sh
  exec ${entry.path} ${entry.runtimeArgs?.join(" ")} "$@"
`;

export const snippets = (name: string, entry: RuntimeEntry): string =>
  [containerd(name, entry), ...(entry.runtimeArgs ? [wrapper(entry)] : []), podman(name, entry)].join("\n");
