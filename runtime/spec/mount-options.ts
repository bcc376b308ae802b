/** Mount options of config.json, as mount(8) has them: flags, propagation, and what is left for the filesystem. */
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RELATIME,
  MS_STRICTATIME,
} from "../../syscall-tables/flags/mount.ts";

export interface MountOptions {
  readonly flags: number;
  readonly isReadOnly: boolean;
  readonly isBind: boolean;
  /** For the filesystem: "size=64m,mode=1777". */
  readonly data: string;
}

const set: Readonly<Record<string, number>> = {
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  noatime: MS_NOATIME,
  nodiratime: MS_NODIRATIME,
  relatime: MS_RELATIME,
  strictatime: MS_STRICTATIME,
  nosymfollow: MS_NOSYMFOLLOW,
};

const clear: Readonly<Record<string, number>> = {
  suid: MS_NOSUID,
  dev: MS_NODEV,
  exec: MS_NOEXEC,
  atime: MS_NOATIME,
  diratime: MS_NODIRATIME,
  norelatime: MS_RELATIME,
  nostrictatime: MS_STRICTATIME,
  symfollow: MS_NOSYMFOLLOW,
};

/** Nothing to do for them: writes go through at once, and no mount of the host's is ever seen inside, or the other way round. */
const without = new Set(
  "defaults async sync dirsync remount acl noacl mand nomand lazytime nolazytime loud silent iversion noiversion private rprivate slave rslave shared rshared unbindable runbindable newinstance".split(
    " ",
  ),
);

/** Null and the option's name, when one is known but cannot be honoured. */
export const parseMountOptions = (options: readonly string[]): MountOptions | { readonly unsupported: string } => {
  let flags = 0;
  let isReadOnly = false;
  let isBind = false;
  const data: string[] = [];
  for (const option of options) {
    if (option in set) flags |= set[option];
    else if (option in clear) flags &= ~clear[option];
    else if (option === "ro" || option === "rro") isReadOnly = true;
    else if (option === "rw" || option === "rrw") isReadOnly = false;
    else if (option === "bind" || option === "rbind") isBind = true;
    else if (option === "tmpcopyup" || option === "idmap" || option === "ridmap") return { unsupported: option };
    else if (!without.has(option)) data.push(option);
  }
  return { flags, isReadOnly, isBind, data: data.join(",") };
};
