/** The family `fs`: mounts and filesystems as a whole. */
import type { Implementation } from "../implement.ts";
import { sys_fsconfig, sys_fsmount, sys_fsopen, sys_fspick } from "./fs-config.ts";
import { sys_listmount } from "./listmount.ts";
import { sys_mount, sys_pivot_root, sys_umount2 } from "./mount.ts";
import { sys_mount_setattr, sys_move_mount, sys_open_tree, sys_open_tree_attr } from "./mount-tree.ts";
import { sys_fstatfs, sys_statfs, sys_ustat } from "./statfs.ts";
import { sys_statmount } from "./statmount.ts";
import { sys_quotactl, sys_quotactl_fd, sys_swapoff, sys_swapon, sys_sysfs } from "./types.ts";

export const fsSyscalls: Implementation[] = [
  sys_fsopen,
  sys_fspick,
  sys_fsconfig,
  sys_fsmount,
  sys_open_tree,
  sys_open_tree_attr,
  sys_move_mount,
  sys_mount_setattr,
  sys_mount,
  sys_umount2,
  sys_pivot_root,
  sys_statfs,
  sys_fstatfs,
  sys_ustat,
  sys_statmount,
  sys_listmount,
  sys_sysfs,
  sys_swapon,
  sys_swapoff,
  sys_quotactl,
  sys_quotactl_fd,
];
