/** What `moat spec --rootless` writes: the default for somebody with no more rights than his own user's. */
import type { DEFAULT_SPEC } from "./default.ts";

const mapping = (id: number) => [{ containerID: 0, hostID: id, size: 1 }];

/** An ordinary user has no network to give away, no group 5, no right to a sysfs and no cgroup. */
export const rootlessSpec = (base: typeof DEFAULT_SPEC, uid: number, gid: number) => {
  const { resources: _resources, namespaces, ...linux } = base.linux;
  return {
    ...base,
    mounts: base.mounts.map((mount) =>
      mount.type === "sysfs"
        ? { destination: mount.destination, type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"] }
        : mount.type === "devpts"
          ? { ...mount, options: mount.options?.filter((option) => !option.startsWith("gid=")) }
          : mount,
    ),
    linux: {
      uidMappings: mapping(uid),
      gidMappings: mapping(gid),
      namespaces: [...namespaces.filter(({ type }) => type !== "network"), { type: "user" }],
      ...linux,
    },
  };
};
