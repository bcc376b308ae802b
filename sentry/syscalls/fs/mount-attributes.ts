/** MOUNT_ATTR_* of fsmount(2) and mount_setattr(2) as MS_* flags. */
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_STRICTATIME,
} from "../../../syscall-tables/flags/mount.ts";
import { EINVAL } from "../../abi/errno.ts";

const PAIRS: readonly (readonly [number, number])[] = [
  [MOUNT_ATTR_RDONLY, MS_RDONLY],
  [MOUNT_ATTR_NOSUID, MS_NOSUID],
  [MOUNT_ATTR_NODEV, MS_NODEV],
  [MOUNT_ATTR_NOEXEC, MS_NOEXEC],
  [MOUNT_ATTR_NODIRATIME, MS_NODIRATIME],
  [MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW],
];

export const MOUNT_ATTRIBUTES = PAIRS.reduce((all, [bit]) => all | bit, MOUNT_ATTR__ATIME);

/** The MS_* flags without those of atime. */
export const plainFlags = (attributes: number): number => {
  let flags = 0;
  for (const [bit, flag] of PAIRS) if ((attributes & bit) !== 0) flags |= flag;
  return flags;
};

/** All of them as mount(2) takes them, or EINVAL: the atime bits are one field, relatime is its 0. */
export const attributeFlags = (attributes: number): number => {
  const flags = plainFlags(attributes);
  switch (attributes & MOUNT_ATTR__ATIME) {
    case 0:
      return flags;
    case MOUNT_ATTR_NOATIME:
      return flags | MS_NOATIME;
    case MOUNT_ATTR_STRICTATIME:
      return flags | MS_STRICTATIME;
    default:
      return EINVAL;
  }
};
