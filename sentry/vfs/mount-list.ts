/** What /proc/pid/mounts and mountinfo list (fs/proc_namespace.c). */
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
} from "../../syscall-tables/flags/mount.ts";
import type { Task } from "../task/task.ts";
import type { Mount } from "./mount.ts";
import { isReachable, nameInFilesystem, pathName } from "./tree.ts";

export interface MountEntry {
  readonly mount: Mount;
  /** As seen from the task's root. */
  readonly path: string;
  /** The path of the mount's root within its filesystem. */
  readonly root: string;
  /** "rw,nosuid,…" of the mount. */
  readonly mountOptions: string;
  /** "rw,size=…" of the filesystem. */
  readonly fsOptions: string;
}

const OPTION_NAMES: readonly (readonly [number, string])[] = [
  [MS_NOSUID, "nosuid"],
  [MS_NODEV, "nodev"],
  [MS_NOEXEC, "noexec"],
  [MS_NOATIME, "noatime"],
  [MS_NODIRATIME, "nodiratime"],
  [MS_RELATIME, "relatime"],
  [MS_NOSYMFOLLOW, "nosymfollow"],
];

const optionsOf = (mount: Mount): string => {
  let options = (mount.flags & MS_RDONLY) !== 0 ? "ro" : "rw";
  for (const [flag, name] of OPTION_NAMES) if ((mount.flags & flag) !== 0) options += `,${name}`;
  return options;
};

export const mountEntries = (task: Task): MountEntry[] => {
  const { root, namespace } = task.fs;
  const entries: MountEntry[] = [];
  // mnt_find_id_at(): by age, however long ago it was placed.
  for (const mount of [...namespace.mounts].sort((a, b) => a.id - b.id)) {
    const place = { mount, dentry: mount.root };
    if (!isReachable(place, root)) continue;
    const { options, isReadOnly } = mount.fs;
    const access = isReadOnly ? "ro" : "rw";
    entries.push({
      mount,
      path: pathName(place, root),
      root: nameInFilesystem(mount.root),
      mountOptions: optionsOf(mount),
      fsOptions: options === "" ? access : `${access},${options}`,
    });
  }
  return entries;
};
